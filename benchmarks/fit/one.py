"""One curve of 200 points, with a model in NumPy: beside SciPy, whose results it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from threadpoolctl import threadpool_limits

from fastadam import curve_fit
from workloads import decays

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult
from ..harness.rows import fraction, keeping, make_rows
from ..harness.timing import Effort, interleave
from ..harness.watch import watched

OURS, SCIPY = "fastadam", "SciPy"
#: Times as long as SciPy.
LIMIT = 1.0
X = np.linspace(0.0, 4.0, 200)
#: What a call is given beside model and data.
CASES: dict[str, dict[str, Any]] = {
    "no start": {},
    "a start, sigma": {"p0": [1.0, 2.0, 1.0], "sigma": np.full(X.size, 0.05)},
    "bounds": {"bounds": ([0.0, 0.0, 0.0], 5.0)},
}


def make_curve() -> Array:
    """Make a decay with noise."""
    noise = np.random.default_rng(0).normal(0.0, 0.05, X.size)
    return np.asarray(decays.model(X, 2.0, 1.3, 0.5) + noise)


def find_difference(ours: Any, theirs: Any) -> str:
    """Compare parameters and covariances, which are to be SciPy's; return what is wrong."""
    if not np.array_equal(ours[0], theirs[0]):
        return "the parameters are not SciPy's, to the last bit"
    if not np.allclose(ours[1], theirs[1], rtol=1e-12, atol=0.0):
        return "the covariance is not SciPy's"
    return ""


@watched
def one_curve(options: Options) -> SuiteResult:
    """Time a fit with each set of arguments."""
    y, result = make_curve(), SuiteResult()
    effort = Effort(5, 2, 0.2) if options.quick else Effort(30, 3, 3.0)
    for words, keywords in CASES.items():
        case = f"one curve of {X.size} points, model in NumPy, {words}"
        say(case)
        calls: dict[str, Callable[[], Any]] = {
            OURS: lambda keywords=keywords: curve_fit(decays.model, X, y, **keywords),  # type: ignore[misc]
            SCIPY: lambda keywords=keywords: scipy.optimize.curve_fit(  # type: ignore[misc]
                decays.model, X, y, **keywords
            ),
        }
        kept, results = keeping(calls)
        with threadpool_limits(1, user_api="blas"):
            records = interleave(kept, effort)
        difference = find_difference(results[OURS], results[SCIPY])
        wrong = {OURS: difference} if difference else {}
        result.rows += make_rows(case, records, wrong, (OURS,))
        result.verdicts.append(
            fraction(f"{case}, {OURS} / {SCIPY}", LIMIT, records, wrong, OURS, SCIPY)
        )
    return result

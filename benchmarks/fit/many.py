"""100,000 decay curves within bounds, with errors of the parameters: a fit each.

The curves and the starts are those of `benchmarks.batch.fits`, and so is what makes a fit right.
Nobody but those who ask for them is given derivatives. Standard errors are compared with those of
SciPy's `curve_fit` on a sample, where neither ends at a bound.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
import scipy.optimize
from threadpoolctl import threadpool_limits

from fastadam import curve_fit
from workloads import decays
from workloads.decays import LOWER, TIMES, UPPER

from ..batch import levenberg
from ..batch.fits import find_wrong, select_sample
from ..batch.fitters import BOUNDED, Curves, make_curves
from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import divided, fraction, keeping, make_rows
from ..harness.timing import Effort, Record, Summary, interleave
from ..harness.watch import watched

OURS, GIVEN = "fastadam, no derivatives", "fastadam, derivatives given"
#: Microseconds a fit; and times as long as ndoptimize, whose derivatives are given.
TIME_LIMIT, NDOPTIMIZE_LIMIT = 4.0, 0.6
#: The median difference of standard errors from SciPy's, relative.
ERROR_LIMIT = 1e-4
#: An error that differs by more is wrong: both stop a little short of the minimum.
MOST_DIFFERENT = 0.02


@numba.njit(error_model="numpy")
def decay(t, amplitude, rate, offset):  # type: ignore[no-untyped-def]  # Numba finds the types
    """Return the decay, in the form that `curve_fit` wants."""
    return amplitude * np.exp(-rate * t) + offset


@numba.njit(error_model="numpy")
def slopes(t, amplitude, rate, offset):  # type: ignore[no-untyped-def]
    """Return its derivatives, a column a parameter."""
    return levenberg.slopes(np.array([amplitude, rate, offset]), t)


def fit(starts: Array, y: Array, **changes: Any) -> Any:
    """Fit curves by `fastadam.curve_fit`."""
    return curve_fit(decay, TIMES, y, starts, bounds=(LOWER, UPPER), **changes)


def fit_sample(curves: Curves) -> tuple[Array, Array]:
    """Fit the sample by SciPy's `curve_fit`, with the same bounds; give parameters and errors.

    A fit that fails has the start, and errors that are NaN.
    """
    x = curves.starts[curves.sample]
    stderr = np.full_like(x, np.nan)
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for i, k in enumerate(curves.sample):
            try:
                x[i], covariance = scipy.optimize.curve_fit(
                    decays.model, TIMES, curves.scene.y[k], curves.starts[k], bounds=(LOWER, UPPER)
                )
            except RuntimeError:
                continue
            stderr[i] = np.sqrt(np.diag(covariance))
    return x, stderr


def compare_errors(found: Any, x: Array, stderr: Array) -> Array:
    """Return by how much standard errors differ, relative, where no parameter is at a bound.

    SciPy's fits end near a bound, not at it, and its errors know nothing of it.
    """
    near = np.minimum(x - LOWER, UPPER - x) < 1e-3 * stderr
    free = ~(found.at_bound | near).any(axis=1) & np.isfinite(stderr).all(axis=1)
    return np.abs(found.stderr[free] / stderr[free] - 1.0)


def select(found: Any, rows: Array) -> Any:
    """Take the fits of some rows."""
    names = ("x", "stderr", "at_bound")
    return scipy.optimize.OptimizeResult({name: found[name][rows] for name in names})


@watched
def many_curves(options: Options) -> SuiteResult:
    """Time a fit of each contender, and check all of them on the sample."""
    curves = make_curves(options.quick)
    total, everything = len(curves.starts), np.arange(len(curves.starts))
    case = f"{total:,} decay curves, 3 parameters, {TIMES.size} points, errors included, a fit"
    say(case)
    calls: dict[str, Callable[[], Any]] = {
        OURS: lambda: fit(curves.starts, curves.scene.y),
        GIVEN: lambda: fit(curves.starts, curves.scene.y, jac=slopes),
        BOUNDED: lambda: fit_sample(curves),
    }
    which = {OURS: everything, GIVEN: everything, BOUNDED: curves.sample}
    result = SuiteResult()
    for name, make in levenberg.MAKERS.items():
        try:
            calls[name] = partial(make(), curves.starts, curves.scene.y)
            which[name] = everything
        except ImportError as error:
            result.notes.append(f"{name} left out: {error}")
    kept, results = keeping(calls)
    for name in calls.keys() - {BOUNDED}:
        kept[name]()  # compiles
    records = interleave(kept, Effort(rounds=5, samples=1, budget=0.0), warmup=0)
    each = {name: divided(record, len(which[name])) for name, record in records.items()}
    ends = {name: parameters(found) for name, found in results.items()}
    sampled = {name: select_sample(curves, x, which[name]) for name, x in ends.items()}
    wrong = find_wrong(curves, sampled)
    differences = compare_errors(select(results[OURS], curves.sample), *results[BOUNDED])
    if OURS not in wrong and not np.quantile(differences, 0.99) <= MOST_DIFFERENT:
        wrong[OURS] = f"standard errors differ from curve_fit's by up to {differences.max():.1%}"
    result.rows = make_rows(case, each, wrong, (OURS,))
    result.notes.append(f"{OURS}: {results[OURS].message}")
    result.verdicts += [
        time_verdict(each, wrong),
        fraction(
            f"decay fits, {OURS} / {levenberg.NDOPTIMIZE}",
            NDOPTIMIZE_LIMIT, each, wrong, OURS, levenberg.NDOPTIMIZE,
        ),
        error_verdict(differences, wrong),
    ]  # fmt: skip
    return result


def parameters(found: Any) -> Array:
    """Take the parameters from what a contender returns."""
    if isinstance(found, tuple):
        return np.asarray(found[0])
    return np.asarray(getattr(found, "x", found))


def time_verdict(each: dict[str, Record], wrong: dict[str, str]) -> Verdict:
    """Judge the time of a fit of ours."""
    times = Summary.of(1e6 * s for samples in each[OURS].rounds.values() for s in samples)
    return Verdict(
        f"decay fits, {OURS}, a fit",
        TIME_LIMIT,
        None if OURS in wrong else times,
        " µs",
        note=wrong.get(OURS, ""),
        failed=OURS in wrong,
    )


def error_verdict(differences: Array, wrong: dict[str, str]) -> Verdict:
    """Judge the standard errors."""
    return Verdict(
        f"decay fits, standard errors, {OURS} against {BOUNDED}, relative",
        ERROR_LIMIT,
        None if OURS in wrong else Summary.of(differences.ravel().tolist()),
        note=wrong.get(OURS, ""),
        failed=OURS in wrong,
    )

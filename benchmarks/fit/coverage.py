"""How often the truth is within one standard error: it has to be 68.3 % of the time.

That is so for errors that are normal, so sigma is known here: with an unknown one, 24 points and 3
parameters, Student's distribution has 67.1 %.
"""

from __future__ import annotations

import numpy as np

from fastadam import curve_fit
from workloads.decays import NOISE, PARAMETERS, TIMES

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.timing import Summary
from .many import OURS, decay

CURVES, QUICK_CURVES = 100_000, 20_000
#: What is true of the curves is between these.
LOWEST, HIGHEST = (0.5, 0.5, 0.1), (3.0, 3.0, 0.8)
EXPECTED = 68.27
#: How far off the share may be, in percent.
LIMIT, QUICK_LIMIT = 0.5, 1.2


def simulate(curves: int) -> tuple[Array, Array]:
    """Make curves, and what is true of them."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(LOWEST, HIGHEST, (curves, len(PARAMETERS)))
    a, r, c = truth.T[:, :, None]
    return a * np.exp(-r * TIMES) + c + rng.normal(0.0, NOISE, (curves, TIMES.size)), truth


def coverage(options: Options) -> SuiteResult:
    """Count, for each parameter."""
    y, truth = simulate(QUICK_CURVES if options.quick else CURVES)
    say(f"coverage over {len(y):,} fits")
    sigma = np.full(TIMES.size, NOISE)
    found = curve_fit(decay, TIMES, y, truth, sigma, absolute_sigma=True)
    shares = 100.0 * np.mean(np.abs(found.x - truth) < found.stderr, axis=0)
    result = SuiteResult(notes=[f"{OURS}, simulated: {found.message}"])
    result.verdicts = [
        Verdict(
            f"coverage over {len(y):,} simulated fits, {name}, off {EXPECTED} %",
            QUICK_LIMIT if options.quick else LIMIT,
            Summary.of([abs(float(share) - EXPECTED)]),
            " %",
            note=f"{share:.2f} %",
        )
        for name, share in zip(PARAMETERS, shares, strict=True)
    ]
    return result

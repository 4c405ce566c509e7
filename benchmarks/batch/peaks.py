"""A hundred starts of a fit with 8 parameters: two Gaussian peaks on a line, 400 noisy points.

The starts are anywhere in a box in which either peak can be anywhere; the best of them has to be
what `curve_fit` finds from the truth. The defaults of all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.optimize
from numba import njit

from fastadam import multistart
from fastadam.typing import Jacobian

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import keeping, make_rows
from ..harness.timing import Effort, interleave
from ..harness.watch import watched

LIMIT = 0.5
STARTS, QUICK_STARTS = 100, 10
POINTS, NOISE = 400, 0.05

#: Of each peak the height, place and width; then the line's offset and slope.
TRUTH = np.array([3.0, 3.2, 0.4, 1.5, 6.1, 0.7, 0.5, 0.08])
BOX = [(0.0, 6.0), (0.0, 10.0), (0.1, 2.0)] * 2 + [(-2.0, 2.0), (-0.5, 0.5)]
#: How near the best has to be to the least squares, relative to the box.
NEAR = 1e-3

VALUES, GIVEN = "multistart, no gradient", "multistart, gradient given"
ONE = "one curve_fit, from the truth"


@njit(error_model="numpy")
def misfit(p, x, y):  # type: ignore[no-untyped-def]  # Numba finds the types
    """Return the sum of squares."""
    f = 0.0
    for i in range(x.size):
        r = p[6] + p[7] * x[i] - y[i]
        for k in (0, 3):
            z = (x[i] - p[k + 1]) / p[k + 2]
            r += p[k] * math.exp(-0.5 * z * z)
        f += r * r
    return f


@njit(error_model="numpy")
def misfit_in_place(p, grad, x, y):  # type: ignore[no-untyped-def]
    """Return the sum of squares, and fill its gradient."""
    f = 0.0
    grad[:] = 0.0
    for i in range(x.size):
        z1, z2 = (x[i] - p[1]) / p[2], (x[i] - p[4]) / p[5]
        e1, e2 = math.exp(-0.5 * z1 * z1), math.exp(-0.5 * z2 * z2)
        r = p[0] * e1 + p[3] * e2 + p[6] + p[7] * x[i] - y[i]
        f += r * r
        for k, z, e in ((0, z1, e1), (3, z2, e2)):
            grad[k] += 2.0 * r * e
            grad[k + 1] += 2.0 * r * p[k] * e * z / p[k + 2]
            grad[k + 2] += 2.0 * r * p[k] * e * z * z / p[k + 2]
        grad[6] += 2.0 * r
        grad[7] += 2.0 * r * x[i]
    return f


def model(x: Array, *p: float) -> Array:
    """Return two peaks on a line, in the form that `curve_fit` wants."""
    peaks = (p[k] * np.exp(-0.5 * ((x - p[k + 1]) / p[k + 2]) ** 2) for k in (0, 3))
    return sum(peaks, p[6] + p[7] * x)


def make_data() -> tuple[Array, Array]:
    """Return the axis and the points."""
    x = np.linspace(0.0, 10.0, POINTS)
    return x, model(x, *TRUTH) + np.random.default_rng(0).normal(0.0, NOISE, POINTS)


def find_wrong(found: dict[str, Array], best: Array) -> dict[str, str]:
    """Compare parameters with the least squares; the peaks may be swapped."""
    width = np.diff(BOX)[:, 0]

    def sorted_peaks(p: Array) -> Array:
        return p if p[1] < p[4] else p[[3, 4, 5, 0, 1, 2, 6, 7]]

    wrong = {}
    for name, p in found.items():
        if not np.all(np.abs(sorted_peaks(p) - sorted_peaks(best)) <= NEAR * width):
            wrong[name] = "not the peaks that are there"
    return wrong


@watched
def two_peaks(options: Options) -> SuiteResult:
    """Time the starts together, and one fit by SciPy; check the best."""
    starts = QUICK_STARTS if options.quick else STARTS
    case = f"two peaks on a line, 8 parameters, {POINTS} points, {starts} starts, a call"
    say(case)
    x, y = make_data()
    best, _ = scipy.optimize.curve_fit(model, x, y, p0=TRUTH)

    def best_of(count: int, fun: Callable[..., float], jac: Jacobian = None) -> Array:
        return multistart(fun, BOX, count, args=(x, y), jac=jac, rng=0).x

    ours = {VALUES: partial(best_of, fun=misfit)}
    ours[GIVEN] = partial(best_of, fun=misfit_in_place, jac="in-place")
    for call in ours.values():
        call(1)  # compiles
    calls: dict[str, Callable[[], Array]] = {
        **{name: partial(call, starts) for name, call in ours.items()},
        ONE: lambda: scipy.optimize.curve_fit(model, x, y, p0=TRUTH)[0],
    }
    kept, found = keeping(calls)
    effort = Effort(rounds=1 if options.quick else 5, samples=1, budget=0.0)
    records = interleave(kept, effort, warmup=0)
    wrong = find_wrong(found, best)
    result = SuiteResult(make_rows(case, records, wrong, (ONE,)))
    for name in ours:
        result.verdicts.append(
            Verdict(
                f"two peaks, {starts} starts, {name}",
                LIMIT,
                None if name in wrong else records[name].summary,
                " s",
                note=wrong.get(name, ""),
                failed=name in wrong,
            )
        )
    return result

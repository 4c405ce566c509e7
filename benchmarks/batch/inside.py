"""Searches that a user's own prange calls, beside `fastadam.minimize_batch` for the same problems.

The curves, starts, bounds and defaults are those of `fits`. Both have as many threads; the prange
deals the curves out beforehand, and the batch as it goes. Every row has to be the same to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from numba import njit, prange

import fastadam
from workloads import decays
from workloads.decays import LOWER, TIMES, UPPER

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult
from ..harness.rows import divided, fraction, keeping, make_rows
from ..harness.timing import Effort, interleave
from ..harness.watch import watched
from .fitters import fit, fit_values, make_curves

#: Of the time of a batch.
LIMIT = 1.1

Found = tuple[Array, Array, Array, Array]

BATCH, PRANGE = "minimize_batch, gradient given", "compiled in a prange, gradient given"
VALUES, PRANGE_VALUES = "minimize_batch, no gradient", "compiled in a prange, no gradient"


def make_prange(fun: Callable[..., Any], jac: Any) -> Callable[[Array, Array, Array], Found]:
    """Return the prange over searches, for starts, times and curves."""
    solve = fastadam.compiled(fun, jac, bounds=scipy.optimize.Bounds(LOWER, UPPER))

    @njit(parallel=True)
    def spread(starts, t, y):  # type: ignore[no-untyped-def]  # Numba finds the types
        size, n = starts.shape
        x, f = np.empty(starts.shape), np.empty(size)
        status, nit = np.empty(size, np.int64), np.empty(size, np.int64)
        for k in prange(size):
            found, f[k], status[k], nit[k] = solve(starts[k], t, y[k])
            for i in range(n):
                x[k, i] = found[i]
        return x, f, status, nit

    return spread


def find_wrong(found: dict[str, Found]) -> dict[str, str]:
    """Compare the rows of each prange with those of the batch, bit by bit."""
    wrong = {}
    for ours, theirs in ((PRANGE, BATCH), (PRANGE_VALUES, VALUES)):
        pairs = zip(found[ours], found[theirs], strict=True)
        if not all(np.array_equal(a, b) for a, b in pairs):
            wrong[ours] = "rows differ from the batch's"
    return wrong


@watched
def inside(options: Options) -> SuiteResult:
    """Time a fit in a batch and in a prange, with the gradient and without."""
    curves = make_curves(options.quick)
    starts, y = curves.starts, curves.scene.y
    case = f"{len(starts):,} decay curves, called from compiled code, a fit"
    say(case)
    given, values = make_prange(decays.misfit, "in-place"), make_prange(decays.misfit_alone, None)

    def batch(result: Any) -> Found:
        return result.x, result.fun, result.status, result.nit

    calls: dict[str, Callable[[], Found]] = {
        PRANGE: lambda: given(starts, TIMES, y),
        BATCH: lambda: batch(fit(starts, y)),
        PRANGE_VALUES: lambda: values(starts, TIMES, y),
        VALUES: lambda: batch(fit_values(starts, y)),
    }
    kept, found = keeping(calls)
    for spread in (given, values):
        spread(starts[:1], TIMES, y[:1])  # compiles
    for solve in (fit, fit_values):
        solve(starts[:1], y[:1])
    records = interleave(kept, Effort(rounds=5, samples=1, budget=0.0), warmup=0)
    each = {name: divided(record, len(starts)) for name, record in records.items()}
    wrong = find_wrong(found)
    details = {name: {"fits": len(starts)} for name in each}
    result = SuiteResult(make_rows(case, each, wrong, (PRANGE,), details))
    for ours, theirs in ((PRANGE, BATCH), (PRANGE_VALUES, VALUES)):
        what = f"decay fits, {ours} / {theirs}"
        result.verdicts.append(fraction(what, LIMIT, each, wrong, ours, theirs))
    return result

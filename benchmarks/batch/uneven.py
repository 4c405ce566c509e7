"""Rows of uneven cost: 1 % of them, next to each other, cost 100 times the rest.

Half of the work is then in a few neighbouring rows. Rows that are dealt out beforehand leave all of
it to one thread. Worst for those who hand out rows as they go is that they come last.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from fastadam import minimize_batch

from ..harness.adam import BETA1, BETA2, EPS, Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult
from ..harness.rows import keeping, make_rows, speedup
from ..harness.timing import Effort, interleave, pairwise
from ..harness.watch import watched
from .by_hand import Plain, prange_batch
from .checks import find_difference

LIMIT = 1.7

SIZE, QUICK_SIZE = 20_000, 2_000
#: The share of slow rows.
SLOW = 0.01
#: Where they are.
PLACES = ("first", "in the middle", "last")
#: Adam covers `lr` in an iteration: a start 700 times as far away takes 100 times as many, since
#: the last stretch is the same.
NEAR, FAR = (1.0, 5.0), (2_200.0, 2_260.0)

PLAIN = Plain(lr=0.1, betas=(BETA1, BETA2), gtol=1e-5, maxiter=100_000)
OPTIONS = {"lr": 0.1, "betas": PLAIN.betas, "epsilon": EPS, "gtol": 1e-5, "maxiter": 100_000}

ALL, ONE = "fastadam, all cores", "fastadam, one thread"
PRANGE, PRANGE_ONE = "Numba prange, all cores", "Numba prange, one thread"


@numba.njit(error_model="numpy")
def cone(x: Array, gradient: Array) -> float:
    """Return a cone with a round tip, and fill its gradient."""
    f = 0.0
    for i in range(x.size):
        height = math.sqrt(1.0 + x[i] * x[i])
        f += height - 1.0
        gradient[i] = x[i] / height
    return f


def uneven_starts(size: int, place: str) -> tuple[Array, Array]:
    """Return starts, a row each, and which of them are far away."""
    rng = np.random.default_rng(0)
    count = round(SLOW * size)
    first = {"first": 0, "in the middle": (size - count) // 2, "last": size - count}[place]
    slow = np.zeros(size, dtype=bool)
    slow[first : first + count] = True
    near, far = rng.uniform(*NEAR, (size, 2)), rng.uniform(*FAR, (size, 2))
    return np.where(slow[:, None], far, near), slow


def find_wrong(results: dict[str, Any], slow: Array) -> dict[str, str]:
    """Check where everybody ended, and that the slow rows were as slow as that."""
    wrong = {}
    for name, result in results.items():
        away = ~(np.abs(result.x).max(axis=1) <= 1.1 * PLAIN.gtol)
        times = result.nit[slow].mean() / result.nit[~slow].mean()
        if away.any():
            wrong[name] = f"{away.sum()} of {len(away)} rows end elsewhere"
        elif not 90.0 <= times <= 110.0:
            wrong[name] = f"the slow rows made {times:.3g} times the iterations of the others"
    error = find_difference(results[ALL], results[ONE], "one thread")
    return {**wrong, ALL: error} if error and ALL not in wrong else wrong


@watched
def uneven(options: Options) -> SuiteResult:
    """Time all cores and one thread, for each place of the slow rows."""
    size = QUICK_SIZE if options.quick else SIZE
    result = SuiteResult()
    for place in PLACES[-1:] if options.quick else PLACES:
        result.extend(_compare(size, place))
    return result


def _compare(size: int, place: str) -> SuiteResult:
    case = f"{size:,} rows, 1 % cost 100 times the rest: {place}"
    say(case)
    starts, slow = uneven_starts(size, place)
    dealt = prange_batch(cone, PLAIN)
    threads = numba.get_num_threads()

    def ours(**more: Any) -> Any:
        options: Any = {**OPTIONS, **more}
        return minimize_batch(cone, starts, jac="in-place", options=options)

    def prange(count: int) -> Any:
        numba.set_num_threads(count)
        try:
            return dealt(starts)
        finally:
            numba.set_num_threads(threads)

    calls, results = keeping(
        {
            ALL: ours,
            ONE: lambda: ours(threads=1),
            PRANGE: lambda: prange(threads),
            PRANGE_ONE: lambda: prange(1),
        }
    )
    records = interleave(calls, Effort(rounds=5, samples=1, budget=0.0), warmup=1)
    wrong = find_wrong(results, slow)
    result = SuiteResult(make_rows(case, records, wrong, (ALL,)))
    fair = not {PRANGE, PRANGE_ONE} & wrong.keys()
    static = pairwise(records[PRANGE_ONE], records[PRANGE]) if fair else None
    result.verdicts.append(
        speedup(
            f"1 % of the rows cost 100 times the rest: {place}, one thread / all cores",
            LIMIT,
            records,
            wrong,
            ALL,
            ONE,
            f"Numba's prange: {static.median:.3g}" if static else "",
        )
    )
    return result

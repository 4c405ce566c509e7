"""20,000 random starts of Rosenbrock's function, plain Adam: iterations a second.

The peers that share no code with fastadam get a part of the starts, since what is compared is the
time of an iteration. For those who go on with the rows that are done, only the iterations that a
row needs count.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fastadam import minimize_batch

from ..harness.adam import BETA1, BETA2, EPS, Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import divided, keeping, make_rows, speedup
from ..harness.timing import Effort, Record, Summary, interleave
from ..harness.watch import watched
from ..minimize.loops import rosenbrock_in_place, rosenbrock_pair
from .by_hand import Plain, numpy_batch, prange_batch
from .checks import alone, find_difference, some
from .vmap import jax_batch

RATE_LIMIT = 40.0
SPEEDUP_LIMIT = 1.8

STARTS, PEERS_STARTS = 20_000, 2_000
QUICK_STARTS, QUICK_PEERS_STARTS = 1_000, 200
#: Rows that `minimize` solves alone, too.
ALONE = 100

PLAIN = Plain(lr=0.01, betas=(BETA1, BETA2), gtol=1e-5, maxiter=100_000)
OPTIONS = {"lr": 0.01, "betas": PLAIN.betas, "epsilon": EPS, "gtol": 1e-5, "maxiter": 100_000}

ALL, ONE = "fastadam, all cores", "fastadam, one thread"
PAIR = "fastadam, jac=True, all cores"
PRANGE = "Numba prange, this function only"
NUMPY = "NumPy on all rows, done ones taken out"
JAX = "JAX, jit of vmap of a while loop"

Solve = Callable[[Array], Any]


def random_starts(count: int) -> Array:
    """Return starts in the usual box, a row each."""
    return np.random.default_rng(0).uniform(-2.0, 2.0, (count, 2))


def fastadam_batch(fun: Callable[..., Any], jac: Any, **more: Any) -> Solve:
    """Return plain Adam through `minimize_batch`."""
    options: Any = {**OPTIONS, **more}
    return lambda starts: minimize_batch(fun, starts, jac=jac, options=options)


def gradients(x: Array) -> Array:
    """Return Rosenbrock's gradients, a column each."""
    rise, run = x[1] - x[0] * x[0], 1.0 - x[0]
    return np.stack([-400.0 * x[0] * rise - 2.0 * run, 200.0 * rise])


def rosenbrock(x: Any) -> Any:
    """Return Rosenbrock's function of two variables, in arithmetic only."""
    rise, run = x[1] - x[0] * x[0], 1.0 - x[0]
    return 100.0 * rise * rise + run * run


def contenders() -> tuple[dict[str, Solve], list[str]]:
    """Return who takes part, and notes on who is left out."""
    chosen: dict[str, Solve] = {
        ALL: fastadam_batch(rosenbrock_in_place, "in-place"),
        ONE: fastadam_batch(rosenbrock_in_place, "in-place", threads=1),
        PAIR: fastadam_batch(rosenbrock_pair, True),
        PRANGE: prange_batch(rosenbrock_in_place, PLAIN),
        NUMPY: lambda starts: numpy_batch(gradients, starts, (), PLAIN),
    }
    try:
        chosen[JAX] = jax_batch(rosenbrock, PLAIN)
    except ImportError as error:
        return chosen, [f"{JAX} left out: {error}"]
    return chosen, []


def find_wrong(results: dict[str, Any]) -> dict[str, str]:
    """Check where everybody ended, and ours against `minimize` alone and on one thread."""
    wrong = {}
    for name, result in results.items():
        slope = np.abs(gradients(result.x.T)).max(axis=0)
        # A little more than `gtol`, since it is computed in another order here.
        steep = ~(slope <= 1.01 * PLAIN.gtol)
        away = ~(np.abs(result.x - 1.0).max(axis=1) <= 1e-4)
        if (steep | away).any():
            wrong[name] = f"{(steep | away).sum()} of {len(steep)} rows end elsewhere"
    ours, starts = results[ALL], random_starts(len(results[ALL].x))
    rows = np.unique(np.linspace(0, len(starts) - 1, ALONE).astype(np.int64))
    one_by_one = alone(rosenbrock_in_place, starts, rows, jac="in-place", options=OPTIONS)
    error = find_difference(ours, results[ONE], "one thread") or find_difference(
        some(ours, rows), one_by_one, "minimize alone"
    )
    return {**wrong, ALL: error} if error and ALL not in wrong else wrong


@watched
def many_starts(options: Options) -> SuiteResult:
    """Time all contenders from their starts, and check where they end."""
    size = QUICK_STARTS if options.quick else STARTS
    fewer = QUICK_PEERS_STARTS if options.quick else PEERS_STARTS
    case = f"Rosenbrock n = 2 from {size:,} starts, plain Adam, an iteration"
    say(case)
    chosen, notes = contenders()
    starts = {name: random_starts(size if name in (ALL, ONE) else fewer) for name in chosen}
    for name, solve in chosen.items():  # compiles; JAX for each number of rows
        solve(starts[name] if name == JAX else starts[name][:2])
    calls, results = keeping({name: partial(solve, starts[name]) for name, solve in chosen.items()})
    effort = Effort(rounds=5, samples=1, budget=0.0)
    records = interleave(calls, effort, warmup=0)
    iterations = {name: int(result.nit.sum()) for name, result in results.items()}
    each = {name: divided(record, iterations[name]) for name, record in records.items()}
    wrong = find_wrong(results)
    details = {name: {"rows": len(starts[name]), "iterations": iterations[name]} for name in chosen}
    result = SuiteResult(make_rows(case, each, wrong, (ALL,), details), notes=notes)
    result.notes += [
        f"all but {ALL} and {ONE} have the first {fewer:,} starts",
        f"{ALL}: checked to be, to the last bit, what one thread finds in all rows, and what "
        f"minimize finds alone in {min(ALONE, size)} of them",
    ]
    result.verdicts += [
        rate_verdict(each, wrong),
        speedup(
            "Rosenbrock n = 2 from many starts, one thread / all cores",
            SPEEDUP_LIMIT,
            each,
            wrong,
            ALL,
            ONE,
        ),
    ]
    return result


def rate_verdict(each: dict[str, Record], wrong: dict[str, str]) -> Verdict:
    """Judge the iterations a second of all cores."""
    rates = Summary.of(1e-6 / s for samples in each[ALL].rounds.values() for s in samples)
    return Verdict(
        "Rosenbrock n = 2 from many starts, iterations on all cores",
        RATE_LIMIT,
        None if ALL in wrong else rates,
        " million/s",
        at_least=True,
        note=wrong.get(ALL, ""),
        failed=ALL in wrong,
    )

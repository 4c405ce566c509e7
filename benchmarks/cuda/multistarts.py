"""Many starts of one function on a GPU beside the CPU's cores: `multistart`, all defaults.

The starts are the same, and so are the rounds in which they are taken; both compute in float64.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from fastadam import multistart, problems

from ..harness.machine import describe
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import divided, keeping, make_rows, speedup
from ..harness.timing import Effort, interleave
from ..harness.watch import watched
from .fits import compile_calls
from .parts import Case

STARTS, QUICK_STARTS = 100_000, 1_000
#: Within which the lowest value has to be.
TOLERANCE = 1e-8
LIMIT = 1.0

OURS = "fastadam, GPU, float64"


def cases(options: Options) -> list[Case]:
    """Return the one case."""
    starts = QUICK_STARTS if options.quick else STARTS
    return [Case(f"{starts:,} starts", partial(starts_of_one, starts))]


def solve(starts: int, **more: Any) -> Any:
    """Minimise the function from so many starts in its box."""
    problem = rastrigin()
    return multistart(problem.fun, problem.bounds, starts, rng=0, **more)


@cache
def rastrigin() -> problems.Problem:
    """Make a function with a minimum near every integer point; 0 is the lowest value."""
    return problems.rastrigin(2)


@watched
def starts_of_one(starts: int, gpu: Any) -> SuiteResult:
    """Time both, and look for the lowest value."""
    case = f"{starts:,} starts of Rastrigin's function, n = 2, no gradient, a start"
    what = f"{case}, the CPU's cores / a GPU"
    cores = f"fastadam, {describe()['cores']} CPU cores, float64"
    left_out = compile_calls({OURS: lambda: solve(1, device="cuda")})
    if left_out:
        note = f"left out: {left_out[OURS]}"
        return SuiteResult(verdicts=[Verdict(what, LIMIT, None, at_least=True, note=note)])
    solve(1)
    calls, results = keeping(
        {OURS: lambda: solve(starts, device="cuda"), cores: lambda: solve(starts)}
    )
    records = interleave(calls, Effort(rounds=5, samples=1, budget=0.0), warmup=0)
    each = {name: divided(record, starts) for name, record in records.items()}
    wrong = {
        name: f"the lowest value is {result.fun:.3g}"
        for name, result in results.items()
        if not abs(result.fun) <= TOLERANCE
    }
    result = SuiteResult(make_rows(case, each, wrong, (OURS,)))
    result.verdicts.append(speedup(what, LIMIT, each, wrong, OURS, cores))
    found = ", ".join(f"{name} {len(each.minima):,}" for name, each in results.items())
    result.notes.append(f"{case}: minima found: {found}")
    gpu.release()
    return result

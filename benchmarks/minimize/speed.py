"""Plain Adam, an iteration: the compiled loop on Rosenbrock, and the Python path's overhead.

Each call makes some thousand iterations, so that what a call costs once hardly counts; the times
reported are those of one iteration. Everybody returns the best point seen, and everybody's points
are compared: after few enough iterations that rounding has not been amplified, and again at the
end of the timed run.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import rosen, rosen_der

from fastadam import minimize, problems
from fastadam.typing import MinimizeOptions

from ..harness.adam import BETA1, BETA2, EPS, LR, Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import divided, make_rows
from ..harness.timing import Effort, Record, Summary, interleave, pairwise
from ..harness.watch import watched
from .loops import (
    Loop,
    compiled_loop,
    numpy_loop,
    rosenbrock_in_place,
    rosenbrock_pair,
    torch_loop,
    torch_rosenbrock,
)

IN_PLACE_LIMIT = 45.0
PAIR_LIMIT = 75.0
SPEEDUP_LIMIT = 300.0
OVERHEAD_LIMIT = 6.0

COMPILED_CASE = "Rosenbrock, n = 2, plain Adam, an iteration"
IN_PLACE, PAIR, SEPARATE = (
    "fastadam, jac='in-place'",
    "fastadam, jac=True",
    "fastadam, fun and jac",
)
ANY_N = "fastadam, jac='in-place', a function of any n"
NUMPY = "NumPy loop"
FLOOR = "Numba, this function only"
TORCH = "torch.optim.Adam"

#: Iterations of a call: a slow loop's start hardly counts after a few.
FAST, SLOW = 100_000, 2_000
_ITERATIONS = {NUMPY: SLOW, TORCH: 200}
#: Iterations after which points are compared to nearly the last digit.
CHECKED = 500

EFFORT = Effort(rounds=31, samples=1, budget=6.0)
QUICK = Effort(rounds=5, samples=1, budget=0.5)


def fastadam_loop(fun: Callable[..., Any], jac: Any) -> Loop:
    """Return plain Adam through `fastadam.minimize`; if it stops early, the point is NaN."""
    plain: MinimizeOptions = {"lr": LR, "betas": (BETA1, BETA2), "epsilon": EPS, "gtol": 0.0}

    def run(start: Array, iterations: int) -> Array:
        result = minimize(fun, start, jac=jac, options={**plain, "maxiter": iterations})
        return result.x if result.nit == iterations else np.full_like(start, np.nan)

    return run


def find_wrong(
    loops: Mapping[str, Loop], start: Array, iterations: Mapping[str, int], reference: str
) -> dict[str, str]:
    """Compare the points that loops reach with those of the reference; return what is wrong."""
    wrong = {}
    for count, tolerance in (
        (CHECKED, 1e-10),
        *((count, 1e-7) for count in sorted(set(iterations.values()))),
    ):
        wanted = loops[reference](start, count)
        for name, loop in loops.items():
            if name in wrong or count not in (CHECKED, iterations[name]):
                continue
            error = np.max(np.abs(loop(start, count) - wanted))
            if not error <= tolerance * np.max(np.abs(wanted)):
                wrong[name] = f"off by {error:.3g} after {count:,} iterations"
    return wrong


def time_loops(
    loops: Mapping[str, Loop], start: Array, iterations: Mapping[str, int], effort: Effort
) -> dict[str, Record]:
    """Time loops side by side; return seconds an iteration."""
    calls = {name: partial(loop, start, iterations[name]) for name, loop in loops.items()}
    records = interleave(calls, effort, warmup=2)
    return {name: divided(record, iterations[name]) for name, record in records.items()}


def _in_units(record: Record, unit: float) -> Summary:
    return Summary.of(s / unit for samples in record.rounds.values() for s in samples)


def rosenbrock_loops() -> tuple[dict[str, Loop], list[str]]:
    """Return the contenders on Rosenbrock's function, and who was left out."""
    problem = problems.rosenbrock(2)
    loops = {
        IN_PLACE: fastadam_loop(rosenbrock_in_place, "in-place"),
        PAIR: fastadam_loop(rosenbrock_pair, True),
        SEPARATE: fastadam_loop(problem.fun, problem.jac),
        ANY_N: fastadam_loop(problem.in_place, "in-place"),
        FLOOR: compiled_loop(rosenbrock_in_place, LR),
        NUMPY: numpy_loop(lambda x: (rosen(x), rosen_der(x)), LR),
    }
    try:
        loops[TORCH] = torch_loop(torch_rosenbrock, LR)
    except ImportError as error:
        return loops, [f"{TORCH} left out: {error}"]
    return loops, []


@watched
def compiled(options: Options) -> SuiteResult:
    """Time the compiled loop on Rosenbrock's function beside a Python loop and the floor."""
    say(COMPILED_CASE)
    loops, notes = rosenbrock_loops()
    iterations = {name: _ITERATIONS.get(name, FAST) for name in loops}
    start = np.array(problems.rosenbrock(2).x0)
    wrong = find_wrong(loops, start, iterations, FLOOR)
    right = {name: loop for name, loop in loops.items() if name not in wrong}
    records = time_loops(right, start, iterations, QUICK if options.quick else EFFORT)
    details = {name: {"iterations": iterations[name]} for name in records}
    rows = make_rows(COMPILED_CASE, records, wrong, (IN_PLACE,), details)
    result = SuiteResult(rows, notes=notes)
    for name, limit in ((IN_PLACE, IN_PLACE_LIMIT), (PAIR, PAIR_LIMIT)):
        measured = _in_units(records[name], 1e-9) if name in records else None
        what = f"Rosenbrock n = 2, an iteration, {name}"
        result.verdicts.append(
            Verdict(what, limit, measured, " ns", note=wrong.get(name, ""), failed=name in wrong)
        )
    both = IN_PLACE in records and NUMPY in records
    result.verdicts.append(
        Verdict(
            "Rosenbrock n = 2, an iteration, NumPy loop / jac='in-place'",
            SPEEDUP_LIMIT,
            pairwise(records[NUMPY], records[IN_PLACE]) if both else None,
            at_least=True,
            note=wrong.get(IN_PLACE, wrong.get(NUMPY, "")),
            failed=IN_PLACE in wrong,
        )
    )
    return result


# ---------------------------------------------------------------------------------------------
# The Python path
# ---------------------------------------------------------------------------------------------

#: Ten different curvatures; a start far enough away that no step hits the minimum.
_CURVATURE = np.linspace(1.0, 10.0, 10)
_FAR = np.full(10, 50.0)


def value(x: Array) -> float:
    """Return the value of a quadratic, as a user would write it."""
    return 0.5 * float(x @ (_CURVATURE * x))


def gradient(x: Array) -> Array:
    """Return its gradient."""
    return _CURVATURE * x


def value_and_gradient(x: Array) -> tuple[float, Array]:
    """Return both."""
    g = _CURVATURE * x
    return 0.5 * float(x @ g), g


def calls_alone(both: Callable[[Array], object]) -> Loop:
    """Return a loop that does nothing but call the user's function."""

    def run(start: Array, iterations: int) -> Array:
        for _ in range(iterations + 1):
            both(start)
        return start

    return run


def difference(ours: Record, theirs: Record, unit: float) -> Summary:
    """Take the difference of two contenders round by round, then summarise it."""
    common = sorted(ours.rounds.keys() & theirs.rounds.keys())
    return Summary.of(
        (statistics.median(ours.rounds[k]) - statistics.median(theirs.rounds[k])) / unit
        for k in common
    )


@watched
def overhead(options: Options) -> SuiteResult:
    """Time the Python path's iterations beside the calls of the user's function alone."""
    case = "Python functions, n = 10, plain Adam, an iteration"
    say(case)
    loops = {
        PAIR: fastadam_loop(value_and_gradient, True),
        SEPARATE: fastadam_loop(value, gradient),
        NUMPY: numpy_loop(value_and_gradient, LR),
    }
    alone = {
        PAIR: calls_alone(value_and_gradient),
        SEPARATE: calls_alone(lambda x: (value(x), gradient(x))),
    }
    alone[NUMPY] = alone[PAIR]
    iterations = dict.fromkeys(loops, SLOW)
    wrong = find_wrong(loops, _FAR, iterations, NUMPY)
    timed = {name: loop for name, loop in loops.items() if name not in wrong}
    calls = {f"the calls alone, {name.split(', ')[1]}": alone[name] for name in (PAIR, SEPARATE)}
    iterations |= dict.fromkeys(calls, SLOW)
    effort = QUICK if options.quick else EFFORT
    records = time_loops({**timed, **calls}, _FAR, iterations, effort)
    details = {name: {"iterations": SLOW} for name in records}
    result = SuiteResult(make_rows(case, records, wrong, (PAIR,), details))
    pair_alone, separate_alone = (records[name] for name in calls)
    by_hand = difference(records[NUMPY], pair_alone, 1e-6).median
    for name, own in ((PAIR, pair_alone), (SEPARATE, separate_alone)):
        measured = difference(records[name], own, 1e-6) if name in records else None
        result.verdicts.append(
            Verdict(
                f"Python path, n = 10, overhead of an iteration, {name.split(', ')[1]}",
                OVERHEAD_LIMIT,
                measured,
                " µs",
                note=wrong.get(name, f"NumPy loop: {by_hand:.3g} µs"),
                failed=name in wrong,
            )
        )
    return result

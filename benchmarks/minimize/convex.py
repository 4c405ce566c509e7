"""How flat the end point is on smooth problems with one minimum, and what it takes; nothing tuned.

What is judged is the true gradient at the end point, whether or not the method was given it; and,
where it was, the evaluations beside those of SciPy's BFGS from the same start.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import scipy.optimize
from threadpoolctl import threadpool_limits

from fastadam import minimize

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import OK, WRONG, Options, Row, SuiteResult, Verdict
from ..harness.timing import Summary
from ..harness.watch import watched
from .smooth import CONVEX, VALLEYS, Smooth, smooth_problems

#: Of the runs on convex problems, in percent; and times the evaluations of BFGS.
LIMIT = 100.0
EVALUATIONS_LIMIT = 1.5
GTOL = 1e-5
STARTS = 3
OURS, BFGS = "fastadam", "SciPy BFGS"
GIVEN, DIFFERENCES = "gradient given", "no gradient given"


@dataclass(frozen=True)
class Ending:
    """Where a run has ended."""

    problem: str
    seconds: float
    largest: float  # of the true gradient
    evaluations: int
    error: str = ""


def _fastadam(problem: Smooth, start: Array, given: str) -> Any:
    if given == GIVEN:
        return minimize(problem.in_place, start, jac="in-place")
    return minimize(problem.fun, start)


def _bfgs(problem: Smooth, start: Array, given: str) -> Any:
    if given == GIVEN:
        return scipy.optimize.minimize(problem.both, start, method="BFGS", jac=True)
    return scipy.optimize.minimize(problem.fun, start, method="BFGS")


def _lbfgsb(problem: Smooth, start: Array, given: str) -> Any:
    if given == GIVEN:
        return scipy.optimize.minimize(problem.both, start, method="L-BFGS-B", jac=True)
    return scipy.optimize.minimize(problem.fun, start, method="L-BFGS-B")


METHODS = {OURS: _fastadam, BFGS: _bfgs, "SciPy L-BFGS-B": _lbfgsb}


def endings(method: Any, problem: Smooth, given: str, starts: int) -> Iterator[Ending]:
    """Yield the ends of a method's runs; the first of all compiles and is not timed."""
    method(problem, np.array(problem.x0), given)
    for start in problem.starts(starts):
        begin = perf_counter()
        result = method(problem, start.copy(), given)
        seconds = perf_counter() - begin
        f, gradient = problem.both(result.x)
        error = "" if math.isclose(f, result.fun, rel_tol=1e-9, abs_tol=1e-12) else "wrong f"
        yield Ending(
            problem.name, seconds, float(np.max(np.abs(gradient))), int(result.nfev), error
        )


@watched
def accuracy(options: Options) -> SuiteResult:
    """Minimise all problems from all starts, with and without the gradient."""
    result = SuiteResult()
    chosen = smooth_problems(options.quick)
    starts = 1 if options.quick else STARTS
    found: dict[str, list[Ending]] = defaultdict(list)
    for group in (CONVEX, VALLEYS):
        own = [problem for problem in chosen if problem.group == group]
        for given in (GIVEN, DIFFERENCES):
            say(f"accuracy, {group}, {given}")
            with threadpool_limits(1):  # as in `minimize.minima`
                ends = {
                    name: [end for each in own for end in endings(method, each, given, starts)]
                    for name, method in METHODS.items()
                }
            result.extend(_compare(group, given, ends))
            if given == GIVEN:
                for name, some in ends.items():
                    found[name] += some
    result.verdicts.append(compare_evaluations(found[OURS], found[BFGS]))
    return result


def compare_evaluations(ours: Sequence[Ending], theirs: Sequence[Ending]) -> Verdict:
    """Judge the evaluations of runs on the same problems from the same starts."""
    ratio = Summary.of(a.evaluations / b.evaluations for a, b in zip(ours, theirs, strict=True))
    few = "" if ratio.quartiles else f"{ratio.n} runs are too few to judge"
    wrong = next((f"{end.problem}: {end.error}" for end in ours if end.error), "")
    return Verdict(
        f"smooth problems, {GIVEN}, evaluations / those of {BFGS}, run by run",
        EVALUATIONS_LIMIT,
        None if few or wrong else ratio,
        note=wrong or few or f"{ratio.n} runs, mean {ratio.mean:.3g}",
        failed=bool(wrong),
    )


def _compare(group: str, given: str, found: Mapping[str, Sequence[Ending]]) -> SuiteResult:
    """Make rows and notes, and the verdict on convex problems."""
    result = SuiteResult()
    problems = {end.problem for ends in found.values() for end in ends}
    case = f"{group} ({len(problems)}), {given}, a run"
    for name, ends in found.items():
        flat = [end.largest <= GTOL for end in ends]
        share = 100.0 * sum(flat) / len(flat)
        evaluations = Summary.of(end.evaluations for end in ends)
        wrong = [f"{end.problem}: {end.error}" for end in ends if end.error]
        steep = Counter(end.problem for end in ends if end.largest > GTOL)
        details: dict[str, Any] = {
            "percent_flat": share,
            "largest_gradient": Summary.of(end.largest for end in ends).as_dict(),
            "evaluations": evaluations.as_dict(),
            "not_flat": dict(steep),
        }
        if wrong:
            details["error"] = wrong[0]
            result.rows.append(Row(case, name, None, WRONG, details=details))
        else:
            seconds = Summary.of(end.seconds for end in ends)
            result.rows.append(Row(case, name, seconds, OK, details=details))
        result.notes.append(
            f"{group}, {given}, {name:<14} {share:5.1f} % of {len(ends)} runs end with |g| <= "
            f"{GTOL:g}; evaluations: {evaluations.median:,.0f}"
        )
        if name == OURS and group == CONVEX:
            left = ", ".join(f"{problem} ({count})" for problem, count in steep.items())
            few = "" if evaluations.quartiles else f"{len(ends)} runs are too few to judge"
            result.verdicts.append(
                Verdict(
                    f"|g| <= {GTOL:g} on {group} problems, {given}",
                    LIMIT,
                    None if wrong or few else Summary.of([share]),
                    " %",
                    at_least=True,
                    note=wrong[0] if wrong else few or (f"not: {left}" if left else ""),
                    failed=bool(wrong),
                )
            )
    return result

"""Time to a solution, and what kind of solution, with the gradient given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.optimize
from threadpoolctl import threadpool_limits

from fastadam import minimize, problems

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import OK, WRONG, Options, Row, SuiteResult
from ..harness.timing import Effort, interleave, pairwise
from ..harness.watch import watched
from .loops import torch_loop, torch_rosenbrock

COMPILED, PYTHON, TORCH = "fastadam, compiled", "fastadam, Python", "torch.optim.Adam"
#: Torch's Adam has neither a stopping test nor a step size that fits: these are ours.
TORCH_STEPS, TORCH_LR = 500, 1e-2

EFFORT = Effort(rounds=15, samples=1, budget=1.5)
QUICK = Effort(rounds=5, samples=1, budget=0.1)


def chosen_problems(quick: bool) -> list[problems.Problem]:
    """Return the problems: bowls, valleys, a singular minimum, many minima, a real fit."""
    if quick:
        return [problems.rosenbrock(2)]
    return [
        problems.rosenbrock(2),
        problems.rosenbrock(10),
        problems.rotated_quadratic(10, 1e4),
        problems.wood(),
        problems.beale(),
        problems.powell_singular(),
        problems.trigonometric(),
        problems.styblinski_tang(),
        problems.misra1a(),
    ]


def contenders(problem: problems.Problem) -> dict[str, Callable[[], Any]]:
    """Return calls that minimise the problem, by name."""

    def both(x: Array) -> tuple[float, Array]:
        return problem.fun_and_jac(x)  # a Python function, for SciPy and for our Python path

    calls: dict[str, Callable[[], Any]] = {
        COMPILED: partial(minimize, problem.in_place, problem.x0, jac="in-place"),
        PYTHON: partial(minimize, both, problem.x0, jac=True),
    }
    for method in ("BFGS", "L-BFGS-B"):
        calls[f"SciPy {method}"] = partial(
            scipy.optimize.minimize, both, problem.x0, method=method, jac=True
        )
    if problem.name == "rosenbrock" and problem.x0.size == 2:
        calls[TORCH] = _torch(problem)
    return calls


def _torch(problem: problems.Problem) -> Callable[[], Any]:
    def run() -> Any:
        x = torch_loop(torch_rosenbrock, TORCH_LR)(problem.x0, TORCH_STEPS)
        return scipy.optimize.OptimizeResult(
            x=x, fun=problem.fun(x), nit=TORCH_STEPS, nfev=TORCH_STEPS + 1, success=False
        )

    return run


def find_error(problem: problems.Problem, result: Any) -> str:
    """Say what is wrong with a result: not its quality, but its truth."""
    f = problem.fun(result.x)
    if not abs(f - result.fun) <= 1e-9 * (1.0 + abs(f)):
        return f"f is {f:.6g}, not {result.fun:.6g}"
    if not f <= problem.fun(problem.x0):
        return f"f is {f:.6g}, more than at the start"
    return ""


@watched
def solutions(options: Options) -> SuiteResult:
    """Minimise some problems with everybody's defaults."""
    result = SuiteResult()
    with threadpool_limits(1):  # as in `minimize.minima`
        for problem in chosen_problems(options.quick):
            result.extend(_solve(problem, QUICK if options.quick else EFFORT))
    return result


def _solve(problem: problems.Problem, effort: Effort) -> SuiteResult:
    case = f"{problem.name}, n = {problem.x0.size}, gradient given, to the end"
    say(case)
    result = SuiteResult()
    calls, found = contenders(problem), {}
    for name in list(calls):
        try:
            found[name] = calls[name]()
        except ImportError as error:
            result.notes.append(f"{name} left out: {error}")
            del calls[name]
    errors = {name: find_error(problem, end) for name, end in found.items()}
    records = interleave({n: call for n, call in calls.items() if not errors[n]}, effort, warmup=2)
    for name, end in found.items():
        details: dict[str, Any] = {
            "f_above_minimum": float(end.fun - problem.fmin),
            "largest_gradient": float(np.max(np.abs(problem.jac(end.x)))),
            "nit": int(end.nit),
            "nfev": int(end.nfev),
            "success": bool(end.success),
        }
        if errors[name]:
            details["error"] = errors[name]
            result.rows.append(Row(case, name, None, WRONG, details=details))
            continue
        ours = COMPILED in records and name != COMPILED
        ratios = {COMPILED: pairwise(records[COMPILED], records[name])} if ours else {}
        result.rows.append(Row(case, name, records[name].summary, OK, ratios, details))
        word = "success" if details["success"] else "no success"
        label = f"{problem.name} {problem.x0.size},"
        result.notes.append(
            f"{label:<21} {name:<18} f - f* {details['f_above_minimum']:8.1e}, "
            f"|g| {details['largest_gradient']:7.1e}, {details['nit']:,} iterations, "
            f"{details['nfev']:,} evaluations, {word}"
        )
    return result

"""`compiled`: the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
from scipy.optimize import Bounds

from .._minimize.api import minimize
from .._minimize.arguments import check_objective
from .._minimize.bounds import check_bounds
from .._minimize.options import Options, check_method, check_options
from .._minimize.setup import Setup
from .._numba.dispatchers import is_compiled
from .._objective.objective import Objective
from .._search.schedule import step_size
from .._validate import describe
from ..typing import BoundsLike, Jacobian, Method, Real, Vector
from .solver import Plan, PrivateSolver

#: What needs Python, or a clock.
_NO_OPTIONS = ("max_seconds", "return_all", "disp", "polish", "checkpoint")

#: The most step sizes of a schedule: they become a part of the code.
MOST_RATES = 100_000


def compiled(
    fun: Callable[..., Any],
    jac: Jacobian = None,
    method: Method | None = "adam",
    bounds: BoundsLike | None = None,
    tol: Real | None = None,
    options: Any = None,
) -> Callable[..., tuple[Vector, float, int, int]]:
    given = (fun, jac, method, bounds, tol, options)
    name = check_method(method)
    checked = check_options(name, options, tol, stacklevel=2)
    objective = check_objective(fun, (), jac, checked)
    if numba.config.DISABLE_JIT:
        return _make_python(*given)
    _require_possible(objective, checked)
    if isinstance(bounds, Iterator):
        bounds = list(bounds)
    setup = Setup(objective, name, checked)
    size = _count_variables(bounds, setup)
    setup.check_sizes(size or 1)
    plan = Plan(setup, check_bounds(bounds, size or 1), size, _make_rates(checked))
    return PrivateSolver(plan, compiled, given).make_function()


def _make_python(fun, jac, method, bounds, tol, options):
    def solve(x0, *args):
        result = minimize(fun, x0, args, method, jac, bounds=bounds, tol=tol, options=options)
        return result.x, result.fun, result.status, result.nit

    return solve


def _require_possible(objective: Objective, options: Options) -> None:
    """Refuse functions that are not compiled, and options for which there has to be Python."""
    for name, function in objective.functions.items():
        if not is_compiled(function):
            raise TypeError(f"{name} must be compiled by numba.njit, got {describe(function)}")
    for name in _NO_OPTIONS:
        value = getattr(options, name)
        if value != getattr(Options(), name):
            raise ValueError(
                f"compiled has no {name}: no Python runs during its searches, got {value!r}"
            )
    if callable(options.lr) and options.maxiter > MOST_RATES:
        raise ValueError(
            f"maxiter must be at most {MOST_RATES} if lr is a callable: compiled asks for all step "
            f"sizes at once, got {options.maxiter}"
        )


def _count_variables(bounds: Any, setup: Setup) -> int:
    """Find the number of variables, if the bounds or an option have one for each; else 0."""
    sizes = [0]
    if isinstance(bounds, Bounds):
        sizes += [size for size in (np.size(bounds.lb), np.size(bounds.ub)) if size > 1]
    elif bounds is not None and hasattr(bounds, "__len__"):
        sizes.append(len(bounds))
    options = setup.options
    if (steps := options.finite_diff_rel_step) is not None and steps.size > 1:
        sizes.append(steps.size)
    if options.x_scale is not None:
        sizes += options.x_scale.shape
    return max(sizes)


def _make_rates(options: Options) -> Vector:
    """Ask a schedule for the step sizes of all iterations."""
    if not callable(options.lr):
        return np.zeros(0)
    return np.array([step_size(options.lr, k) for k in range(1, options.maxiter + 1)])

"""The hand-over: SciPy goes on from the best point."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, get_args

import numpy as np
import scipy.optimize
from scipy.optimize import Bounds, OptimizeResult

from .._search import outcomes
from .._search.deadline import Deadline
from .._search.outcomes import OUTCOMES
from .._validate import suggestion
from ..typing import PolishMethod, Vector
from .counted import CountedObjective, Point, StopMethodError
from .results import attach_result
from .setup import Setup

_NO_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
_HESSIAN = ("dogleg", "trust-ncg", "trust-exact", "trust-krylov")
_NO_BOUNDS = ("cg", "bfgs", "newton-cg", *_HESSIAN)
# Those whose own test of the gradient is that of the search.
_OWN_GTOL = ("cg", "bfgs", "l-bfgs-b")
#: SciPy's default tolerance of methods without a gradient.
_TOLERANCE = 1e-4
_IMPRECISE = "Desired error not necessarily achieved due to precision loss."
_METHODS = (*_NO_GRADIENT, *_NO_BOUNDS, "l-bfgs-b", "tnc", "slsqp", "trust-constr")


def require_polishable(method: str, has_bounds: bool, has_gradient: bool) -> None:
    """Raise ValueError for a method that SciPy does not have, or that cannot do it."""
    name = method.lower()
    if name not in _METHODS:
        raise ValueError(
            f"polish must be a method of scipy.optimize.minimize, got {method!r}"
            + suggestion(method, get_args(PolishMethod)[::-1])
        )
    if name == "cobyqa" and tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 14):
        raise ValueError(
            f"polish={method!r} needs SciPy 1.14 or later, this is SciPy {scipy.__version__}"
        )
    if name in _HESSIAN:
        raise ValueError(f"polish={method!r} needs a Hessian")
    if name == "newton-cg" and not has_gradient:
        raise ValueError(f"polish={method!r} needs a gradient")
    if has_bounds and name in _NO_BOUNDS:
        raise ValueError(f"polish={method!r} cannot handle bounds")


def polish(
    setup: Setup,
    box: tuple[Vector, Vector],
    first: OptimizeResult,
    deadline: Deadline,
    callback: Callable[..., Any] | None,
    has_bounds: bool,
) -> OptimizeResult:
    """Go on from the result of a search with one of SciPy's methods, and report both parts.

    It has the better of the two points, the sums of the counts, the status of the polish, and both
    results, as ``first`` and ``polish``.
    """
    method = str(setup.options.polish)
    if np.array_equal(*box):
        return _unpolished(method, first, "All independent variables were fixed by bounds.")
    if not (np.isfinite(first.fun) and np.all(np.isfinite(first.x))):
        return _unpolished(method, first, "There is no finite value to go on from.")
    counted = CountedObjective(setup, box, first, deadline, callback)
    try:
        second = _run_method(method, counted, Bounds(*box, True) if has_bounds else None)
        return _together(f"{first.message} Polished with {method}: {second.message}", first, second)
    except BaseException as error:
        told = outcomes.describe_exception(error)
        second = _part(counted, counted.best, told, OptimizeResult())
        attach_result(error, _together(f"{first.message} {second.message}", first, second))
        raise


def _run_method(method: str, counted: CountedObjective, bounds: Bounds | None) -> OptimizeResult:
    name, start = method.lower(), counted.first.x
    counted.ends_by_value = name not in _NO_GRADIENT
    counted.ends_by_gradient = counted.ends_by_value and name not in _OWN_GTOL
    scipys, outcome = OptimizeResult(), None
    try:
        scipys = scipy.optimize.minimize(
            counted.value,
            start,
            args=(),
            method=method,
            jac=None if name in _NO_GRADIENT else counted.gradient,
            bounds=bounds,
            callback=counted.iterate,
            options=_choose_options(name, counted.gtol, counted.maxfev, start.size),
        )
    except StopMethodError as stop:
        outcome = stop.args[0]
    point = _find_end(counted, scipys)
    return _part(counted, point, _judge(name, counted, point, scipys, outcome), scipys)


def _find_end(counted: CountedObjective, scipys: OptimizeResult) -> Point:
    """Find the point where a method has converged, or else the best."""
    if scipys.get("success"):
        with suppress(StopMethodError):  # no more evaluations
            point = counted.evaluate(scipys.x)
            if point.f <= counted.first.fun:
                return counted.add_gradient(point)
    return counted.finish()


def _judge(
    name: str, counted: CountedObjective, point: Point, scipys: OptimizeResult, outcome: int | None
) -> tuple[int, str]:
    """Give the status and the message: the tolerances are those of the search."""
    said, ftol, first = str(scipys.get("message", "")), counted.ftol, counted.first
    gradient = counted.measure_gradient(point)
    if outcome == outcomes.STOPPED:
        return OUTCOMES[outcome]
    if gradient <= counted.gtol:
        return 0, said if scipys.get("success") else OUTCOMES[outcomes.CONVERGED][1]
    if outcome in (outcomes.MAXITER, outcomes.MAXFEV, outcomes.TIMEOUT):
        return OUTCOMES[outcome]
    if name in _NO_GRADIENT:
        if scipys.success:
            return 0, said
        if "maximum number" in said.lower() or "MAXFUN" in said:
            return 1, said
    elif math.isnan(gradient) or (name in ("bfgs", "cg") and scipys.get("status") == 3):
        return OUTCOMES[outcomes.NONFINITE]
    if ftol is not None:
        in_vain = first.success and first.fun - point.f <= ftol * (1.0 + abs(point.f))
        if in_vain or outcome == outcomes.STAGNATED:
            return OUTCOMES[outcomes.STAGNATED]
    return 2, said if said and not scipys.success else _IMPRECISE


def _part(
    counted: CountedObjective, point: Point, told: tuple[int, str], scipys: OptimizeResult
) -> OptimizeResult:
    """Make the result of a polish: what SciPy has to say, with what is known better."""
    grad = np.full(point.x.size, np.nan) if point.grad is None else point.grad
    result = OptimizeResult(scipys, x=point.x.copy(), fun=float(point.f), jac=grad.copy())
    result.update(counted.counts, status=told[0], success=told[0] == 0, message=told[1])
    return result


def _together(message: str, first: OptimizeResult, second: OptimizeResult) -> OptimizeResult:
    """Make the result of both parts; the second has gone on from the point of the first."""
    result = OptimizeResult(first, message=message, x=second.x.copy(), jac=second.jac.copy())
    for name in ("fun", "status", "success"):
        result[name] = second[name]
    for count in ("nit", "nfev", "njev"):
        result[count] = first[count] + second[count]
    result.first, result.polish = first, second
    return result


def _unpolished(method: str, first: OptimizeResult, reason: str) -> OptimizeResult:
    """Make the result of both parts where SciPy has nothing to do."""
    second = OptimizeResult(first, nit=0, nfev=0, njev=0, message=reason)
    second.x, second.jac = first.x.copy(), first.jac.copy()
    second.pop("allvecs", None)
    return _together(f"{first.message} Not polished with {method}: {reason}", first, second)


def _choose_options(name: str, gtol: float, maxfev: float, n: int) -> dict[str, float]:
    """Choose the options of a method.

    `CountedObjective` ends the methods that use a gradient; their own tests of x and f are off.
    The others converge by their own, no looser than by default, and keep their default limits
    where there is no maxfev. It is `CountedObjective` that keeps it: they refuse small ones.
    """
    most = 10**9
    tol = min(max(gtol, float(np.finfo(np.float64).eps)), _TOLERANCE)
    left = {} if maxfev == math.inf else {"maxfev": min(maxfev + 10 * (n + 1), most)}
    return {
        "nelder-mead": {"xatol": tol, "fatol": tol, **left},
        "powell": {"xtol": tol, "ftol": tol, **left},
        "cobyla": {"tol": tol, **({"maxiter": left["maxfev"]} if left else {})},
        "cobyqa": {"final_tr_radius": min(tol, 1e-6), **left},
        "cg": {"gtol": gtol, "maxiter": most},
        "bfgs": {"gtol": gtol, "maxiter": most},
        "newton-cg": {"xtol": 0.0, "maxiter": most},
        "l-bfgs-b": {"gtol": gtol, "ftol": 0.0, "maxiter": most, "maxfun": most},
        "tnc": {"gtol": 0.0, "ftol": 0.0, "xtol": 0.0, "maxfun": most},
        "slsqp": {"ftol": 0.0, "maxiter": most},
        # Between bounds its gradient is that of a barrier, which is not yet the user's problem.
        "trust-constr": {"gtol": min(tol, 1e-8), "xtol": min(tol, 1e-8), "maxiter": most},
    }[name]

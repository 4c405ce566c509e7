"""The hand-over: SciPy goes on from the best point."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import scipy.optimize
from scipy.optimize import Bounds, OptimizeResult

from .._objective.objective import Objective
from .._search.outcomes import (
    CONVERGED,
    MAXFEV,
    MAXITER,
    NONFINITE,
    OUTCOMES,
    STAGNATED,
    STOPPED,
    TIMEOUT,
    describe_exception,
)
from .._validate import suggestion
from ..typing import PolishMethod, Vector
from .counted import Limits, Metered, Point, StopMethodError
from .options import Options
from .results import attach
from .setup import limits_of, metered_of

_NO_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
_NO_BOUNDS = ("cg", "bfgs", "newton-cg", "dogleg", "trust-ncg", "trust-exact", "trust-krylov")
_HESSIAN = ("dogleg", "trust-ncg", "trust-exact", "trust-krylov")
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
    if name == "cobyqa" and _scipy_version() < (1, 14):
        raise ValueError(
            f"polish={method!r} needs SciPy 1.14 or later, this is SciPy {scipy.__version__}"
        )
    if name in _HESSIAN:
        raise ValueError(f"polish={method!r} needs a Hessian")
    if name == "newton-cg" and not has_gradient:
        raise ValueError(f"polish={method!r} needs a gradient")
    if has_bounds and name in _NO_BOUNDS:
        raise ValueError(f"polish={method!r} cannot handle bounds")


def _scipy_version() -> tuple[int, ...]:
    return tuple(int(part) for part in scipy.__version__.split(".")[:2])


def polish(
    functions: Objective,
    rule: str,
    options: Options,
    first: OptimizeResult,
    began: float,
    box: tuple[Vector, Vector],
    bounded: bool,
    callback: Callable[..., Any] | None,
) -> OptimizeResult:
    """Continue with one of SciPy's methods, and report both parts.

    Parameters
    ----------
    functions, callback
        The user's.
    rule : str
        The method of the first part.
    options : Options
        Those of both parts.
    first : OptimizeResult
        Of the first part.
    began : float
        When that began.
    box : tuple of ndarray
        The bounds.
    bounded : bool
        Whether the user has given any.

    Returns
    -------
    OptimizeResult
        The better of the two points, the sums of the counts, the status of the polish, and the
        two results, as ``first`` and ``polish``.
    """
    method, limits = str(options.polish), limits_of(options, first, began)
    if np.array_equal(*box):
        return _unpolished(method, first, "All independent variables were fixed by bounds.")
    if not (np.isfinite(first.fun) and np.all(np.isfinite(first.x))):
        return _unpolished(method, first, "There is no finite value to go on from.")
    metered = metered_of(functions, rule, options, first, limits, box, callback)
    try:
        return _polish(method, metered, first, limits, Bounds(*box, True) if bounded else None)
    except BaseException as error:
        ours = _part(metered, metered.best, *describe_exception(error))
        attach(error, _together(f"{first.message} {ours.message}", first, ours))
        raise


def _polish(
    method: str, metered: Metered, first: OptimizeResult, limits: Limits, bounds: Bounds | None
) -> OptimizeResult:
    name = method.lower()
    metered.ends_by_value = name not in _NO_GRADIENT
    metered.ends_by_gradient = metered.ends_by_value and name not in _OWN_GTOL
    second, end = OptimizeResult(), None
    try:
        second = scipy.optimize.minimize(
            metered.value,
            first.x,
            args=(),
            method=method,
            jac=None if name in _NO_GRADIENT else metered.gradient,
            bounds=bounds,
            callback=metered.iterate,
            options=_options(name, limits, first.x.size),
        )
    except StopMethodError as stop:
        end = stop.end
    point = _end_point(metered, second, first)
    status, message = _verdict(name, metered, point, first, second, end, limits)
    ours = _part(metered, point, status, message, second)
    return _together(f"{first.message} Polished with {method}: {message}", first, ours)


def _end_point(metered: Metered, second: OptimizeResult, first: OptimizeResult) -> Point:
    """Return the point where a method has converged, or else the best."""
    if second.get("success"):
        try:
            point = metered.at(second.x)
            if point.f <= first.fun:
                return metered.with_gradient(point)
        except StopMethodError:  # no more evaluations
            pass
    return metered.finished()


def _verdict(
    name: str,
    metered: Metered,
    point: Point,
    first: OptimizeResult,
    second: OptimizeResult,
    end: int | None,
    limits: Limits,
) -> tuple[int, str]:
    """Return the status and the message: the tolerances are those of the search."""
    scipys = str(second.get("message", ""))
    if end == STOPPED:
        return OUTCOMES[STOPPED]
    if metered.optimality(point) <= limits.gtol:
        return 0, scipys if second.get("success") else OUTCOMES[CONVERGED][1]
    if end in (MAXITER, MAXFEV, TIMEOUT):
        return OUTCOMES[end]
    if name in _NO_GRADIENT:
        if second.success:
            return 0, scipys
        if "maximum number" in scipys.lower() or "MAXFUN" in scipys:
            return 1, scipys
    elif math.isnan(metered.optimality(point)) or (
        name in ("bfgs", "cg") and second.get("status") == 3
    ):
        return OUTCOMES[NONFINITE]
    if limits.ftol is not None:
        in_vain = first.success and first.fun - point.f <= limits.ftol * (1.0 + abs(point.f))
        if in_vain or end == STAGNATED:
            return OUTCOMES[STAGNATED]
    return 2, scipys if scipys and not second.success else _IMPRECISE


def _part(
    metered: Metered, point: Point, status: int, message: str, scipys: OptimizeResult | None = None
) -> OptimizeResult:
    """Return the result of a polish: what SciPy has to say, with what is known better."""
    grad = np.full(point.x.size, np.nan) if point.grad is None else point.grad
    return OptimizeResult(
        {
            **(scipys or {}),
            "x": point.x.copy(),
            "fun": float(point.f),
            "jac": grad.copy(),
            "nit": metered.nit,
            "nfev": metered.nfev,
            "njev": metered.njev,
            "status": status,
            "success": status == 0,
            "message": message,
        }
    )


def _together(message: str, first: OptimizeResult, second: OptimizeResult) -> OptimizeResult:
    """Return the result of both parts; the second has gone on from the point of the first."""
    result = OptimizeResult(first, message=message, x=second.x.copy(), jac=second.jac.copy())
    for name in ("fun", "status", "success"):
        result[name] = second[name]
    for count in ("nit", "nfev", "njev"):
        result[count] = first[count] + second[count]
    result.first, result.polish = first, second
    return result


def _unpolished(method: str, first: OptimizeResult, reason: str) -> OptimizeResult:
    """Return the result of both parts where SciPy has nothing to do."""
    second = OptimizeResult(first, nit=0, nfev=0, njev=0, message=reason)
    second.x, second.jac = first.x.copy(), first.jac.copy()
    second.pop("allvecs", None)
    return _together(f"{first.message} Not polished with {method}: {reason}", first, second)


def _options(name: str, limits: Limits, n: int) -> dict[str, float]:
    """Return the options of a method.

    The search's own tests end the methods that use a gradient, see `Metered`; theirs of x and f are
    off. The others converge by their own, no looser than by default, and keep their default limits
    where there is no maxfev. It is `Metered` that keeps it: they refuse small ones.
    """
    most = 10**9
    tol = min(max(limits.gtol, float(np.finfo(np.float64).eps)), _TOLERANCE)
    left = {} if limits.maxfev == math.inf else {"maxfev": min(limits.maxfev + 10 * (n + 1), most)}
    return {
        "nelder-mead": {"xatol": tol, "fatol": tol, **left},
        "powell": {"xtol": tol, "ftol": tol, **left},
        "cobyla": {"tol": tol, **({"maxiter": left["maxfev"]} if left else {})},
        "cobyqa": {"final_tr_radius": min(tol, 1e-6), **left},
        "cg": {"gtol": limits.gtol, "maxiter": most},
        "bfgs": {"gtol": limits.gtol, "maxiter": most},
        "newton-cg": {"xtol": 0.0, "maxiter": most},
        "l-bfgs-b": {"gtol": limits.gtol, "ftol": 0.0, "maxiter": most, "maxfun": most},
        "tnc": {"gtol": 0.0, "ftol": 0.0, "xtol": 0.0, "maxfun": most},
        "slsqp": {"ftol": 0.0, "maxiter": most},
        # Between bounds its gradient is that of a barrier, which is not yet the user's problem.
        "trust-constr": {"gtol": min(tol, 1e-8), "xtol": min(tol, 1e-8), "maxiter": most},
    }[name]

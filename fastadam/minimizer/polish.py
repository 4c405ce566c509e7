"""The hand-over: SciPy goes on from the best point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from scipy.optimize import OptimizeResult

from ..solver.runs import Functions
from ..solver.search import Vector

_NO_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
_NO_BOUNDS = ("cg", "bfgs", "newton-cg", "dogleg", "trust-ncg", "trust-exact", "trust-krylov")
_HESSIAN = ("dogleg", "trust-ncg", "trust-exact", "trust-krylov")
_METHODS = (*_NO_GRADIENT, *_NO_BOUNDS, "l-bfgs-b", "tnc", "slsqp", "trust-constr")


def require_polishable(method: str, has_bounds: bool) -> None:
    """Raise ValueError for a method that SciPy does not have, or that cannot do it."""
    if method.lower() not in _METHODS:
        raise ValueError(f"polish must be a method of scipy.optimize.minimize, got {method!r}")
    if method.lower() in _HESSIAN:
        raise ValueError(f"polish={method!r} needs a Hessian")
    if has_bounds and method.lower() in _NO_BOUNDS:
        raise ValueError(f"polish={method!r} cannot handle bounds")


def polish(
    method: str,
    functions: Functions,
    first: OptimizeResult,
    bounds: list[tuple[float, float]] | None,
    callback: Callable[..., Any] | None,
) -> OptimizeResult:
    """Continue with one of SciPy's methods, and report both parts.

    Returns
    -------
    OptimizeResult
        The better of the two points, the sums of the counts, the status of the polish, and the
        two results, as ``first`` and ``polish``.
    """
    fun, jac = _for_scipy(functions)
    second = scipy.optimize.minimize(
        fun,
        first.x,
        args=functions.args,
        method=method,
        jac=None if method.lower() in _NO_GRADIENT else jac,
        bounds=bounds,
        callback=callback,
    )
    better = second if second.fun <= first.fun else first
    result = OptimizeResult(
        x=np.asarray(better.x).copy(),
        fun=float(better.fun),
        jac=np.asarray(better.get("jac", first.jac)).copy(),
        status=int(second.status),
        success=bool(second.success),
        message=f"{first.message} Polished with {method}: {second.message}",
        first=first,
        polish=second,
    )
    for count in ("nit", "nfev", "njev"):
        result[count] = first[count] + int(second.get(count, 0))
    if "allvecs" in first:
        result.allvecs = first.allvecs
    return result


def _for_scipy(functions: Functions) -> tuple[Callable[..., Any], Any]:
    """Return ``fun`` and ``jac`` as SciPy takes them: it does not know the in-place form."""
    fun = functions.fun
    if functions.jac != "in-place":
        return fun, functions.jac

    def both(x: Vector, *args: Any) -> tuple[float, Vector]:
        grad = np.empty(x.size)
        return fun(x, grad, *args), grad

    return both, True

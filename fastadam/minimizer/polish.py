"""The hand-over: SciPy goes on from the best point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import scipy.optimize
from scipy.optimize import Bounds, OptimizeResult

from ..checks import suggestion
from ..solver.runs import Functions
from ..solver.search import Vector
from ..typing import PolishMethod

_NO_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
_NO_BOUNDS = ("cg", "bfgs", "newton-cg", "dogleg", "trust-ncg", "trust-exact", "trust-krylov")
_HESSIAN = ("dogleg", "trust-ncg", "trust-exact", "trust-krylov")
_METHODS = (*_NO_GRADIENT, *_NO_BOUNDS, "l-bfgs-b", "tnc", "slsqp", "trust-constr")


def require_polishable(method: str, has_bounds: bool, has_gradient: bool) -> None:
    """Raise ValueError for a method that SciPy does not have, or that cannot do it."""
    name = method.lower()
    if name not in _METHODS:
        raise ValueError(
            f"polish must be a method of scipy.optimize.minimize, got {method!r}"
            + suggestion(method, get_args(PolishMethod)[::-1])
        )
    if name in _HESSIAN:
        raise ValueError(f"polish={method!r} needs a Hessian")
    if name == "newton-cg" and not has_gradient:
        raise ValueError(f"polish={method!r} needs a gradient")
    if has_bounds and name in _NO_BOUNDS:
        raise ValueError(f"polish={method!r} cannot handle bounds")


def polish(
    method: str,
    functions: Functions,
    first: OptimizeResult,
    bounds: Bounds | None,
    callback: Callable[..., Any] | None,
    evaluate: Callable[[Vector], OptimizeResult],
) -> OptimizeResult:
    """Continue with one of SciPy's methods, and report both parts.

    Parameters
    ----------
    method : str
        SciPy's.
    functions, bounds, callback
        The user's.
    first : OptimizeResult
        Of the first part.
    evaluate : callable
        Returns a result with the value and the gradient at a point.

    Returns
    -------
    OptimizeResult
        The better of the two points, the sums of the counts, the status of the polish, and the
        two results, as ``first`` and ``polish``.
    """
    uses_gradient = method.lower() not in _NO_GRADIENT
    fun, jac = _both(functions) if uses_gradient else (_value(functions), None)
    second = scipy.optimize.minimize(
        fun,
        first.x,
        args=functions.args,
        method=method,
        jac=jac,
        bounds=bounds,
        callback=callback,
    )
    parts = [first, second]
    better = second
    if method.lower() == "trust-constr":  # its jac is that of the constraints
        second.jac = second.grad
    jac = np.asarray(second.get("jac", ()))
    inside = second.x if bounds is None else np.clip(second.x, bounds.lb, bounds.ub)
    # Not all methods return the gradient, and trust-constr may end 1e-8 outside the box.
    if jac.shape != first.x.shape or not np.array_equal(inside, second.x):
        better = evaluate(inside)
        parts.append(better)
    if not better.fun <= first.fun:
        better = first
    result = OptimizeResult(
        x=np.array(better.x),
        fun=float(better.fun),
        jac=np.array(better.jac),
        status=int(second.status),
        success=bool(second.success),
        message=f"{first.message} Polished with {method}: {second.message}",
        first=first,
        polish=second,
    )
    for count in ("nit", "nfev", "njev"):
        result[count] = sum(int(part.get(count, 0)) for part in parts)
    if "allvecs" in first:
        result.allvecs = first.allvecs
    return result


def _both(functions: Functions) -> tuple[Callable[..., Any], Any]:
    """Return ``fun`` and ``jac`` as SciPy takes them: it does not know the in-place form."""
    fun = functions.fun
    if functions.jac != "in-place":
        return fun, functions.jac

    def both(x: Vector, *args: Any) -> tuple[float, Vector]:
        grad = np.empty(x.size)
        return fun(x, grad, *args), grad

    return both, True


def _value(functions: Functions) -> Callable[..., Any]:
    """Return a function of the value alone."""
    fun = functions.fun
    if functions.jac == "in-place":
        return lambda x, *args: fun(x, np.empty(x.size), *args)
    if functions.jac is True:
        return lambda x, *args: fun(x, *args)[0]
    return fun

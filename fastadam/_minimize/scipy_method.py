"""fastadam as a method of `scipy.optimize.minimize`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, cast

from numpy.typing import ArrayLike

from ..typing import BoundsLike, Jacobian, Method, MinimizeOptions, MinimizeResult, Real
from .api import minimize
from .options import check_method, require_no_constraints


def scipy_method(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    *,
    jac: Jacobian = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: BoundsLike | None = None,
    constraints: Any = (),
    callback: Callable[..., object] | None = None,
    tol: Real | None = None,
    rule: Method | None = "adam",
    **options: Any,
) -> MinimizeResult:
    """Minimise as a `method` of `scipy.optimize.minimize`, and of what calls that.

    `scipy.optimize.basinhopping` and `scipy.optimize.dual_annealing` take it in
    ``minimizer_kwargs={"method": fastadam.scipy_method}``, and from SciPy 1.17 on
    `scipy.optimize.differential_evolution` as ``polish``; before, it takes any `polish` for True,
    and polishes with L-BFGS-B.

    Parameters
    ----------
    fun, x0, args, jac, bounds, callback
        As for `fastadam.minimize`. SciPy hands on None for the name of a difference scheme.
    hess, hessp
        Not used; a `RuntimeWarning` says so.
    constraints
        Must be empty.
    tol : float, optional
        Sets `gtol`.
    rule : str, default "adam"
        The `method` of `fastadam.minimize`.
    **options
        Its options.

    Returns
    -------
    scipy.optimize.OptimizeResult
        See `fastadam.minimize`.

    Raises
    ------
    ValueError
        If there are constraints, and as `fastadam.minimize`.

    Examples
    --------
    >>> import fastadam
    >>> from scipy.optimize import minimize, rosen, rosen_der
    >>> result = minimize(rosen, [-1.2, 1.0], jac=rosen_der, method=fastadam.scipy_method,
    ...                   options={"rule": "nadam"})
    >>> result.x.round(4)
    array([1., 1.])
    """
    for name, value in (("hess", hess), ("hessp", hessp)):
        if value is not None:
            warnings.warn(f"fastadam does not use {name}.", RuntimeWarning, stacklevel=3)
    require_no_constraints(constraints)
    check_method(rule, "rule")
    given = cast(MinimizeOptions, options)
    return minimize(
        fun, x0, args, rule, jac, bounds=bounds, tol=tol, callback=callback, options=given
    )

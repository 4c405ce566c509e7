"""fastadam as a method of `scipy.optimize.minimize`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult

from .minimize import minimize


def scipy_method(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    *,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    callback: Callable[..., Any] | None = None,
    tol: float | None = None,
    rule: str = "adam",
    **options: Any,
) -> OptimizeResult:
    """DOC."""
    for name, value in (("hess", hess), ("hessp", hessp)):
        if value is not None:
            warnings.warn(f"fastadam does not use {name}.", RuntimeWarning, stacklevel=3)
    if np.size(constraints):
        raise ValueError("fastadam cannot handle constraints; it can handle bounds")
    return minimize(fun, x0, args, rule, jac, bounds, tol, callback, options)

"""The arguments of `minimize`, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._objective.objective import DIFFERENCES, Objective
from .._validate import describe, real_array, suggestion
from ..typing import Vector
from .options import Options


def check_start(x0: ArrayLike) -> Vector:
    """Make a new float64 vector of the start."""
    array = np.atleast_1d(real_array("x0", x0))
    if array.ndim != 1:
        raise ValueError(f"'x0' must only have one dimension, got {describe(array)}")
    if array.size == 0:
        raise ValueError("x0 must have at least one element, got an empty array")
    return array


def check_objective(fun: Callable[..., Any], args: Any, jac: Any, options: Options) -> Objective:
    """Put the user's functions and their arguments together; None as ``jac`` is the default."""
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {describe(fun)}")
    if isinstance(jac, np.bool_):
        jac = bool(jac)
    if jac is None or jac is False:
        jac = "3-point" if options.auto else "2-point"
    named = isinstance(jac, str) and jac in ("in-place", *DIFFERENCES)
    if not (callable(jac) or jac is True or named):
        raise ValueError(
            'jac must be callable, True, None, "2-point", "3-point", "cs" or "in-place", '
            f"got {describe(jac)}" + suggestion(jac, ("in-place", *DIFFERENCES))
        )
    return Objective(fun, args if isinstance(args, tuple) else (args,), jac)


def check_callback(callback: object) -> Callable[..., Any] | None:
    """Require a callable, or None."""
    if callback is None or callable(callback):
        return callback
    raise TypeError(f"callback must be callable, got {describe(callback)}")

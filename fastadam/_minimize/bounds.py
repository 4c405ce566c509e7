"""Bounds as SciPy takes them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.optimize import Bounds, OptimizeWarning

from .._search.rows import hold_number
from .._validate import describe, real_array
from ..typing import Vector

_BOTH_AT_ONCE = (
    "for all lower bounds, then all upper bounds, give scipy.optimize.Bounds(lower, upper)"
)


def check_bounds(bounds: Any, n: int, stacklevel: int = 2) -> tuple[Vector, Vector]:
    """Make vectors of the lower and the upper bounds of n coordinates.

    A warning is for the caller's caller, or further away by the ``stacklevel``.
    """
    if bounds is None:
        return np.full(n, -np.inf), np.full(n, np.inf)
    sides = _read_sides(bounds, n)
    hint = "" if sides is None else f"; {_BOTH_AT_ONCE}"
    if isinstance(bounds, Bounds):
        lower, upper = _of_length("bounds.lb", bounds.lb, n), _of_length("bounds.ub", bounds.ub, n)
    else:
        lower, upper = _read_pairs(bounds, n, hint)
    if np.any(lower > upper):
        i = int(np.argmax(lower > upper))
        raise ValueError(
            "An upper bound is less than the corresponding lower bound: "
            f"bounds[{i}] = ({lower[i]}, {upper[i]}){hint}"
        )
    if n == 2 and sides is not None and _may_be_sides(bounds, sides, bool(np.any(lower == upper))):
        warnings.warn(
            f"bounds={describe(bounds)} are read as a (min, max) for each variable: "
            f"x[0] in [{lower[0]}, {upper[0]}], x[1] in [{lower[1]}, {upper[1]}]; {_BOTH_AT_ONCE}",
            OptimizeWarning,
            stacklevel=stacklevel + 1,
        )
    if not np.all(fit := hold_number(lower, upper)):
        i = int(np.argmin(fit))
        raise ValueError(f"bounds[{i}] = ({lower[i]}, {upper[i]}) holds no number")
    return lower, upper


def _of_length(name: str, values: Any, n: int) -> Vector:
    array = real_array(name, values)
    try:
        array = np.broadcast_to(array, (n,)).copy()
    except ValueError:
        raise ValueError(
            f"{name} must have a number for each of {n} variables, got shape {array.shape}"
        ) from None
    if np.any(np.isnan(array)):
        raise ValueError(f"{name} must not be NaN, got {describe(values)}")
    return array


def _read_pairs(bounds: Any, n: int, hint: str) -> tuple[Vector, Vector]:
    try:
        pairs = [(low, high) for low, high in bounds]
    except (TypeError, ValueError):
        raise ValueError(
            "bounds must be a Bounds or a (min, max) for each variable, "
            f"got {describe(bounds)}{hint}"
        ) from None
    if len(pairs) != n:
        raise ValueError(
            f"bounds must have a pair for each of {n} variables, got {len(pairs)}{hint}"
        )
    lower = real_array("bounds", [-np.inf if low is None else low for low, _ in pairs])
    upper = real_array("bounds", [np.inf if high is None else high for _, high in pairs])
    if lower.ndim != 1 or upper.ndim != 1:
        raise ValueError(f"bounds must have two numbers for each variable, got {describe(bounds)}")
    # NaN is no bound, as SciPy has it.
    lower[np.isnan(lower)], upper[np.isnan(upper)] = -np.inf, np.inf
    return lower, upper


def _read_sides(bounds: Any, n: int) -> tuple[Vector, Vector] | None:
    """Read bounds as if all lower bounds came first, then all upper ones, or None."""
    if not isinstance(bounds, (list, tuple, np.ndarray)):
        return None
    try:
        lower, upper = (real_array("bounds", side) for side in bounds)
    except (TypeError, ValueError):  # None, text, or another number of them
        return None
    fits = lower.shape == upper.shape == (n,) and bool(np.all(lower <= upper))
    return (lower, upper) if fits else None


def _may_be_sides(bounds: Any, sides: tuple[Vector, Vector], fixes: bool) -> bool:
    """Tell whether pairs look like the lower and the upper bounds of two variables.

    A list of tuples is plainly one of pairs. Else the reading counts that fixes no variable; if
    neither does, two vectors in a tuple are what `scipy.optimize.curve_fit` takes as bounds.
    """
    if any(isinstance(side, tuple) for side in bounds):
        return False
    return bool(np.all(sides[0] < sides[1])) and (fixes or isinstance(bounds, tuple))

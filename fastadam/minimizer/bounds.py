"""Bounds as SciPy takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds

from ..checks import describe
from ..solver.search import Vector


def box(bounds: Any, n: int) -> tuple[Vector, Vector]:
    """Return the lower and the upper bound of each of n coordinates.

    Parameters
    ----------
    bounds : scipy.optimize.Bounds, sequence of pairs, or None
        None in a pair is no bound.
    n : int
        The number of coordinates.
    """
    if bounds is None:
        return np.full(n, -np.inf), np.full(n, np.inf)
    if isinstance(bounds, Bounds):
        lower, upper = _of_length("bounds.lb", bounds.lb, n), _of_length("bounds.ub", bounds.ub, n)
    else:
        lower, upper = _from_pairs(bounds, n)
    if np.any(lower > upper):
        i = int(np.argmax(lower > upper))
        raise ValueError(
            "An upper bound is less than the corresponding lower bound: "
            f"bounds[{i}] = ({lower[i]}, {upper[i]})"
        )
    if np.any(lower == np.inf) or np.any(upper == -np.inf):
        i = int(np.argmax((lower == np.inf) | (upper == -np.inf)))
        raise ValueError(f"bounds[{i}] = ({lower[i]}, {upper[i]}) holds no number")
    return lower, upper


def _of_length(name: str, values: Any, n: int) -> Vector:
    array = real_numbers(name, values)
    try:
        array = np.broadcast_to(array, (n,)).copy()
    except ValueError:
        raise ValueError(
            f"{name} must have a number for each of {n} variables, got shape {array.shape}"
        ) from None
    if np.any(np.isnan(array)):
        raise ValueError(f"{name} must not be NaN, got {describe(values)}")
    return array


def _from_pairs(bounds: Any, n: int) -> tuple[Vector, Vector]:
    try:
        pairs = [(low, high) for low, high in bounds]
    except (TypeError, ValueError):
        raise ValueError(
            f"bounds must be a Bounds or a (min, max) for each variable, got {describe(bounds)}"
        ) from None
    if len(pairs) != n:
        raise ValueError(f"bounds must have a pair for each of {n} variables, got {len(pairs)}")
    lower = real_numbers("bounds", [-np.inf if low is None else low for low, _ in pairs])
    upper = real_numbers("bounds", [np.inf if high is None else high for _, high in pairs])
    if lower.ndim != 1 or upper.ndim != 1:
        raise ValueError(f"bounds must have two numbers for each variable, got {describe(bounds)}")
    # NaN is no bound, as SciPy has it.
    lower[np.isnan(lower)] = -np.inf
    upper[np.isnan(upper)] = np.inf
    return lower, upper


def real_numbers(name: str, values: Any) -> Vector:
    """Return real numbers as a new array."""
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray(values, dtype=object)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be real numbers, got {describe(values)}")
    return array.astype(np.float64)

"""The arguments of `curve_fit`, checked and broadcast."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds

from .._names.parameters import Names, read_named_bounds, unname
from .._validate import as_array, describe, one_of, real_array

Array = NDArray[np.float64]

_UNBOUNDED = (-np.inf, np.inf)


@dataclass(frozen=True)
class Start:
    """Where searches begin, and what they stay within: a row for each curve, or one for all."""

    p0: Array
    lower: Array
    upper: Array
    is_bounded: bool


def check_data(
    xdata: Any, ydata: Any, check_finite: bool | None, nan_policy: str | None
) -> tuple[Any, NDArray[Any]]:
    """Check x and y; x is an array of float64, unless it is nothing that could be one."""
    y = as_array("ydata", ydata)
    if y.dtype.kind not in "fiub" or y.ndim == 0 or y.shape[-1] == 0:
        raise ValueError(
            f"ydata must be real numbers, with an axis of points, got {describe(ydata)}"
        )
    if nan_policy is not None:
        one_of("nan_policy", nan_policy, ("omit", "raise"))
    x = real_array("xdata", xdata) if isinstance(xdata, (list, tuple, np.ndarray)) else xdata
    if check_finite or nan_policy == "raise":
        for name, array in (("xdata", x), ("ydata", y)):
            if isinstance(array, np.ndarray) and not np.all(np.isfinite(array)):
                raise ValueError(f"{name} must be finite: it has NaN or infinity")
    has_points = isinstance(x, np.ndarray) and x.shape[-1:] == y.shape[-1:]
    if has_points and (is_missing := np.isnan(x)).any():
        y = np.where(is_missing.any(axis=tuple(range(x.ndim - 1))), np.nan, y)
    return x, y


def check_sigma(sigma: Any, y: NDArray[Any]) -> Array | None:
    """Check the standard deviations: (1 or B, m); or, for one curve, (m, m) if a covariance."""
    if sigma is None:
        return None
    array = real_array("sigma", sigma)
    if y.ndim == 1 and array.shape == 2 * y.shape and array.size > 1:
        return array
    try:
        rows = _broadcast(array, y.shape)
    except ValueError:
        hint = " (a covariance is for one curve)" if array.ndim == 2 else ""
        raise ValueError(
            f"sigma must broadcast to the shape {y.shape} of ydata, got {array.shape}{hint}"
        ) from None
    if not (array > 0.0).all():
        counts = ~np.isnan(y.reshape(-1, y.shape[-1])) if y.dtype.kind == "f" else True
        if np.any(is_bad := counts & ~(rows > 0.0)):
            value = np.broadcast_to(rows, is_bad.shape)[is_bad][0]
            raise ValueError(f"sigma must be > 0 (infinite leaves a point out), got {value}")
    return rows


def name_parameters(
    f: Callable[..., Any], p0: Any, bounds: Any, fixed: Any, lead: tuple[int, ...]
) -> tuple[Names | None, Any, Any]:
    """Have start and bounds in the order in which the model takes them, if they are by name.

    That of its signature; of a model that takes ``*p``, that of the names.
    """
    takes = list_parameters(f) if isinstance(p0, Mapping) else []
    if takes and p0:
        asked = Names(dict.fromkeys(takes, ()))
        asked.require_known("p0", p0)
        if missing := [name for name in takes if name not in p0]:
            raise ValueError(f"p0 must have all parameters of f, got none for {missing[0]!r}")
        p0 = {name: p0[name] for name in takes}
    names, vectors = unname("p0", p0, fixed, lead)
    if isinstance(bounds, Mapping):
        bounds = tuple(np.transpose(read_named_bounds(names, bounds, "p0")))
    if takes and names is not None and (arrays := [n for n in takes if names.shapes[n]]):
        raise ValueError(
            f"p0[{arrays[0]!r}] must be a number for each of {lead} curves or for all, "
            f"got shape {np.shape(p0[arrays[0]])}"
        )
    return names, vectors, bounds


def check_start(
    f: Callable[..., Any], p0: Any, bounds: Any, lead: tuple[int, ...], names: Names | None = None
) -> Start:
    """Check start and bounds, count the parameters, and hold those that are fixed."""
    given = None if p0 is None else real_array("p0", p0)
    if given is not None and given.ndim == 0:
        given = given[None]
    n = count_parameters(f) if given is None else given.shape[-1]
    if n == 0:
        raise ValueError(f"p0 must have a number for each parameter, got {describe(p0)}")
    shape = (*lead, n)
    if bounds is None or _are_infinite(bounds):  # nothing to check, which takes 0.1 ms
        lower, upper = np.full((1, n), -np.inf), np.full((1, n), np.inf)
        start = np.ones((1, n)) if given is None else _rows("p0", given, shape)
        if names is not None:
            lower, upper = names.hold(start, lower, upper)
        return Start(start, lower, upper, False)
    lower, upper = (
        _rows(name, real_array(name, side), shape)
        for name, side in zip(("bounds[0]", "bounds[1]"), _read_sides(bounds), strict=True)
    )
    if np.any(np.isnan(lower)) or np.any(np.isnan(upper)):
        raise ValueError(f"bounds must not be NaN, got {describe(bounds)}")
    _refuse(lower > upper, "a lower bound is above the upper one", lower, upper)
    start = _middle(lower, upper) if given is None else _rows("p0", given, shape)
    is_bounded = bool(np.any(lower > -np.inf) or np.any(upper < np.inf))
    if names is not None:
        lower, upper = names.hold(start, lower, upper)
    _refuse((start < lower) | (start > upper), "p0 must be within bounds", start, lower, upper)
    return Start(start, lower, upper, is_bounded)


def _are_infinite(bounds: Any) -> bool:
    """Tell whether bounds are those that a call has by default."""
    if type(bounds) is not tuple or len(bounds) != 2:
        return False
    lower, upper = bounds
    return type(lower) is float and type(upper) is float and bounds == _UNBOUNDED


def _read_sides(bounds: Any) -> tuple[Any, Any]:
    if isinstance(bounds, Bounds):
        return bounds.lb, bounds.ub
    try:
        lower, upper = bounds
    except (TypeError, ValueError):
        raise ValueError(
            f"bounds must be (lower, upper) or a scipy.optimize.Bounds, got {describe(bounds)}"
        ) from None
    return lower, upper


def count_parameters(f: Callable[..., Any]) -> int:
    """Count the parameters of a model by its signature."""
    if type(f) is FunctionType and (named_count := f.__code__.co_argcount) > 1:
        return named_count - 1  # a fifth of the time that a signature takes
    count = len(list_parameters(f))
    if count < 1:
        raise ValueError("p0 must be given: f does not tell how many parameters it has")
    return count


def list_parameters(f: Callable[..., Any]) -> list[str]:
    """List the names that a model gives its parameters; none if it takes any number of them."""
    try:
        taken = inspect.signature(getattr(f, "py_func", f)).parameters.values()
    except (TypeError, ValueError):  # of functions that are not written in Python
        return []
    if any(each.kind == inspect.Parameter.VAR_POSITIONAL for each in taken):
        return []
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in taken if each.kind in named][1:]


def _middle(lower: Array, upper: Array) -> Array:
    """Choose a start as SciPy does: 1, the middle of two bounds, or one above or below one."""
    below, above = np.isfinite(lower), np.isfinite(upper)
    with np.errstate(invalid="ignore"):
        one_sided = np.where(below, lower + 1.0, np.where(above, upper - 1.0, 1.0))
        return np.where(below & above, 0.5 * (lower + upper), one_sided)


def _rows(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    try:
        return _broadcast(array, shape)
    except ValueError:
        raise ValueError(
            f"{name} must have {shape[-1]} numbers, for each of {shape[:-1]} curves or for all, "
            f"got shape {array.shape}"
        ) from None


def _broadcast(array: Array, shape: tuple[int, ...]) -> Array:
    """Broadcast to a row for each curve, or to one row if there is one for all."""
    if array.shape == shape[-1:]:
        return array[None]
    if array.ndim <= 1:
        return np.broadcast_to(array, shape[-1:])[None]
    return np.broadcast_to(array, shape).reshape(-1, shape[-1])


def _refuse(is_bad: NDArray[np.bool_], problem: str, *arrays: Array) -> None:
    if np.any(is_bad):
        k, j = map(int, np.argwhere(is_bad)[0])
        got = ", ".join(str(np.broadcast_to(each, is_bad.shape)[k, j]) for each in arrays)
        raise ValueError(f"{problem}: parameter {j} of curve {k}, got {got}")

"""The arguments of `minimize_batch`, checked: one for all problems, or one for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import numpy as np
from scipy.optimize import Bounds

from .._cuda.interface import is_on_gpu
from .._minimize.bounds import check_bounds
from .._minimize.options import Options, check_options, truth
from .._names.parameters import Names, read_values, unname
from .._validate import (
    DTYPES,
    as_array,
    count,
    describe,
    flag,
    one_of,
    plain_number,
    real_array,
)
from ..typing import Matrix, OnError
from .device_arguments import (
    copy_bounds,
    find_device_sides,
    require_device,
    take_bounds,
    take_rates,
    take_starts,
)


@dataclass(frozen=True)
class BatchOptions:
    """The options that `minimize` does not have, and the step sizes."""

    threads: int | None
    vectorized: bool
    on_error: str
    copy_args: bool
    rates: Matrix


def check_starts(x0: Any, device: str) -> Matrix:
    """Make an array of the starts, a row for each problem: a new one, unless for a GPU."""
    require_device("x0", x0, device)
    there, array = is_on_gpu(x0), None
    if device == "cuda":
        array = take_starts(x0) if there else as_array("x0", x0)
    if array is None or array.dtype not in DTYPES:
        array = real_array("x0", x0)
    if len(array.shape) != 2 or array.size == 0:
        raise ValueError(
            f"x0 must have shape (problems, variables), got {describe(x0 if there else array)}"
        )
    return array if there else np.ascontiguousarray(array)


def unname_rows(x0: Any, fixed: Any, batch_args: Any) -> tuple[Names | None, Any]:
    """Make an array of starts by name, a row for each problem; others stay as they are.

    The first array tells how many problems there are, or the first of ``batch_args``.
    """
    size = 1
    if isinstance(x0, Mapping):
        first = batch_args[:1] if isinstance(batch_args, tuple) else (batch_args,)
        arrays = (*read_values("x0", x0).values(), *first)
        lengths = (np.shape(each)[0] for each in arrays if np.ndim(each) > 0)
        if (size := next(lengths, 0)) == 0:
            raise ValueError(
                f"x0 must have a row for each problem under one name at least, got {describe(x0)}"
            )
    return unname("x0", x0, fixed, (size,))


def check_batch_options(
    method: str, given: Any, tol: object, size: int, device: str
) -> tuple[Options, BatchOptions]:
    """Check the options that `minimize` has, and those that only a batch has."""
    own: dict[str, Any] = {}
    rates = None
    if isinstance(given, Mapping):
        given = dict(given)
        for name in ("return_all", "polish"):
            if truth(name, given.get(name)):
                raise ValueError(f"minimize_batch has no {name}, got {describe(given[name])}")
        own = {name: given.pop(name, None) for name in _OWN}
        lr = plain_number(given.get("lr"))
        require_device("lr", lr, device)
        if is_on_gpu(lr) or isinstance(lr, (list, tuple, np.ndarray)):
            rates = take_rates(lr, size) if is_on_gpu(lr) else _check_rates(lr, size)
            given["lr"] = 0.0
    options = check_options(method, given, tol, stacklevel=4, others=tuple(_OWN))
    if rates is None:
        numeric = not (options.auto or callable(options.lr))
        rates = np.full(1, options.lr if numeric else 0.0)
    # None is the default of every option.
    checked = {
        name: default if own.get(name) is None else check(name, own[name])
        for name, (default, check) in _OWN.items()
    }
    if checked["vectorized"] and checked["on_error"] != "raise":
        raise ValueError(
            f"on_error={checked['on_error']!r} is not for vectorized functions: what they raise, "
            "they raise for many problems at once, and nothing tells for which"
        )
    return options, BatchOptions(**checked, rates=rates)


_OWN: dict[str, tuple[Any, Callable[[str, Any], Any]]] = {
    "threads": (None, partial(count, least=1)),
    "vectorized": (False, flag),
    "on_error": ("raise", partial(one_of, choices=get_args(OnError))),
    "copy_args": (False, flag),
}


def _check_rates(lr: Any, size: int) -> Matrix:
    array = as_array("lr", lr)
    if array.shape != (size,) or array.dtype.kind not in "fiu":
        raise ValueError(f"lr must be a number or {size} numbers, got {describe(array)}")
    if not np.all(fit := np.isfinite(array) & (array >= 0)):
        k = int(np.argmin(fit))
        raise ValueError(f"lr[{k}] must be finite and >= 0, got {array[k]}")
    return array.astype(np.float64)


def check_batch_bounds(bounds: Any, size: int, n: int, device: str) -> tuple[Matrix, Matrix]:
    """Make lower and upper bounds of shape (1, n) or (B, n)."""
    if there := find_device_sides(bounds):
        for name, side in there.items():
            require_device(name, side, device)
        if (taken := take_bounds(bounds, (size, n))) is not None:
            return taken
        bounds = copy_bounds(bounds)
    if isinstance(bounds, Bounds):
        if max(np.ndim(bounds.lb), np.ndim(bounds.ub)) == 2:
            return _check_each("lb", bounds, (size, n)), _check_each("ub", bounds, (size, n))
    elif (pairs := _three_axes(bounds)) is not None:
        if pairs.shape != (size, n, 2):
            raise ValueError(f"bounds must have shape ({size}, {n}, 2), got {pairs.shape}")
        lower, upper = _make_numbers(pairs[..., 0]), _make_numbers(pairs[..., 1])
        # None and NaN are no bounds.
        lower[np.isnan(lower)], upper[np.isnan(upper)] = -np.inf, np.inf
        return lower, upper
    lower, upper = check_bounds(bounds, n, stacklevel=4)
    return lower[None], upper[None]


def _three_axes(bounds: Any) -> np.ndarray[Any, Any] | None:
    """Make an array of bounds that differ from problem to problem; None of others."""
    if isinstance(bounds, np.ndarray):
        return bounds if bounds.ndim == 3 else None
    try:
        pairs = np.asarray(bounds, dtype=object)
    except Exception:  # ragged, or no array at all: `check_bounds` says so
        return None
    return pairs if pairs.ndim == 3 else None


def _make_numbers(side: np.ndarray[Any, Any]) -> Matrix:
    """Make numbers of a side of bounds, in which None is NaN."""
    if side.dtype == object:
        return real_array("bounds", [[np.nan if b is None else b for b in row] for row in side])
    return np.ascontiguousarray(real_array("bounds", side))


def _check_each(side: str, bounds: Bounds, shape: tuple[int, int]) -> Matrix:
    array = real_array(f"bounds.{side}", getattr(bounds, side))
    if array.shape == shape:
        return np.ascontiguousarray(array)
    try:
        return np.broadcast_to(array, shape).copy()
    except ValueError:
        raise ValueError(f"bounds.{side} must have shape {shape}, got {array.shape}") from None


def check_row_args(batch_args: Any, size: int, device: str) -> tuple[Any, ...]:
    """Make arrays whose rows are arguments; for a GPU, they may be there already."""
    arrays = batch_args if isinstance(batch_args, tuple) else (batch_args,)
    result = []
    for i, values in enumerate(arrays):
        require_device(f"batch_args[{i}]", values, device)
        stays = is_on_gpu(values)
        array = values if stays else as_array(f"batch_args[{i}]", values)
        if len(array.shape) == 0 or array.shape[0] != size:
            raise ValueError(
                f"batch_args[{i}] must have a row for each of {size} problems, "
                f"got {describe(array)}"
            )
        result.append(array if stays else np.ascontiguousarray(array))
    return tuple(result)

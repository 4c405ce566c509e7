"""Arguments of `minimize_batch` that are on a GPU: taken where they are, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds

from .._cuda.arguments import take_array
from .._cuda.interface import is_on_gpu
from .._validate import DTYPES, describe, real_array
from .problems import Problems

Shape = tuple[int, int]


def require_device(name: str, value: Any, device: str) -> None:
    """Refuse an array on a GPU where the CPU is to solve."""
    if device != "cuda" and is_on_gpu(value):
        raise ValueError(
            f"{name} is on a GPU, which device={device!r} does not use: pass device='cuda', or a "
            f"copy on the host; got {describe(value)}"
        )


def require_sendable(problems: Problems) -> None:
    """Refuse rows on a GPU where they are to be sent to other processes."""
    named = {"x0": "points", "bounds": "lowers", "bounds, the upper": "uppers", "lr": "rates"}
    rows = {name: getattr(problems.starts, field) for name, field in named.items()}
    rows |= {f"batch_args[{i}]": array for i, array in enumerate(problems.row_args)}
    for name, array in rows.items():
        if is_on_gpu(array):
            raise ValueError(
                f"{name} is on a GPU, and workers get their rows from the host: pass a copy there, "
                f"or workers=None; got {describe(array)}"
            )


def take_starts(x0: Any) -> Any:
    """Take starts that are on the GPU: float32 or float64."""
    return take_array("x0", x0, DTYPES)


def take_rates(lr: Any, size: int) -> Any:
    """Take step sizes that are on the GPU; what they are is looked at there."""
    array = take_array("lr", lr, DTYPES)
    if tuple(array.shape) != (size,):
        raise ValueError(f"lr must be a number or {size} numbers, got {describe(lr)}")
    return array


def find_device_sides(bounds: Any) -> dict[str, Any]:
    """Find bounds, or sides of them, that are on a GPU, by their names.

    Sides are those of what has ``lb`` and ``ub``: SciPy's `Bounds` takes no tensors of torch.
    """
    sides = {f"bounds.{name}": getattr(bounds, name, None) for name in ("lb", "ub")}
    named = {"bounds": bounds} if is_on_gpu(bounds) else sides
    return {name: value for name, value in named.items() if is_on_gpu(value)}


def take_bounds(bounds: Any, shape: Shape) -> tuple[Any, Any] | None:
    """Take bounds of each problem of which one side at least is on the GPU; None of others.

    Pairs are both sides as they are.
    """
    sides = find_device_sides(bounds)
    if "bounds" in sides:
        pairs = take_array("bounds", bounds, DTYPES)
        if tuple(pairs.shape) not in ((*shape, 2), (shape[1], 2)):
            raise ValueError(
                f"bounds must have shape {(*shape, 2)} or {(shape[1], 2)}, got {describe(bounds)}"
            )
        return (pairs, pairs) if pairs.ndim == 3 else None
    if all(len(side.shape) < 2 for side in sides.values()):
        return None
    lower, upper = (_take_side(f"bounds.{name}", bounds, shape) for name in ("lb", "ub"))
    return lower, upper


def _take_side(name: str, bounds: Any, shape: Shape) -> Any:
    given = getattr(bounds, name[-2:], None)
    side: Any = take_array(name, given, DTYPES) if is_on_gpu(given) else real_array(name, given)
    found, n = tuple(side.shape), shape[1]
    if found == shape:
        return side
    if found not in ((), (1,), (n,)):
        raise ValueError(f"{name} must have shape {shape} or ({n},), got {describe(given)}")
    row = side.copy_to_host() if is_on_gpu(side) else side
    return np.broadcast_to(row.astype(np.float64), (1, n)).copy()


def copy_to_host(name: str, array: Any) -> Any:
    """Copy an array to the host, if it is on a GPU."""
    return take_array(name, array, DTYPES).copy_to_host() if is_on_gpu(array) else array


def copy_bounds(bounds: Any) -> Any:
    """Copy bounds of all problems, which are no more than a row, to the host."""
    sides = {name: copy_to_host(name, value) for name, value in find_device_sides(bounds).items()}
    if "bounds" in sides:
        return sides["bounds"]
    given = {f"bounds.{name}": getattr(bounds, name, None) for name in ("lb", "ub")} | sides
    return Bounds(*(real_array(name, side) for name, side in given.items()))

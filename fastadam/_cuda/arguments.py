"""What users give to searches on a GPU: numbers, and arrays that are there or sent there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._numba.gpu import load_cuda
from .._validate import describe, is_device_array
from .driver import find_gpu
from .interface import find_stream, is_on_gpu, read_interface


def on_device(array: np.ndarray) -> Any:
    """Copy an array to the current GPU."""
    return load_cuda().to_device(np.asarray(array, order="C"))


def device_argument(name: str, value: Any, send: Callable[[np.ndarray], Any] = on_device) -> Any:
    """Make of an argument what a kernel takes: arrays on the host are sent, others used there.

    TypeError or ValueError if it is none of these, or an array on another GPU, or one with gaps.
    ``name`` is what error messages call it.
    """
    if isinstance(value, tuple):
        return tuple(device_argument(f"{name}[{i}]", each, send) for i, each in enumerate(value))
    if is_on_gpu(value):
        return take_array(name, value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiubc":
        return send(value.astype(value.dtype.newbyteorder("="), copy=False))
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float, complex, np.number)):
        return value
    raise TypeError(
        f"{name} must be a number, an array of numbers or a tuple of these on a GPU, "
        f"got {describe(value)}"
    )


def take_array(name: str, value: Any, dtypes: Sequence[np.dtype[Any]] = ()) -> Any:
    """Make an array of Numba's in the memory of another one on the current GPU.

    Of some ``dtypes``, or of any numbers. It may still be written, in an order that only its
    library knows.
    """
    array = _view(name, value) if is_device_array(value) else value  # one of the simulator
    dtype = array.dtype
    if dtypes and dtype not in dtypes:
        words = " or ".join(each.name for each in dtypes)
        raise TypeError(f"{name} must be {words} on a GPU, got {describe(value)}")
    if dtype.kind not in "fiubc" or not dtype.isnative:
        raise TypeError(f"{name} must be numbers in native byte order, got {describe(value)}")
    if not array.is_c_contiguous():
        raise ValueError(
            f"{name} must be contiguous (C order) on a GPU, got the shape {tuple(array.shape)} "
            f"with the strides {array.strides} of {dtype}"
        )
    return array


def _view(name: str, value: Any) -> Any:
    cuda, description = load_cuda(), read_interface(value)
    if description.get("mask") is not None:
        raise TypeError(f"{name} must not be a masked array: its mask would be ignored")
    find_stream(name, value)  # which refuses what means none
    ordinal = find_gpu(int(description["data"][0] or 0)).ordinal
    current = cuda.get_current_device().id
    if ordinal != current:
        raise ValueError(f"{name} is on GPU {ordinal}, and the current one is {current}")
    return cuda.from_cuda_array_interface(description, owner=value)

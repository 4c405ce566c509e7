"""What users' functions are given on a GPU: numbers, and arrays that are there or sent there."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._numba.gpu import load_cuda
from .._validate import describe
from .driver import find_gpu
from .interface import read_interface


def device_argument(name: str, value: Any) -> Any:
    """Make of an argument what a kernel takes: arrays on the host are copied, others used there.

    TypeError or ValueError if it is none of these, or an array on another GPU, or one with gaps.
    ``name`` is what error messages call it.
    """
    if isinstance(value, tuple):
        return tuple(device_argument(f"{name}[{i}]", each) for i, each in enumerate(value))
    if hasattr(value, "__cuda_array_interface__"):
        return _take_array(name, value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiubc":
        return on_device(value.astype(value.dtype.newbyteorder("="), copy=False))
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float, complex, np.number)):
        return value
    raise TypeError(
        f"{name} must be a number, an array of numbers or a tuple of these on a GPU, "
        f"got {describe(value)}"
    )


def on_device(array: np.ndarray) -> Any:
    """Copy an array to the current GPU."""
    return load_cuda().to_device(np.asarray(array, order="C"))


def _take_array(name: str, value: Any) -> Any:
    """Make an array of Numba's in the memory of another one on the current GPU."""
    cuda, description = load_cuda(), read_interface(value)
    ordinal = find_gpu(int(description["data"][0] or 0)).ordinal
    current = cuda.get_current_device().id
    if ordinal != current:
        raise ValueError(f"{name} is on GPU {ordinal}, and the current one is {current}")
    array = cuda.from_cuda_array_interface(description, owner=value)
    if array.dtype.kind not in "fiubc" or not array.is_c_contiguous():
        raise ValueError(
            f"{name} must be numbers and contiguous (C order) on a GPU, got the shape "
            f"{array.shape} with the strides {array.strides} of {array.dtype}"
        )
    cuda.synchronize()  # it may still be written, in an order that only its library knows
    return array

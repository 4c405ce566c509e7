"""What `__cuda_array_interface__` says about an array, checked.

The interface: https://nvidia.github.io/numba-cuda/user/cuda_array_interface.html, version 3.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._validate import DTYPES, describe, is_device_array

#: What numbers of bfloat16, which NumPy does not know, are taken for: the interface has them as
#: two bytes of any kind.
BFLOAT16, BFLOAT16_TYPESTR = np.dtype(np.uint16), "<V2"


class Description(NamedTuple):
    """What an array on a GPU says of itself: it is C-contiguous, of one of the dtypes asked for.

    The dtype of bfloat16 is `BFLOAT16`: that of its bits.
    """

    pointer: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    #: Whose order has to be kept: None if it does not matter.
    stream: int | None


def read_array(
    name: str,
    value: Any,
    writes: bool = False,
    kinds: Sequence[np.dtype[Any]] = DTYPES,
    or_bfloat16: bool = False,
) -> Description:
    """Read and check what an array on a GPU says of itself; ``writes`` if it will be written.

    ``kinds`` are the dtypes that it may have, and bfloat16 if that is said.
    """
    description = read_interface(value)
    shape = tuple(int(length) for length in description["shape"])
    dtype = np.dtype(description["typestr"])
    if or_bfloat16 and _is_bfloat16(value):
        dtype = BFLOAT16
    elif dtype not in kinds:
        words = " or ".join([kind.name for kind in kinds] + ["bfloat16"] * or_bfloat16)
        raise TypeError(f"{name} must be {words} in native byte order, got {describe(value)}")
    if description.get("mask") is not None:
        raise TypeError(f"{name} must not be a masked array: its mask would be ignored")
    pointer, is_read_only = description["data"]
    if writes and is_read_only:
        raise ValueError(f"{name} is read-only and cannot be updated in place")
    strides = description.get("strides")
    if strides is not None and not _is_contiguous(shape, strides, dtype.itemsize):
        raise ValueError(
            f"{name} must be contiguous (C order) on a GPU, got the strides {tuple(strides)} for "
            f"the shape {shape}"
        )
    return Description(int(pointer or 0), shape, dtype, find_stream(name, value))


def is_on_gpu(value: object) -> bool:
    """Tell whether a value is an array on a GPU, or one that the simulator has for it."""
    return is_device_array(value) or hasattr(value, "__cuda_ndarray__")


def read_interface(value: Any) -> Mapping[str, Any]:
    """Read an array's `__cuda_array_interface__`."""
    found: Mapping[str, Any]
    try:
        found = value.__cuda_array_interface__
    except RuntimeError:  # of a torch tensor that requires a gradient
        found = value.detach().__cuda_array_interface__
    return found


def find_stream(name: str, value: Any) -> int | None:
    """Find the stream whose order has to be kept for an array, if there is one."""
    if is_torch(value):  # whose interface names none: all work is on the current one
        return int(sys.modules["torch"].cuda.current_stream(value.device).cuda_stream)
    stream = read_interface(value).get("stream")
    if stream is None:
        return None
    if isinstance(stream, bool) or not isinstance(stream, int):
        raise TypeError(f"{name} must name its stream by a whole number, got {describe(stream)}")
    if stream <= 0:
        raise ValueError(
            f"{name} names the stream {stream}, which means nothing: the default stream is 1, a "
            "thread's own is 2"
        )
    return stream


def _is_bfloat16(value: Any) -> bool:
    """Tell whether an array holds numbers of bfloat16: torch's, or those of ml_dtypes."""
    return str(getattr(value, "dtype", "")) in ("torch.bfloat16", "bfloat16")


def is_torch(value: Any) -> bool:
    """Tell whether a value is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _is_contiguous(shape: tuple[int, ...], strides: Any, itemsize: int) -> bool:
    expected = itemsize
    for length, stride in zip(reversed(shape), reversed(tuple(strides)), strict=True):
        if length == 0:
            return True
        if length > 1 and stride != expected:
            return False
        expected *= length
    return True

"""Many arrays on a GPU in one buffer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .driver import device_of
from .interface import read


def pack_leaves(names: Sequence[str], leaves: Sequence[Any], dtype: Any) -> tuple[Any, list[Any]]:
    """Copy arrays on a GPU into one buffer there; return it and views into it.

    Parameters
    ----------
    names, leaves : sequence
        What error messages call the arrays, and the arrays: contiguous and of one dtype.
    dtype : dtype or None
        If given, it has to be theirs.
    """
    arrays = [read(name, leaf) for name, leaf in zip(names, leaves, strict=True)]
    common = arrays[0].dtype if dtype is None else np.dtype(dtype)
    devices = [device_of(array.pointer) for array in arrays]
    for name, array, device in zip(names, arrays, devices, strict=True):
        if array.dtype != common:
            raise TypeError(
                f"{name} must be {common}, got {array.dtype}: arrays on a GPU are not converted"
            )
        if device is not devices[0]:
            raise ValueError(
                f"{name} is on GPU {device.ordinal} and {names[0]} on GPU {devices[0].ordinal}"
            )
    device = devices[0]
    device.require_current()
    sizes = [int(np.prod(array.shape)) for array in arrays]
    flat = device.empty((sum(sizes),), common)
    views = []
    start = 0
    for array, size in zip(arrays, sizes, strict=True):
        view = device.view(flat, start * common.itemsize, array.shape, common)
        device.copy(device.pointer(view), array.pointer, size * common.itemsize)
        views.append(view)
        start += size
    return flat, views

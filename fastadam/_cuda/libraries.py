"""Arrays of the library that an array on the GPU is of: CuPy's, torch's, or Numba's for others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .._numba.gpu import load_cuda
from .interface import is_torch

Allocate = Callable[[tuple[int, ...], np.dtype[Any]], Any]


def find_allocator(value: Any) -> Allocate:
    """Find what allocates memory on the current GPU as an array of the library of ``value``."""
    cupy, torch = (sys.modules.get(name) for name in ("cupy", "torch"))
    if torch is not None and is_torch(value):
        place = value.device
        return lambda shape, dtype: torch.empty(
            shape, dtype=getattr(torch, dtype.name), device=place
        )
    if cupy is not None and isinstance(value, cupy.ndarray):
        return lambda shape, dtype: cupy.empty(shape, dtype)
    return find_numba_allocator()


def find_numba_allocator() -> Allocate:
    """Find what allocates Numba's arrays."""
    allocate: Allocate = load_cuda().device_array
    return allocate

"""Kernels that look for NaN and infinity, in one array or in many of a list."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import register_jitable

from .._forms.narrow import choose_reader
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import WIDEST, make_load
from .driver import Gpu, Kernel
from .kernels import count_lanes
from .list_kernels import make_find_array

cuda: Any = None  # see `with_cuda`

#: What is left where all is finite: every byte 255.
ALL_FINITE = 2**64 - 1


def make_nonfinite_function(dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(pointer, size, firsts)``, not yet compiled, and its signature.

    It lowers ``firsts[0]`` to the index of the first NaN or infinity. Of uint16 it is for the bits
    of bfloat16.
    """
    search = _make_search(dtype)

    @with_cuda
    def kernel(pointer, size, firsts):
        search(pointer, size, cuda.blockIdx.x, firsts, 0)

    kernel.__name__ = kernel.__qualname__ = f"first_nonfinite_{dtype.name}"
    return kernel, types.void(types.int64, types.int64, types.Array(types.uint64, 1, "C"))


def make_nonfinite_list_function(dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(news, table, places, firsts)``, of gradients as `list_kernels` has them."""
    search, find_array = _make_search(dtype), make_find_array()

    @with_cuda
    def kernel(news, table, places, firsts):
        row, _, pointers, _, size, block = find_array(news, table, places, cuda.blockIdx.x)
        if pointers[1] != 0:
            search(pointers[1], size, block, firsts, row)

    kernel.__name__ = kernel.__qualname__ = f"first_nonfinite_{dtype.name}_list"
    return kernel, types.void(*[types.int64] * 3, types.Array(types.uint64, 1, "C"))


def _make_search(dtype: np.dtype[Any]) -> Any:
    """Make ``search(pointer, size, block, firsts, k)``, of a block's piece as a step has it."""
    lanes = count_lanes(dtype)
    load_all, load = make_load(((dtype, 1),), lanes), make_load(((dtype, 1),), 1)
    find_first, find_one = _make_find(dtype, lanes), _make_find(dtype, 1)

    @with_cuda
    @register_jitable
    def search(pointer, size, block, firsts, k):
        thread, threads = np.int64(cuda.threadIdx.x), np.int64(cuda.blockDim.x)
        span = lanes * threads
        start = np.int64(block) * span
        if pointer & (WIDEST - 1) == 0 and start + span <= size:
            i = start + lanes * thread
            lane = find_first(load_all((pointer,), (0,), i))
            if lane >= 0:
                cuda.atomic.min(firsts, k, np.uint64(i + lane))
            return
        i, end = start + thread, min(start + span, size)
        while i < end and find_one(load((pointer,), (0,), i)) < 0:
            i += threads
        if i < end:
            cuda.atomic.min(firsts, k, np.uint64(i))

    return search


def _make_find(dtype: np.dtype[Any], count: int) -> Any:
    """Make ``find(elements)``: which of so many is the first that is not finite, or -1."""
    if count == 0:
        return register_jitable(lambda elements: -1)
    before, last, read = _make_find(dtype, count - 1), count - 1, choose_reader(dtype)
    largest = np.finfo(np.float32 if dtype == np.uint16 else dtype).max

    @register_jitable
    def find(elements):
        found = before(elements)
        if found < 0:
            ((x,),) = elements[last]
            if not abs(read(x)) <= largest:  # NaN as well
                return last
        return found

    return find


@cache
def load_nonfinite_kernel(gpu: Gpu, dtype: np.dtype[Any]) -> Kernel:
    """Compile the kernel of one array, once for each GPU."""
    return gpu.compile(*make_nonfinite_function(dtype))


@cache
def load_nonfinite_list_kernel(gpu: Gpu, dtype: np.dtype[Any]) -> Kernel:
    """Compile the kernel of a list, once for each GPU."""
    return gpu.compile(*make_nonfinite_list_function(dtype))

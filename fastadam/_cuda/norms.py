"""The kernels for the norm of all gradients of a step: see `_forms.norms`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import register_jitable

from .._forms.narrow import choose_reader
from .._forms.norms import (
    BLOCK,
    LANES,
    STRIDE,
    add_lanes,
    choose_factor,
    choose_unit,
    find_scale,
    join,
    scaled,
    sum_of_four,
    term,
)
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import make_load, make_store
from .driver import Gpu, Kernel
from .list_kernels import PLACE, WORD

cuda: Any = None  # see `with_cuda`

#: Warps of a block of threads. Each has a block of the array, its threads are the lanes.
WARPS = 8
NORM_THREADS = WARPS * LANES

#: The columns of the table of a norm kernel, and one that is empty.
SIZE, FIRST, TARGET = range(3)
WIDTH = 4

#: Threads that put norms together: these are read by all, and added by one.
CLIP_THREADS = 256
TILE = 1024

#: Where the clip kernel writes.
SCALE, NORM = range(2)

_FLOAT64 = np.dtype(np.float64)


def make_norm_function(dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(news, table, places)``: the norms of the blocks of vectors, and its signature.

    All are addresses: ``news`` of those of the vectors, 0 for one of zeros; ``table`` has a row for
    each vector with its size, the number of its first block of `NORM_THREADS`, and the address of
    its norms; ``places`` are the rows of all these blocks. Vectors are of float64, of float32, or
    of the bits of bfloat16 as uint16. The elements of a block are read once, but for one of float64
    that has to be scaled.
    """
    sum_lane, may_be_scaled = _make_sum_lane(dtype), dtype == np.float64
    load_place, store = make_load(((PLACE, 1),), 1), make_store(((_FLOAT64, 1),), 1)
    load_word, load_pair = make_load(((WORD, 1),), 1), make_load(((WORD, 1),), 2)

    @with_cuda
    def kernel(news, table, places):
        shared = cuda.shared.array((WARPS, LANES), np.float64)
        warp = np.int64(cuda.threadIdx.x) // LANES
        lane = np.int64(cuda.threadIdx.x) % LANES
        row = np.int64(load_place((places,), (0,), np.int64(cuda.blockIdx.x))[0][0][0])
        pointer = load_word((news,), (0,), row)[0][0][0]
        ((own,),), ((first,),) = load_pair((table,), (0,), WIDTH * row)
        target = load_word((table,), (0,), WIDTH * row + TARGET)[0][0][0]
        block, size = (np.int64(cuda.blockIdx.x) - first) * WARPS + warp, own if pointer else 0
        start, stop = min(block * BLOCK, size), min((block + 1) * BLOCK, size)
        factor = 1.0
        total, largest = sum_lane(pointer, start, stop, lane, factor)
        if may_be_scaled:
            shared[warp, lane] = largest
            cuda.syncthreads()
            for other in range(LANES):
                largest = _greater(largest, shared[warp, other])
            factor = choose_factor(largest)
            if factor != 1.0:
                total, _ = sum_lane(pointer, start, stop, lane, factor)
            cuda.syncthreads()
        shared[warp, lane] = total
        cuda.syncthreads()
        if lane == 0 and block * BLOCK < own:
            store((target,), (0,), block, (((add_lanes(shared[warp], factor),),),))

    kernel.__name__ = kernel.__qualname__ = f"norms_{dtype.name}"
    return kernel, types.void(types.int64, types.int64, types.int64)


@register_jitable
def _greater(one, other):
    """Give the greater of two numbers, and the first if the other is NaN."""
    return other if other > one else one


def _make_sum_lane(dtype: np.dtype[Any]) -> Any:
    """Make what adds the squares of a lane's elements, and finds the largest of its sizes."""
    load, read = make_load(((dtype, 1),), 1), choose_reader(dtype)

    @register_jitable
    def take(pointer, i, factor):
        return scaled(read(load((pointer,), (0,), i)[0][0][0]), factor)

    @register_jitable
    def sum_lane(pointer, start, stop, lane, factor):
        total = largest = 0.0
        i = start + lane
        for _ in range((stop - start) // STRIDE):
            first, second = take(pointer, i, factor), take(pointer, i + LANES, factor)
            third = take(pointer, i + 2 * LANES, factor)
            fourth = take(pointer, i + 3 * LANES, factor)
            i += STRIDE
            total += sum_of_four(first, second, third, fourth)
            largest = _greater(_greater(largest, abs(first)), abs(second))
            largest = _greater(_greater(largest, abs(third)), abs(fourth))
        while i < stop:
            element = take(pointer, i, factor)
            i += LANES
            total += element * element
            largest = _greater(largest, abs(element))
        return total, largest

    return sum_lane


def make_clip_function() -> tuple[Callable[..., None], Any]:
    """Make ``kernel(norms, clip, clip_norm)``, for one block of threads.

    It writes the factor of all gradients and their norm at `SCALE` and `NORM` in ``clip``.
    """

    @with_cuda
    def kernel(norms, clip, clip_norm):
        tile = cuda.shared.array(TILE, np.float64)
        thread, threads = cuda.threadIdx.x, cuda.blockDim.x
        largest = 0.0
        for i in range(thread, norms.size, threads):
            largest = _greater(largest, norms[i])
        tile[thread] = largest
        cuda.syncthreads()
        for other in range(min(threads, norms.size)):
            largest = _greater(largest, tile[other])
        unit, total = choose_unit(largest), 0.0
        for start in range(0, norms.size, TILE):
            cuda.syncthreads()
            count = min(norms.size - start, TILE)
            for i in range(thread, count, threads):
                tile[i] = term(norms[start + i], unit)
            cuda.syncthreads()
            if thread == 0:
                for i in range(count):
                    total += tile[i]
        if thread == 0:
            total = join(total, unit)
            clip[SCALE], clip[NORM] = find_scale(clip_norm[0], total), total

    kernel.__name__ = kernel.__qualname__ = "clip_norm"
    return kernel, types.void(
        types.float64[::1], types.float64[::1], types.UniTuple(types.float64, 1)
    )


@cache
def load_norm_kernel(gpu: Gpu, dtype: np.dtype[Any]) -> Kernel:
    """Compile the kernel of blocks' norms, once for each GPU."""
    return gpu.compile(*make_norm_function(dtype))


@cache
def load_clip_kernel(gpu: Gpu) -> Kernel:
    """Compile the kernel that puts norms together, once for each GPU."""
    return gpu.compile(*make_clip_function())

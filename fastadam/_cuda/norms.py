"""The kernels for the norm of all gradients of a step: see `_forms.norms`.

It stays on the GPU, as does what gradients are scaled by: the host waits for neither.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, types
from numba.extending import register_jitable

from .._forms.narrow import choose_reader
from .._forms.norms import (
    BLOCK,
    LANES,
    STRIDE,
    add_lanes,
    choose_factor,
    choose_unit,
    count_blocks,
    find_scale,
    join,
    scaled,
    sum_of_four,
    term,
)
from .._numba.gpu import with_cuda
from .._uninterrupted import Call
from .driver import ADDRESS, Arguments, Gpu, Kernel, describe_vector

cuda: Any = None  # see `with_cuda`

#: Warps of a block of threads. Each has a block of the array, its threads are the lanes.
WARPS = 8
NORM_THREADS = WARPS * LANES

#: Threads that put norms together: these are read by all, and added by one.
CLIP_THREADS = 256
TILE = 1024

_LANES, _TWO, _THREE, _STRIDE = (np.uint64(times * LANES) for times in (1, 2, 3, 4))

#: Where the clip kernel writes.
SCALE, NORM = range(2)


@register_jitable
def _greater(one, other):
    """Give the greater of two numbers, and the first if the other is NaN."""
    return other if other > one else one


@register_jitable
def _sum_lane(x, start, stop, lane, factor, read):
    """Add the squares of a lane's elements of a block; find the largest of its sizes, too."""
    total = largest = 0.0
    i, end = np.uint64(start + lane), np.uint64(stop)
    for _ in range((stop - start) // STRIDE):
        first = scaled(read(x[i]), factor)
        second = scaled(read(x[i + _LANES]), factor)
        third = scaled(read(x[i + _TWO]), factor)
        fourth = scaled(read(x[i + _THREE]), factor)
        i += _STRIDE
        total += sum_of_four(first, second, third, fourth)
        largest = _greater(_greater(largest, abs(first)), abs(second))
        largest = _greater(_greater(largest, abs(third)), abs(fourth))
    while i < end:
        element = scaled(read(x[i]), factor)
        i += _LANES
        total += element * element
        largest = _greater(largest, abs(element))
    return total, largest


def make_norm_function(dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(x, norms)``: the norm of each block of a vector, by `NORM_THREADS` a block.

    It is of float64, of float32, or of the bits of bfloat16 as uint16. The elements of a block are
    read once, but for one of float64 that has to be scaled.
    """
    read, may_be_scaled = choose_reader(dtype), dtype == np.float64

    @with_cuda
    def kernel(x, norms):
        shared = cuda.shared.array((WARPS, LANES), np.float64)
        warp, lane = cuda.threadIdx.x // LANES, cuda.threadIdx.x % LANES
        block = cuda.blockIdx.x * WARPS + warp
        start, stop = min(block * BLOCK, x.size), min((block + 1) * BLOCK, x.size)
        factor = 1.0
        total, largest = _sum_lane(x, start, stop, lane, factor, read)
        if may_be_scaled:
            shared[warp, lane] = largest
            cuda.syncthreads()
            for other in range(LANES):
                largest = _greater(largest, shared[warp, other])
            factor = choose_factor(largest)
            if factor != 1.0:
                total, _ = _sum_lane(x, start, stop, lane, factor, read)
            cuda.syncthreads()
        shared[warp, lane] = total
        cuda.syncthreads()
        if lane == 0 and block < norms.size:
            norms[block] = add_lanes(shared[warp], factor)

    kernel.__name__ = kernel.__qualname__ = f"norms_{dtype.name}"
    vector = types.Array(from_dtype(dtype), 1, "C")
    return kernel, types.void(vector, types.float64[::1])


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


class Norms:
    """The norms of an optimiser's gradients on its GPU, and the factor that they lead to."""

    def __init__(self, gpu: Gpu, params: Sequence[tuple[int, np.dtype[Any]]]) -> None:
        """Take the size and the dtype of each array; that of bfloat16 is uint16."""
        self._gpu = gpu
        counts = [count_blocks(size) for size, _ in params]
        self._memory = gpu.empty((sum(counts) + 2,), np.float64)
        #: Where the factor is, and behind it the norm.
        self.clip = start = gpu.pointer(self._memory)
        self._size = 8 * sum(counts)
        gpu.fill(start, 0xFF, self._size + 16, 0)  # NaN: there is no norm yet
        gpu.synchronize()
        self._norms = self.clip + 16
        self._kernels: list[Kernel] = []
        self._arguments: list[Arguments] = []
        self._blocks = [-(-count // WARPS) for count in counts]
        start = self._norms
        for (size, dtype), count in zip(params, counts, strict=True):
            vectors = *describe_vector(0, size, dtype.itemsize), *describe_vector(start, count, 8)
            self._kernels.append(load_norm_kernel(gpu, dtype))
            self._arguments.append(Arguments(vectors))
            start += 8 * count
        vectors = *describe_vector(self._norms, sum(counts), 8), *describe_vector(self.clip, 2, 8)
        self._last = Arguments(vectors, (ctypes.c_double * 1)())
        self._clip_kernel = load_clip_kernel(gpu)

    def make_calls(self, pointers: Sequence[int], clip_norm: float, stream: int) -> list[Call]:
        """Make the calls that leave the factor at `clip`; without a gradient an address is 0."""
        gpu, calls = self._gpu, list[Call]()
        if 0 in pointers:  # their norms, too
            calls.append(gpu.make_fill_call(self._norms, 0, self._size, stream))
        for place, pointer in enumerate(pointers):
            blocks, kernel = self._blocks[place], self._kernels[place]
            if pointer and blocks:
                arguments = self._arguments[place]
                arguments.words[ADDRESS] = pointer
                calls.append(gpu.make_launch_call(kernel, blocks, stream, arguments, NORM_THREADS))
        self._last.scalars[0] = clip_norm
        last = gpu.make_launch_call(self._clip_kernel, 1, stream, self._last, CLIP_THREADS)
        return [*calls, last]

    def read(self, stream: int) -> float:
        """Read the norm, as soon as a stream is done."""
        return float(self._gpu.read(self.clip + 8 * NORM, (1,), np.float64, stream)[0])

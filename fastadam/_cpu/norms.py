"""The norm of all gradients of a step, the same for any number of threads.

An array is cut into blocks of one length, each block's norm is summed in lanes that do not depend
on the processor, and the blocks' norms are put together in their order. So it is not of the split.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, prange, types
from numba.extending import register_jitable

from .._numba.cache import compile_kernel
from .._numba.options import KERNEL_OPTIONS
from .kernels import LIMIT, NORM, SCALE, Kernel
from .narrow import choose_reader

#: Elements of a block: it fits in a core's cache with what else is there, and of the ten million
#: elements of a large model there are 610.
BLOCK = 16_384

#: Sums of a block, each of every 32nd element, four elements at a time. One sum would wait for each
#: addition; in this way an element takes 0.11 ns in cache, with sums one by one 0.33.
LANES = 32
STRIDE = 4 * LANES

#: What elements beyond are scaled by before they are squared: powers of two change no digit.
HUGE, TINY = 2.0**480, 2.0**-400
DOWN, UP = 2.0**-600, 2.0**600


def count_blocks(size: int) -> int:
    """Count the blocks of an array."""
    return -(-size // BLOCK)


@register_jitable
def find_factor(x):
    """Find what float64 has to be scaled by, so that no square overflows or vanishes."""
    largest = 0.0
    for i in range(x.size):
        size = abs(x[i])
        if size > largest:
            largest = size
    if largest > HUGE:
        return DOWN
    return UP if largest < TINY else 1.0


@register_jitable
def leave_as_it_is(x):
    """Leave float32: its squares are no trouble in float64."""
    return 1.0


@register_jitable
def scaled_norm(x, factor, read):
    """Compute the 2-norm in float64, with each element times ``factor`` in between.

    ``read`` makes a number of an element.
    """
    lanes = np.zeros(LANES)
    whole = x.size // STRIDE * STRIDE
    for start in range(0, whole, STRIDE):
        part = x[start : start + STRIDE]
        for lane in range(LANES):
            first = factor * read(part[lane])
            second = factor * read(part[lane + LANES])
            third = factor * read(part[lane + 2 * LANES])
            fourth = factor * read(part[lane + 3 * LANES])
            lanes[lane] += (first * first + second * second) + (third * third + fourth * fourth)
    for i in range(whole, x.size):
        element = factor * read(x[i])
        lanes[i % LANES] += element * element
    return math.sqrt(lanes.sum()) / factor


@cache
def make_norm_kernel(dtype: np.dtype[Any], parallel: bool) -> Kernel:
    """Compile or load ``kernel(x, norms)``: the norm of each block of a contiguous vector.

    That is of float64, of float32, or of the bits of bfloat16 as uint16.
    """
    choose_factor = find_factor if dtype == np.float64 else leave_as_it_is
    read = choose_reader(dtype)

    def kernel(x, norms):
        for block in prange(norms.size):
            part = x[block * BLOCK : (block + 1) * BLOCK]
            norms[block] = scaled_norm(part, choose_factor(part), read)

    kernel.__qualname__ = f"norms_{dtype.name}_{'parallel' if parallel else 'serial'}"
    signature = types.void(types.Array(from_dtype(dtype), 1, "C"), types.float64[::1])
    return compile_kernel(kernel, signature, parallel=parallel, **KERNEL_OPTIONS)


@cache
def make_clip_kernel() -> Kernel:
    """Compile or load ``kernel(norms, clip_norm, extras)``: what gradients are scaled by.

    The factor is torch's: at most 1, with 1e-6 that keeps it finite. It is NaN where the norm is.
    """

    def kernel(norms, clip_norm, extras):
        largest = 0.0
        for norm in norms:
            if norm > largest:
                largest = norm
        if largest == math.inf:
            total = norms.sum()  # infinite, or NaN
        else:
            unit = largest if largest > 0.0 else 1.0
            total = 0.0
            for norm in norms:
                total += (norm / unit) ** 2
            total = unit * math.sqrt(total)
        scale = clip_norm / (total + 1e-6)
        extras[SCALE] = 1.0 if scale > 1.0 else scale
        extras[LIMIT] = math.inf
        extras[NORM] = total

    kernel.__qualname__ = "clip_norm"
    signature = types.void(types.float64[::1], types.float64, types.float64[::1])
    return compile_kernel(kernel, signature, **KERNEL_OPTIONS)

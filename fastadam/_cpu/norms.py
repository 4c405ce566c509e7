"""The kernels for the norm of all gradients of a step: see `_forms.norms`."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, prange, types
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
from .._numba.cache import compile_kernel
from .._numba.options import KERNEL_OPTIONS
from .kernels import LIMIT, NORM, SCALE, Kernel


@register_jitable
def find_factor(x):
    """Find what float64 has to be scaled by."""
    largest = 0.0
    for i in range(x.size):
        size = abs(x[i])
        if size > largest:
            largest = size
    return choose_factor(largest)


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
            lanes[lane] += sum_of_four(
                scaled(read(part[lane]), factor),
                scaled(read(part[lane + LANES]), factor),
                scaled(read(part[lane + 2 * LANES]), factor),
                scaled(read(part[lane + 3 * LANES]), factor),
            )
    for i in range(whole, x.size):
        element = scaled(read(x[i]), factor)
        lanes[i % LANES] += element * element
    return add_lanes(lanes, factor)


@cache
def make_norm_kernel(dtype: np.dtype[Any], parallel: bool) -> Kernel:
    """Compile or load ``kernel(x, norms)``: the norm of each block of a contiguous vector.

    That is of float64, of float32, or of the bits of bfloat16 as uint16.
    """
    find = find_factor if dtype == np.float64 else leave_as_it_is
    read = choose_reader(dtype)

    def kernel(x, norms):
        for block in prange(norms.size):
            part = x[block * BLOCK : (block + 1) * BLOCK]
            norms[block] = scaled_norm(part, find(part), read)

    kernel.__qualname__ = f"norms_{dtype.name}_{'parallel' if parallel else 'serial'}"
    signature = types.void(types.Array(from_dtype(dtype), 1, "C"), types.float64[::1])
    return compile_kernel(kernel, signature, parallel=parallel, **KERNEL_OPTIONS)


@cache
def make_clip_kernel() -> Kernel:
    """Compile or load ``kernel(norms, clip_norm, extras)``: what gradients are scaled by."""

    def kernel(norms, clip_norm, extras):
        largest = 0.0
        for norm in norms:
            if norm > largest:
                largest = norm
        unit, total = choose_unit(largest), 0.0
        for norm in norms:
            total += term(norm, unit)
        total = join(total, unit)
        extras[SCALE] = find_scale(clip_norm, total)
        extras[LIMIT] = math.inf
        extras[NORM] = total

    kernel.__qualname__ = "clip_norm"
    signature = types.void(types.float64[::1], types.float64, types.float64[::1])
    return compile_kernel(kernel, signature, **KERNEL_OPTIONS)

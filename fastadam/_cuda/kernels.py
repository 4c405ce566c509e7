"""The kernels of a step on a GPU: those of `fastadam._cpu.kernels` with another loop around them.

Products and sums are not contracted, and the coefficients come from the host, in float64 and cast
there: what a step gives has the same bits as on the CPU.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, types

from .._numba.gpu import with_cuda
from .._rules.spec import Rule
from .._rules.state import make_accessors, make_floors
from .driver import Arguments, Gpu, Kernel

cuda: Any = None  # see `with_cuda`

#: What `make_nonfinite_function` leaves where all is finite: every byte 255.
ALL_FINITE = 2**64 - 1


def make_step_function(rule: Rule, dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(p, g, state, c)`` of a rule, not yet compiled, and its signature.

    The arrays are those of the CPU's kernel, ``c`` are the rule's coefficients in their dtype.
    """
    update = rule.update
    load, store = make_accessors(rule)
    floors = make_floors(rule, dtype)

    @with_cuda
    def kernel(p, g, state, c):
        i, stride = cuda.grid(1), cuda.gridsize(1)  # of 64 bits
        while i < p.size:
            p[i], new_state = update(p[i], g[i], load(state, i, floors), c)
            store(state, i, new_state, floors)
            i += stride

    kernel.__name__ = kernel.__qualname__ = f"{rule.name}_{dtype.name}"
    real = from_dtype(dtype)
    vector = types.Array(real, 1, "C")
    signature = types.void(
        vector, vector, types.Array(real, 2, "C"), types.UniTuple(real, rule.coefficient_count)
    )
    return kernel, signature


def make_nonfinite_function(dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Make the kernel that lowers ``first[0]`` to the index of the first NaN or infinity in x."""
    largest = np.finfo(dtype).max

    @with_cuda
    def kernel(x, first):
        i, stride = cuda.grid(1), cuda.gridsize(1)
        while i < x.size and abs(x[i]) <= largest:
            i += stride
        if i < x.size:
            cuda.atomic.min(first, 0, np.uint64(i))

    kernel.__name__ = kernel.__qualname__ = f"first_nonfinite_{dtype.name}"
    vector = types.Array(from_dtype(dtype), 1, "C")
    return kernel, types.void(vector, types.Array(types.uint64, 1, "C"))


@cache
def load_step_kernel(gpu: Gpu, rule: Rule, dtype: np.dtype[Any]) -> Kernel:
    """Compile the kernel of a rule, once for each GPU."""
    return gpu.compile(*make_step_function(rule, dtype))


@cache
def load_nonfinite_kernel(gpu: Gpu, dtype: np.dtype[Any]) -> Kernel:
    """Compile the kernel that looks for NaN and infinity, once for each GPU."""
    return gpu.compile(*make_nonfinite_function(dtype))


def make_step_arguments(
    rule: Rule, dtype: np.dtype[Any], size: int, parameters: int, state: int
) -> Arguments:
    """Make a step kernel's arguments, without the gradient's address and the coefficients."""
    real = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    shapes = [(parameters, (size,)), (0, (size,)), (state, (len(rule.state), size))]
    arrays = [(pointer, shape, dtype.itemsize) for pointer, shape in shapes]
    return Arguments(arrays, (real * rule.coefficient_count)())

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

from .._backend import PLAIN, Form, ParamSpec
from .._numba.gpu import with_cuda
from .._rules.beside import choose_clip
from .._rules.shared import FLOOR
from .._rules.spec import Rule
from .._rules.state import make_accessors, make_average_accessor, make_floor, make_floors
from .driver import Arguments, Gpu, Kernel

cuda: Any = None  # see `with_cuda`

#: What `make_nonfinite_function` leaves where all is finite: every byte 255.
ALL_FINITE = 2**64 - 1


def make_step_function(
    rule: Rule, dtype: np.dtype[Any], form: Form = PLAIN
) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(p, g, state, c)`` of a rule, not yet compiled, and its signature.

    The arrays are those of the CPU's kernel, ``c`` are the rule's coefficients in their dtype. One
    of another form is ``kernel(p, g, state, average, c, more)``: ``more`` are the limit of elements
    and the weight of the average.
    """
    if form != PLAIN:
        return _make_function_of_form(rule, dtype, form)
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


def _make_function_of_form(
    rule: Rule, dtype: np.dtype[Any], form: Form
) -> tuple[Callable[..., None], Any]:
    update = rule.update
    load, store = make_accessors(rule)
    floors = make_floors(rule, dtype)
    clip, add = choose_clip(form.is_clipped), make_average_accessor(form.is_averaged)
    one, floor = dtype.type(1.0), make_floor(FLOOR, dtype)

    @with_cuda
    def kernel(p, g, state, average, c, more):
        limit, weight = more
        i, stride = cuda.grid(1), cuda.gridsize(1)
        while i < p.size:
            gradient = clip(g[i], one, limit)
            new, new_state = update(p[i], gradient, load(state, i, floors), c)
            p[i] = new
            store(state, i, new_state, floors)
            add(average, i, new, weight, floor)
            i += stride

    kernel.__name__ = kernel.__qualname__ = "_".join((rule.name, dtype.name, *form.words))
    real = from_dtype(dtype)
    vector, matrix = types.Array(real, 1, "C"), types.Array(real, 2, "C")
    coefficients = types.UniTuple(real, rule.coefficient_count)
    return kernel, types.void(vector, vector, matrix, vector, coefficients, types.UniTuple(real, 2))


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
def load_step_kernel(gpu: Gpu, rule: Rule, dtype: np.dtype[Any], form: Form) -> Kernel:
    """Compile the kernel of a rule, once for each GPU."""
    return gpu.compile(*make_step_function(rule, dtype, form))


@cache
def load_nonfinite_kernel(gpu: Gpu, dtype: np.dtype[Any]) -> Kernel:
    """Compile the kernel that looks for NaN and infinity, once for each GPU."""
    return gpu.compile(*make_nonfinite_function(dtype))


def make_step_arguments(
    spec: ParamSpec, dtype: np.dtype[Any], size: int, parameters: int, state: int, average: int = 0
) -> Arguments:
    """Make a step kernel's arguments, without the gradient's address and the scalars."""
    real, rule = ctypes.c_float if dtype == np.float32 else ctypes.c_double, spec.rule
    shapes = [(parameters, (size,)), (0, (size,)), (state, (len(rule.state), size))]
    count = rule.coefficient_count
    if spec.form != PLAIN:
        shapes.append((average, (size if spec.form.is_averaged else 0,)))
        count += 2
    arrays = [(pointer, shape, dtype.itemsize) for pointer, shape in shapes]
    return Arguments(arrays, (real * count)())

"""The kernels of a step that need more than others (`kernels`) have: `MORE`.

Gradients whose norm is clipped have a factor, which is on the GPU. Where parameters or state are
kept in fewer than 32 bits a number, the rule computes in float32, and what is written is rounded by
random bits, which are drawn by the step: what there is in the end has the bits of the CPU's.
Parameters and gradient are float32, float64 or, both, the bits of bfloat16 as uint16.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, types
from numba.extending import register_jitable

from .._backend import Form
from .._forms.narrow import (
    BLOCK,
    NARROW,
    STORED,
    choose_codec,
    draw,
    make_seed,
    take,
    widen,
)
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import Part
from .._rules.spec import Rule
from .blocks import BLOCK_THREADS, make_block_kernel
from .driver import Arguments, Gpu, Kernel
from .kernels import count_lanes, load_step_kernel, make_step_arguments
from .loops import make_each, make_factor_reader, make_loop, make_update

cuda: Any = None  # see `with_cuda`

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)

#: What these kernels have after their pitch and size: the address of the factor of all gradients,
#: the number of the step, and the address of the scales of state in 8 bits.
MORE = FACTOR, STEP, SCALES = range(6, 9)


def needs_more(bits: np.dtype[Any], form: Form) -> bool:
    """Tell whether the step of an array takes one of these kernels."""
    return form.needs_norm or is_narrow(bits, form)


def is_narrow(bits: np.dtype[Any], form: Form) -> bool:
    """Tell whether anything is kept in fewer than 32 bits."""
    return form.state != "" or bits == np.uint16


def is_in_blocks(rule: Rule, form: Form) -> bool:
    """Tell whether it is one of `blocks`."""
    return form.state == "uint8" and bool(rule.state)


def find_real(bits: np.dtype[Any]) -> np.dtype[Any]:
    """Find what a rule computes in."""
    return _FLOAT32 if bits == np.uint16 else bits


def find_stored(bits: np.dtype[Any], form: Form) -> np.dtype[Any]:
    """Find what the numbers of a state are kept in."""
    return STORED[form.state] if form.state else find_real(bits)


def make_form_function(
    rule: Rule, bits: np.dtype[Any], form: Form
) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(pointers, pitch, size, more, scalars)`` of a rule, and its signature."""
    parts = _list_parts(rule, bits, form)
    read_factor = make_factor_reader(form, find_real(bits))
    if is_in_blocks(rule, form):
        kernel = make_block_kernel(rule, bits, form, parts, read_factor)
    else:
        kernel = _make_element_kernel(rule, bits, form, parts, read_factor)
    name = "bfloat16" if bits == np.uint16 else bits.name
    state = [f"{form.state}state"] if form.state else []
    words = [*state, *form.words, *["scaled"] * form.needs_norm]
    kernel.__name__ = "_".join((rule.name, name, *words))
    kernel.__qualname__ = kernel.__name__
    whole, real = types.int64, from_dtype(find_real(bits))
    scalars = types.UniTuple(real, rule.coefficient_count + 2)
    pointers, more = types.UniTuple(whole, 4), types.UniTuple(whole, len(MORE))
    return kernel, types.void(pointers, whole, whole, more, scalars)


def _list_parts(rule: Rule, bits: np.dtype[Any], form: Form) -> tuple[Part, ...]:
    state = find_stored(bits, form), len(rule.state)
    return (bits, 1), (bits, 1), state, (find_real(bits), int(form.is_averaged))


def _make_element_kernel(
    rule: Rule, bits: np.dtype[Any], form: Form, parts: tuple[Part, ...], read_factor: Any
) -> Callable[..., None]:
    """Make the kernel that takes elements one by one."""
    read, write = choose_codec(bits)
    update = make_update(rule, find_real(bits), form)
    unpack, pack = _make_state_codec(rule, form.state)

    @register_jitable
    def advance(element, i, context):
        (p,), (g,), state, average = element
        scalars, factor, seed = context
        random = draw(i, seed)
        new, values, average = update(read(p), read(g), unpack(state), average, scalars, factor)
        return (write(new, random),), pack(values, random), average

    loop = make_loop(parts, count_lanes(find_real(bits)), advance)

    @with_cuda
    def kernel(pointers, pitch, size, more, scalars):
        at = np.int64(cuda.blockIdx.x), np.int64(cuda.threadIdx.x), np.int64(cuda.blockDim.x)
        context = scalars, read_factor(more[0]), make_seed(more[1])
        loop(pointers, pitch, size, at, context)

    return kernel


def _make_state_codec(rule: Rule, state: str) -> tuple[Any, Any]:
    """Make ``unpack(numbers)`` and ``pack(values, random)`` for what is kept of an element."""
    count = len(rule.state)
    if state == "bfloat16":
        return make_each([widen] * count), make_each(list(NARROW[:count]))
    return take, register_jitable(lambda values, random: values)


def make_form_arguments(rule: Rule, bits: np.dtype[Any], form: Form, size: int) -> Arguments:
    """Make the arguments of an array's kernel, of any form, but for addresses and scalars."""
    if not needs_more(bits, form):
        return make_step_arguments(rule, bits, size)
    return make_step_arguments(rule, find_real(bits), size, find_stored(bits, form), len(MORE))


class StepKernel(NamedTuple):
    """A kernel of any form, and how it is launched; 0 threads are the usual ones."""

    kernel: Kernel
    elements: int  # of a block of threads
    threads: int


def load_kernel(gpu: Gpu, rule: Rule, bits: np.dtype[Any], form: Form) -> StepKernel:
    """Load the kernel that takes a step of an array."""
    if not needs_more(bits, form):
        kernel = load_step_kernel(gpu, rule, bits, form)
        return StepKernel(kernel, count_lanes(bits) * gpu.threads, 0)
    kernel = load_form_kernel(gpu, rule, bits, form)
    if is_in_blocks(rule, form):
        return StepKernel(kernel, BLOCK, BLOCK_THREADS)
    return StepKernel(kernel, count_lanes(find_real(bits)) * gpu.threads, 0)


@cache
def load_form_kernel(gpu: Gpu, rule: Rule, bits: np.dtype[Any], form: Form) -> Kernel:
    """Compile the kernel of a rule, once for each GPU."""
    return gpu.compile(*make_form_function(rule, bits, form))

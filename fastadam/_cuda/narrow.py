"""The kernels of a step where parameters or state are kept in fewer than 32 bits a number.

They take what others do (`kernels`), and `MORE`. Parameters and gradient are float32 or, both, the
bits of bfloat16. The rule computes in float32, and what is written has the bits of the CPU's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import register_jitable

from .._backend import Form
from .._forms.narrow import (
    BLOCK,
    MULTIPLIERS,
    NARROW,
    STORED,
    choose_codec,
    choose_scale,
    choose_unit,
    decode_signed,
    decode_unsigned,
    draw,
    encode_signed,
    encode_unsigned,
    finite_size,
    make_seed,
    take,
    widen,
)
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import Part, make_load, make_store
from .._rules.spec import Rule
from .kernels import count_scalars, make_each, make_each_pair, make_loop, make_scale_reader, make_update

cuda: Any = None  # see `with_cuda`

_REAL, _CODE = np.dtype(np.float32), np.dtype(np.uint8)

#: What these kernels have besides: the address of the factor of all gradients, the step that is
#: drawn by, and the address of the scales of the blocks.
CLIP, STEP, SCALES = range(3)

#: Elements that a thread takes at once.
LANES = 4

#: Threads of a block where state is in 8 bits: each has `LANES` elements, so far apart.
BLOCK_THREADS = BLOCK // LANES

#: Places in which the largest size of a row is looked for, by every so many threads. With one, all
#: would wait for each other; and each thread looks at all of them in the end.
SLOTS = 8


def make_narrow_function(
    rule: Rule, bits: np.dtype[Any], form: Form
) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(pointers, pitch, size, more, scalars)`` of a rule, and its signature.

    ``bits`` is float32, or uint16 for those of bfloat16; ``more`` are `CLIP` to `SCALES`.
    """
    in_blocks = form.state == "uint8" and rule.state
    kernel = (_make_block_kernel if in_blocks else _make_element_kernel)(rule, bits, form)
    name = "bfloat16" if bits == np.uint16 else "float32"
    kernel.__name__ = "_".join((rule.name, name, f"{form.state}state", *form.words))
    kernel.__qualname__ = kernel.__name__
    whole, scalars = types.int64, types.UniTuple(types.float32, count_scalars(rule))
    pointers, more = types.UniTuple(whole, 4), types.UniTuple(whole, 3)
    return kernel, types.void(pointers, whole, whole, more, scalars)


def _make_element_kernel(rule: Rule, bits: np.dtype[Any], form: Form) -> Callable[..., None]:
    """Make the kernel that takes elements one by one."""
    read, write = choose_codec(bits)
    read_scale, update = make_scale_reader(form, _REAL), make_update(rule, _REAL, form)
    unpack, pack = _make_state_codec(rule, form.state)

    @register_jitable
    def advance(element, i, context):
        (p,), (g,), state, average = element
        scalars, scale, seed = context
        random = draw(i, seed)
        new, values, average = update(read(p), read(g), unpack(state), average, scalars, scale)
        return (write(new, random),), pack(values, random), average

    loop = make_loop(_list_parts(rule, bits, form), LANES, advance)

    @with_cuda
    def kernel(pointers, pitch, size, more, scalars):
        place = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
        context = scalars, read_scale(more[CLIP]), make_seed(more[STEP])
        loop(pointers, pitch, size, place, context)

    return kernel


def _list_parts(rule: Rule, bits: np.dtype[Any], form: Form) -> tuple[Part, ...]:
    state = STORED[form.state], len(rule.state)
    return (bits, 1), (bits, 1), state, (_REAL, int(form.is_averaged))


def _make_state_codec(rule: Rule, state: str) -> tuple[Any, Any]:
    """Make ``unpack(numbers)`` and ``pack(values, random)`` for what is kept of an element."""
    count = len(rule.state)
    if state == "bfloat16":
        return make_each([widen] * count), make_each(list(NARROW[:count]))
    return take, register_jitable(lambda values, random: values)


def _make_block_kernel(rule: Rule, bits: np.dtype[Any], form: Form) -> Callable[..., None]:
    """Make the kernel for state in 8 bits: a block of threads for each of its blocks.

    All is loaded before the first number is stored. Beyond the end of the array a thread has its
    last element again, whose sizes change nothing.
    """
    read, write = choose_codec(bits)
    read_scale, update = make_scale_reader(form, _REAL), make_update(rule, _REAL, form)
    parts, rows = _list_parts(rule, bits, form), len(rule.state)
    load, store = make_load(parts, 1), make_store((parts[0], *parts[2:]), 1)
    load_scales, store_scales = make_load(((_REAL, rows),), 1), make_store(((_REAL, rows),), 1)
    decode, encode, choose_units, choose_scales = _make_block_codec(rule)
    find_sizes, find_larger = make_each([finite_size] * rows), make_each_pair([_larger] * rows)
    note = make_each([_make_note(row) for row in range(rows)])
    find_largest = make_each([_make_find_largest(row) for row in range(rows)])

    @register_jitable
    def advance(element, i, context, scales):
        (p,), (g,), codes, average = element
        scalars, scale, seed = context
        random = draw(i, seed)
        state = decode(codes, scales)
        new, values, average = update(read(p), read(g), state, average, scalars, scale)
        return (write(new, random),), values, average, random

    @register_jitable
    def put(moved, i, pointers, pitches, size, units):
        p, values, average, random = moved
        if i < size:
            store(pointers, pitches, i, ((p, encode(values, units, random), average),))

    @with_cuda
    def kernel(pointers, pitch, size, more, scalars):
        slots = cuda.shared.array((rows, SLOTS), np.uint32)
        thread, block = np.int64(cuda.threadIdx.x), np.int64(cuda.blockIdx.x)
        for k in range(thread, rows * SLOTS, BLOCK_THREADS):
            slots[k // SLOTS, k % SLOTS] = 0
        cuda.syncthreads()
        scale_pitch = 4 * ((size + BLOCK - 1) // BLOCK)
        ((scales,),) = load_scales((more[SCALES],), (scale_pitch,), block)
        context = scalars, read_scale(more[CLIP]), make_seed(more[STEP])
        i = block * BLOCK + thread
        j, k, l, last = i + BLOCK_THREADS, i + 2 * BLOCK_THREADS, i + 3 * BLOCK_THREADS, size - 1
        sources = 0, 0, pitch, 0
        (one,) = load(pointers, sources, min(i, last))
        (two,) = load(pointers, sources, min(j, last))
        (three,) = load(pointers, sources, min(k, last))
        (four,) = load(pointers, sources, min(l, last))
        first, second = advance(one, i, context, scales), advance(two, j, context, scales)
        third, fourth = advance(three, k, context, scales), advance(four, l, context, scales)
        pair = find_larger(find_sizes(first[1]), find_sizes(second[1]))
        other = find_larger(find_sizes(third[1]), find_sizes(fourth[1]))
        note(find_larger(pair, other), slots, thread % SLOTS)
        cuda.syncthreads()
        sizes = find_largest(pair, slots)
        units = choose_units(sizes)
        targets, pitches = (pointers[0], pointers[2], pointers[3]), (0, pitch, 0)
        put(first, i, targets, pitches, size, units)
        put(second, j, targets, pitches, size, units)
        put(third, k, targets, pitches, size, units)
        put(fourth, l, targets, pitches, size, units)
        if thread == 0:
            store_scales((more[SCALES],), (scale_pitch,), block, ((choose_scales(sizes),),))

    return kernel


def _make_block_codec(rule: Rule) -> tuple[Any, Any, Any, Any]:
    """Make what reads and writes the numbers of an element, and chooses units and scales."""
    decoders, encoders, units, scales = [], [], [], []
    for row, array in enumerate(rule.state_arrays):
        decoders.append(decode_signed if array.is_signed else decode_unsigned)
        encoders.append(_make_encode(array.is_signed, MULTIPLIERS[row]))
        units.append(_make_choose(choose_unit, array.is_signed))
        scales.append(_make_choose(choose_scale, array.is_signed))
    return make_each_pair(decoders), make_each_pair(encoders), make_each(units), make_each(scales)


def _make_encode(is_signed: bool, multiplier: Any) -> Any:
    encode = encode_signed if is_signed else encode_unsigned
    return register_jitable(lambda value, unit, random: encode(value, unit, random, multiplier))


def _make_choose(choose: Any, is_signed: bool) -> Any:
    return register_jitable(lambda size: choose(size, is_signed))


@register_jitable
def _larger(one, other):
    return max(one, other)


def _make_note(row: int) -> Any:
    """Make ``note(size, slots, slot)``, which raises what a row's slot has to a size."""

    @register_jitable
    def note(size, slots, slot):
        return cuda.atomic.max(slots, (row, slot), np.uint32(size))

    return note


def _make_find_largest(row: int) -> Any:
    """Make ``find(_, slots)``, which finds the largest size in a row's slots."""

    @register_jitable
    def find(size, slots):
        largest = slots[row, 0]
        for slot in range(1, SLOTS):
            largest = max(largest, slots[row, slot])
        return largest

    return find

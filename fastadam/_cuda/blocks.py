"""The kernels of a step whose state is in 8 bits: a block of threads for each of its blocks.

See `forms` for what they take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba.extending import register_jitable

from .._backend import Form
from .._forms.narrow import (
    BLOCK,
    MULTIPLIERS,
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
)
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import Part, make_load, make_store
from .._rules.spec import Rule
from .loops import make_each, make_each_pair, make_update

cuda: Any = None  # see `with_cuda`

_REAL = np.dtype(np.float32)

#: Threads of a block; each has four elements.
BLOCK_THREADS = BLOCK // 4

#: Places in which the largest size of a row is looked for, by every so many threads. With one, all
#: would wait for each other; and each thread looks at all of them in the end.
SLOTS = 8


def make_block_kernel(
    rule: Rule, bits: np.dtype[Any], form: Form, parts: Sequence[Part], read_factor: Any
) -> Callable[..., None]:
    """Make the kernel, for `BLOCK_THREADS`.

    All is loaded before the first number is stored. Beyond the end of the array a thread has its
    last element again, whose sizes change nothing.
    """
    read, write = choose_codec(bits)
    update, rows = make_update(rule, _REAL, form), len(rule.state)
    load, store = make_load(tuple(parts), 1), make_store((parts[0], *parts[2:]), 1)
    load_scales, store_scales = make_load(((_REAL, rows),), 1), make_store(((_REAL, rows),), 1)
    decode, encode, choose_units, choose_scales = _make_block_codec(rule)
    find_sizes, find_larger = make_each([finite_size] * rows), make_each_pair([_larger] * rows)
    note = make_each([_make_note(row) for row in range(rows)])
    find_largest = make_each([_make_find_largest(row) for row in range(rows)])

    @register_jitable
    def advance(element, i, context, scales):
        (p,), (g,), codes, average = element
        scalars, factor, seed = context
        random = draw(i, seed)
        state = decode(codes, scales)
        new, values, average = update(read(p), read(g), state, average, scalars, factor)
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
        for slot in range(thread, rows * SLOTS, BLOCK_THREADS):
            slots[slot // SLOTS, slot % SLOTS] = 0
        cuda.syncthreads()
        scale_pitch = 4 * ((size + BLOCK - 1) // BLOCK)
        ((scales,),) = load_scales((more[2],), (scale_pitch,), block)
        context = scalars, read_factor(more[0]), make_seed(more[1])
        i = block * BLOCK + thread
        j, k, m, last = i + BLOCK_THREADS, i + 2 * BLOCK_THREADS, i + 3 * BLOCK_THREADS, size - 1
        sources = 0, 0, pitch, 0
        (one,) = load(pointers, sources, min(i, last))
        (two,) = load(pointers, sources, min(j, last))
        (three,) = load(pointers, sources, min(k, last))
        (four,) = load(pointers, sources, min(m, last))
        first, second = advance(one, i, context, scales), advance(two, j, context, scales)
        third, fourth = advance(three, k, context, scales), advance(four, m, context, scales)
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
        put(fourth, m, targets, pitches, size, units)
        if thread == 0:
            store_scales((more[2],), (scale_pitch,), block, ((choose_scales(sizes),),))

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

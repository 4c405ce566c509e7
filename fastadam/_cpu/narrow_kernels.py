"""The step's kernels where parameters or state are kept in fewer than 32 bits a number.

They take what the others do (`kernels`), and ``scales``, one for each block and row of the state,
which are used where it is in 8 bits::

    kernel(p, g, state, scales, hyper, t, average, extras)

Parameters and gradient are float32 or, both, the bits of bfloat16. The rule computes in float32.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, prange, types

from .._backend import Form
from .._forms.narrow import (
    BLOCK,
    MULTIPLIERS,
    STORED,
    choose_codec,
    draw,
    make_narrow_accessors,
    make_seed,
    read_uint8,
    write_uint8,
)
from .._numba.cache import compile_kernel
from .._numba.options import KERNEL_OPTIONS
from .._rules.beside import choose_clip
from .._rules.shared import FLOOR
from .._rules.spec import Rule
from .._rules.state import make_accessors, make_average_accessor, make_floor, make_floors
from .kernels import LIMIT, SCALE, WEIGHT, Kernel

#: Blocks that a thread takes at once.
CHUNK = 64

REAL = np.dtype(np.float32)


@cache
def make_narrow_kernel(rule: Rule, dtype: np.dtype[Any], form: Form, parallel: bool) -> Kernel:
    """Compile or load the kernel of a rule; see the module.

    ``dtype`` is float32, or uint16 for the bits of bfloat16.
    """
    make = _make_block_kernel if form.state == "uint8" and rule.state else _make_element_kernel
    kernel = make(rule, dtype, form)
    name, loop = "bfloat16" if dtype == np.uint16 else "float32", "_parallel" * parallel
    kernel.__qualname__ = "_".join((rule.name, name, f"{form.state}state{loop}", *form.words))
    vector, row = types.Array(from_dtype(dtype), 1, "C"), types.Array(types.float32, 1, "C")
    signature = types.void(
        vector,
        vector,
        types.Array(from_dtype(STORED[form.state]), 2, "C"),
        types.Array(types.float32, 2, "C"),
        types.UniTuple(types.float64, len(rule.hyper)),
        types.int64,
        row,
        types.float64[::1],
    )
    cast = {"c": types.UniTuple(types.float32, rule.coefficient_count)}
    cast |= dict.fromkeys(("scale", "limit", "weight"), types.float32)
    return compile_kernel(kernel, signature, parallel=parallel, locals=cast, **KERNEL_OPTIONS)


def _make_element_kernel(rule: Rule, dtype: np.dtype[Any], form: Form) -> Kernel:
    """Make the kernel that takes element by element."""
    coefficients, update = rule.coefficients, rule.update
    floors, floor = make_floors(rule, REAL), make_floor(FLOOR, REAL)
    clip, add = choose_clip(form.is_clipped), make_average_accessor(form.is_averaged)
    read, write = choose_codec(dtype)
    load, store = make_narrow_accessors(rule, form.state)

    def kernel(p, g, state, scales, hyper, t, average, extras):
        c = coefficients(hyper, float(t))
        scale, limit, weight = extras[SCALE], extras[LIMIT], extras[WEIGHT]
        seed = make_seed(t)
        for i in prange(p.size):
            random = draw(i, seed)
            gradient = clip(read(g[i]), scale, limit)
            new, values = update(read(p[i]), gradient, load(state, i, floors), c)
            p[i] = write(new, random)
            store(state, i, values, floors, random)
            add(average, i, new, weight, floor)

    return kernel


def _make_block_kernel(rule: Rule, dtype: np.dtype[Any], form: Form) -> Kernel:
    """Make the kernel for state in 8 bits, which is widened and written in blocks."""
    coefficients, update = rule.coefficients, rule.update
    load, store = make_accessors(rule)
    floors, floor = make_floors(rule, REAL), make_floor(FLOOR, REAL)
    clip, add = choose_clip(form.is_clipped), make_average_accessor(form.is_averaged)
    read, write = choose_codec(dtype)
    rows, signed = len(rule.state), np.array([array.is_signed for array in rule.state_arrays])

    def kernel(p, g, state, scales, hyper, t, average, extras):
        c = coefficients(hyper, float(t))
        scale, limit, weight = extras[SCALE], extras[LIMIT], extras[WEIGHT]
        seed = make_seed(t)
        blocks = (p.size + BLOCK - 1) // BLOCK
        for chunk in prange((blocks + CHUNK - 1) // CHUNK):
            wide, random = np.empty((rows, BLOCK), np.float32), np.empty(BLOCK, np.uint32)
            for block in range(chunk * CHUNK, min(blocks, (chunk + 1) * CHUNK)):
                start, stop = block * BLOCK, min((block + 1) * BLOCK, p.size)
                n, part, q, h = stop - start, average[start:stop], p[start:stop], g[start:stop]
                for row in range(rows):
                    kept = state[row, start:stop]
                    read_uint8(kept, scales[row, block], signed[row], wide[row, :n])
                for j in range(n):
                    random[j] = draw(start + j, seed)
                for j in range(n):
                    gradient = clip(read(h[j]), scale, limit)
                    new, values = update(read(q[j]), gradient, load(wide, j, floors), c)
                    q[j] = write(new, random[j])
                    store(wide, j, values, floors)
                    add(part, j, new, weight, floor)
                for row in range(rows):
                    scales[row, block] = write_uint8(
                        wide[row, :n], state[row, start:stop], signed[row], random, MULTIPLIERS[row]
                    )

    return kernel

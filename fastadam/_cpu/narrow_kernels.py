"""The step's kernels where parameters or state are kept in fewer than 32 bits a number.

They take what the others do (`kernels`), and ``scales``, one for each block and row of the state::

    kernel(p, g, state, scales, hyper, t, average, extras)

Parameters and gradient are float32 or, both, the bits of bfloat16; ``state`` is as `Storage` says.
A block is widened to float32, updated by the rule and written back, in the first level of the
cache. What an element costs is the bytes that go over the memory's bus.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, prange, types

from .._backend import Form
from .._numba.cache import compile_kernel
from .._numba.options import KERNEL_OPTIONS
from .._rules.beside import add_to_average, clip_gradient, leave_average, leave_gradient
from .._rules.shared import FLOOR
from .._rules.spec import Rule
from .._rules.state import make_accessors, make_floors
from .kernels import LIMIT, SCALE, WEIGHT, Kernel
from .narrow import (
    BLOCK,
    MULTIPLIERS,
    STORAGES,
    close_bfloat16,
    close_float32,
    draw,
    open_bfloat16,
    open_float32,
)

#: Blocks that a thread takes at once.
CHUNK = 64

REAL = np.dtype(np.float32)


def count_blocks(size: int) -> int:
    """Count the blocks of an array."""
    return -(-size // BLOCK)


@cache
def make_narrow_kernel(rule: Rule, dtype: np.dtype[Any], form: Form, parallel: bool) -> Kernel:
    """Compile or load the kernel of a rule; see the module.

    ``dtype`` is float32, or uint16 for the bits of bfloat16.
    """
    coefficients, update = rule.coefficients, rule.update
    load, store = make_accessors(rule)
    floors = make_floors(rule, REAL)
    clip = clip_gradient if form.is_clipped else leave_gradient
    add = add_to_average if form.is_averaged else leave_average
    floor = REAL.type(FLOOR * np.finfo(REAL).tiny)
    states, is_float32 = STORAGES[form.state or "float32"], dtype == np.float32
    read_state, write_state = states.read, states.write
    open_real = open_float32 if is_float32 else open_bfloat16
    close_real = close_float32 if is_float32 else close_bfloat16
    rows = len(rule.state)
    signed = np.array([array.is_signed for array in rule.state_arrays])

    def kernel(p, g, state, scales, hyper, t, average, extras):
        c = coefficients(hyper, float(t))
        scale, limit, weight = extras[SCALE], extras[LIMIT], extras[WEIGHT]
        blocks = (p.size + BLOCK - 1) // BLOCK
        for chunk in prange((blocks + CHUNK - 1) // CHUNK):
            wide = np.empty((rows + 2, BLOCK), np.float32)
            random = np.empty(BLOCK, np.uint32)
            for block in range(chunk * CHUNK, min(blocks, (chunk + 1) * CHUNK)):
                start, stop = block * BLOCK, min((block + 1) * BLOCK, p.size)
                n, part = stop - start, average[start:stop]
                new = open_real(p[start:stop], wide[rows, :n])
                gradient = open_real(g[start:stop], wide[rows + 1, :n])
                for row in range(rows):
                    kept = state[row, start:stop]
                    read_state(kept, scales[row, block], signed[row], wide[row, :n])
                for j in range(n):
                    each = clip(gradient[j], scale, limit)
                    new[j], values = update(new[j], each, load(wide, j, floors), c)
                    store(wide, j, values, floors)
                    add(part, j, new[j], weight, floor)
                draw(start, t, random)
                close_real(new, p[start:stop], random, MULTIPLIERS[rows])
                for row in range(rows):
                    scales[row, block] = write_state(
                        wide[row, :n], state[row, start:stop], signed[row], random, MULTIPLIERS[row]
                    )

    name, loop = "float32" if is_float32 else "bfloat16", "parallel" if parallel else "serial"
    kernel.__qualname__ = "_".join((rule.name, name, states.name, loop, *form.words))
    vector, row = types.Array(from_dtype(dtype), 1, "C"), types.Array(types.float32, 1, "C")
    signature = types.void(
        vector,
        vector,
        types.Array(from_dtype(states.dtype), 2, "C"),
        types.Array(types.float32, 2, "C"),
        types.UniTuple(types.float64, len(rule.hyper)),
        types.int64,
        row,
        types.float64[::1],
    )
    cast = {"c": types.UniTuple(types.float32, rule.coefficient_count)}
    cast |= dict.fromkeys(("scale", "limit", "weight"), types.float32)
    return compile_kernel(kernel, signature, parallel=parallel, locals=cast, **KERNEL_OPTIONS)

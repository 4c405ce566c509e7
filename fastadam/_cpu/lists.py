"""Kernels that step many arrays in one call, wherever their memory is.

A call costs some microseconds of Python an array, and the update of 1,000 parameters half a
microsecond. A list kernel is called once for all arrays of one rule (that carries one
scalar or none), dtype and set of hyper-parameters::

    kernel(table, hyper)

``table``: a contiguous array of int64 with a row for each array and the columns `SIZE` (the
number n of its elements), `PARAMS`, `GRADIENT` (addresses of n contiguous numbers of the dtype),
`STATE` (address of a contiguous (k, n) block of the dtype, as `kernels` have it), `STEP` and
`CARRIED` (addresses of float64 numbers of the array's own: the steps it has taken, and the last
scalar of a rule that carries one; any address if it does not). The kernel advances both.
``hyper``: the rule's hyper-parameters, a tuple of floats; a carried one in it is ignored.

No two arrays may overlap, but a gradient may be the parameters themselves. Nothing is checked
here, and who calls keeps the memory alive.

The arrays are seen as if they lay end to end, and are cut every `SLICE` elements, whatever their
sizes. The parallel kernel hands each thread as many slices: cut array by array, a model's many
small ones gave one thread more than its share. It agrees with the serial one bit for bit.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import prange, types

from .._numba.addresses import make_vector_at, vector_at
from .._numba.cache import compile_kernel
from .._numba.options import KERNEL_OPTIONS, register_jitable
from .._numba.tuples import cast_like
from .._rules.spec import Rule
from .._rules.state import make_accessors, make_floors
from .kernels import Kernel

#: The columns of the table.
SIZE, PARAMS, GRADIENT, STATE, STEP, CARRIED = range(6)

#: Elements of a slice: 6 us of work, where finding its arrays and coefficients takes 0.2.
SLICE = 16_384

#: By dtype. A kernel finds its own in its closure.
_VECTORS_AT = {
    np.dtype(real.name): make_vector_at(types.Array(real, 1, "C"))
    for real in (types.float32, types.float64)
}


@cache
def make_list_kernel(rule: Rule, dtype: np.dtype[Any], parallel: bool) -> Kernel:
    """Compile the list kernel of a rule over arrays of a dtype, or load it; see the module.

    A parallel one spreads the slices over Numba's threads: see `threads.run_parallel`.
    """
    advance, step_slice = _make_advance(rule), _make_step_slice(rule, dtype)

    def kernel(table, hyper):
        n = len(table)
        ends = np.cumsum(table[:, SIZE])
        total = ends[n - 1] if n else 0
        steps, carried = np.empty(n), np.empty(n)
        for a in range(n):
            steps[a], carried[a] = advance(table, a, hyper)
        count = (total + SLICE - 1) // SLICE
        first = np.empty(count, np.int64)  # the array in which each slice begins
        a = 0
        for s in range(count):
            while ends[a] <= s * SLICE:
                a += 1
            first[s] = a
        for s in prange(count):  # a plain range, unless compiled with parallel=True
            step_slice(table, ends, first[s], s * SLICE, hyper, steps, carried)

    kernel.__qualname__ = f"{rule.name}_{dtype.name}_list_{'parallel' if parallel else 'serial'}"
    scalars = types.UniTuple(types.float64, len(rule.hyper))
    signature = types.void(types.Array(types.int64, 2, "C"), scalars)
    return compile_kernel(kernel, signature, parallel=parallel, **KERNEL_OPTIONS)


def _make_advance(rule: Rule) -> Any:
    """Make what counts an array's step; it returns the step, and what was carried before it."""
    carries = bool(rule.carried)
    carry: Any = rule.carried[0].carry if carries else None

    def advance(table, a, hyper):
        step = vector_at(table[a, STEP], 1)
        step[0] += 1.0
        before = 0.0
        if carries:
            carried = vector_at(table[a, CARRIED], 1)
            before = carried[0]
            carried[0] = carry(hyper[:-1] + (before,), step[0])  # noqa: RUF005
        return step[0], before

    advance.__qualname__ = f"{rule.name}_advance"  # see below
    return register_jitable(advance)


def _make_step_slice(rule: Rule, dtype: np.dtype[Any]) -> Any:
    """Make the step of the elements of a slice, which may lie in several arrays."""
    coefficients, update, carries = rule.coefficients, rule.update, bool(rule.carried)
    load, store = make_accessors(rule)
    floors, rows, one = make_floors(rule, dtype), len(rule.state), dtype.type(1)
    numbers_at, itemsize = _VECTORS_AT[dtype], dtype.itemsize

    def step_slice(table, ends, a, start, hyper, steps, carried):
        stop = min(start + SLICE, ends[-1])
        while start < stop:
            n = table[a, SIZE]
            before = ends[a] - n
            low, high = start - before, min(stop, ends[a]) - before
            h = hyper[:-1] + (carried[a],) if carries else hyper  # noqa: RUF005
            c = cast_like(coefficients(h, steps[a]), one)
            # Arrays that begin with the slice, with the rows of the state n apart: of an index that
            # might be negative Numba makes a case distinction, and no vectors; it took 10 times as
            # long.
            offset = low * itemsize
            p = numbers_at(table[a, PARAMS] + offset, high - low)
            g = numbers_at(table[a, GRADIENT] + offset, high - low)
            state = numbers_at(table[a, STATE] + offset, rows * n).reshape(rows, n)
            for i in range(p.size):
                p[i], new_state = update(p[i], g[i], load(state, i, floors), c)
                store(state, i, new_state, floors)
            start = before + high
            a += 1

    # All of these take the same types, and Numba tells functions of one name apart by a number that
    # it counts in each process: one loaded from disk and one compiled here would be the same to the
    # linker, which takes either.
    step_slice.__qualname__ = f"{rule.name}_{dtype.name}_slice"
    return register_jitable(step_slice)

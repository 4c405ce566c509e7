"""Kernels over some rows of an array, compiled from a rule: see `kernels` for what they assume.

A row is ``width`` elements of the flat array. Nothing else of it is read or written.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, types

from .._forms.clocks import choose_rest
from .._numba.cache import compile_kernel
from .._numba.options import KERNEL_OPTIONS
from .._rules.spec import Rule
from .._rules.state import make_accessors, make_floors
from .kernels import Kernel

_INDICES = types.Array(types.int64, 1, "C")

#: Rows whose memory is read at once before the first of them is stepped. Rows lie anywhere, and a
#: processor waits for many places at a time, but looks ahead no further than a row or two: 1,000
#: rows of 64 float32 in a table of 10**6 took 0.31 ms with 8, 0.36 with 4 and 0.44 without.
AHEAD = 8

#: Rows that take a missed step together: its coefficients take as long as the update of 20 to 40
#: elements. More would not stay in the first-level cache.
TOGETHER = 32


@cache
def make_rows_kernel(rule: Rule, dtype: np.dtype[Any]) -> Kernel:
    """Compile or load the kernel of a step of some rows.

    ``kernel(p, g, state, hyper, t, rows, order, total)`` returns a number that says nothing.
    ``g`` has a row of gradient for each of ``rows``, which ``order`` sorts, stably: those of one
    row are summed in the order given. ``total`` is a row of working memory.
    """
    coefficients, update = rule.coefficients, rule.update
    load, store = make_accessors(rule)
    floors = make_floors(rule, dtype)
    line = np.uint64(64 // dtype.itemsize)  # a cache line

    def kernel(p, g, state, hyper, t, rows, order, total):
        c = coefficients(hyper, float(t))
        width = total.size
        k = asked = 0
        read = dtype.type(0.0)
        while k < order.size:
            if k >= asked:
                asked = min(k + AHEAD, order.size)
                for ahead in range(k, asked):
                    begin = np.uint64(rows[order[ahead]] * width)
                    for i in range(begin, begin + np.uint64(width), line):
                        read += p[i]
                        for name in range(state.shape[0]):
                            read += state[name, i]
            row = rows[order[k]]
            start = order[k] * width
            for j in range(width):
                total[j] = g[start + j]
            k += 1
            while k < order.size and rows[order[k]] == row:
                start = order[k] * width
                for j in range(width):
                    total[j] += g[start + j]
                k += 1
            begin = np.uint64(row * width)
            for i in range(begin, begin + np.uint64(width)):
                p[i], new_state = update(p[i], total[i - begin], load(state, i, floors), c)
                store(state, i, new_state, floors)
        return read  # or else it would not be read

    kernel.__qualname__ = f"{rule.name}_{dtype.name}_rows"
    real = from_dtype(dtype)
    vector, matrix = types.Array(real, 1, "C"), types.Array(real, 2, "C")
    scalars = types.UniTuple(types.float64, len(rule.hyper))
    signature = real(vector, vector, matrix, scalars, types.int64, _INDICES, _INDICES, vector)
    cast = {"c": types.UniTuple(real, rule.coefficient_count)}
    return compile_kernel(kernel, signature, locals=cast, **KERNEL_OPTIONS)


@cache
def make_catch_up_kernel(rule: Rule, dtype: np.dtype[Any]) -> Kernel:
    """Compile or load the kernel that takes the steps that some rows have missed.

    It is ``kernel(p, state, done, rows, rates, top, hyper, first, last)``. ``done`` has the last
    step that each row of the array took. ``rates`` are the learning rates of the steps from
    ``first`` to ``last``, which the rows are brought to, and ``top`` is the largest of them; all
    else in ``hyper`` is the same in these steps.

    Steps are taken one by one, as a dense one would, until none that is left can move any
    parameter of the row; then its state falls to its end in closed form. None can, if one could
    not at the rate ``top``, with the velocity as it is and the other state as it is at the end:
    see `spec` for what makes this so.
    """
    kernel = _make_catch_up(rule, dtype)
    kernel.__qualname__ = f"{rule.name}_{dtype.name}_catch_up"
    real = from_dtype(dtype)
    vector, matrix = types.Array(real, 1, "C"), types.Array(real, 2, "C")
    rates = types.Array(types.float64, 1, "C")
    scalars = types.UniTuple(types.float64, len(rule.hyper))
    signature = types.void(
        vector, matrix, _INDICES, _INDICES, rates, types.float64, scalars, types.int64, types.int64
    )
    cast = {
        "c": types.UniTuple(real, rule.coefficient_count),
        "highest": types.UniTuple(real, rule.coefficient_count),
        "exact": types.UniTuple(types.float64, rule.coefficient_count),
    }
    if rule.state:
        cast["end"] = types.UniTuple(real, len(rule.state))
    return compile_kernel(kernel, signature, locals=cast, **KERNEL_OPTIONS)


def _make_catch_up(rule: Rule, dtype: np.dtype[Any]) -> Any:
    coefficients, update = rule.coefficients, rule.update
    load, store = make_accessors(rule)
    floors = make_floors(rule, dtype)
    idle, worst_of = choose_rest(rule)
    may_rest, decay = rule.idle is not None, rule.hyper.index("weight_decay")
    zero = dtype.type(0.0)

    def kernel(p, state, done, rows, rates, top, hyper, first, last):
        width = p.size // done.size
        for start in range(0, rows.size, TOGETHER):
            some = rows[start : start + TOGETHER]
            behind = last
            for row in some:
                behind = min(behind, done[row])
            while behind < last:
                step = behind + 1
                c = coefficients((rates[step - first],) + hyper[1:], float(step))  # noqa: RUF005
                behind = last
                for row in some:
                    if done[row] == step - 1:
                        begin = np.uint64(row * width)
                        end_of_row = begin + np.uint64(width)
                        moves = False
                        for i in range(begin, end_of_row):
                            before = p[i]
                            p[i], new_state = update(before, zero, load(state, i, floors), c)
                            store(state, i, new_state, floors)
                            moves |= p[i] != before
                        done[row] = step
                        if not moves and may_rest and hyper[decay] == 0.0 and step < last:
                            left = float(last - step)
                            highest = coefficients((top,) + hyper[1:], float(step))  # noqa: RUF005
                            exact = highest  # the cast numbers, in float64 again
                            for i in range(begin, end_of_row):
                                now = load(state, i, floors)
                                end = idle(now, exact, left)
                                moved, _ = update(p[i], zero, worst_of(now, end), highest)
                                moves |= moved != p[i]
                            if not moves:
                                for i in range(begin, end_of_row):
                                    now = load(state, i, floors)
                                    store(state, i, idle(now, exact, left), floors)
                                done[row] = last
                    behind = min(behind, done[row])

    return kernel

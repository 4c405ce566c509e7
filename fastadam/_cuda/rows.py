"""Kernels over some rows of an array, compiled from a rule: those of `fastadam._cpu.row_kernels`.

A row is ``width`` elements of the array. The kernels take addresses, as others here do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, types
from numba.extending import register_jitable

from .._backend import PLAIN
from .._forms.clocks import choose_rest
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import make_load, make_store
from .._rules.spec import Rule
from .driver import Gpu, Kernel
from .loops import make_each, make_flush, make_update

cuda: Any = None  # see `with_cuda`

_INT32, _FLOAT64 = np.dtype(np.int32), np.dtype(np.float64)
_VECTOR = types.Array(types.int64, 1, "C")


def make_rows_function(rule: Rule, dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(pointers, pitch, width, now, rows, starts, order, c)``: a step of some rows.

    The gradients of ``rows[k]`` are at the places ``order[starts[k]:starts[k + 1]]`` among those
    given, and are summed in this order. A thread has an element of a row. ``pointers`` are those of
    the parameters, the gradients, the state, and of what each row has done, which is ``now`` after
    the step; 0 if that is not kept.
    """
    update, one, zero = make_update(rule, dtype, PLAIN), dtype.type(1.0), dtype.type(0.0)
    parts = (dtype, 1), (dtype, len(rule.state))
    load, store, load_one = make_load(parts, 1), make_store(parts, 1), make_load(parts[:1], 1)
    store_done = make_store(((_INT32, 1),), 1)

    @with_cuda
    def kernel(pointers, pitch, width, now, rows, starts, order, c):
        element = np.int64(cuda.blockIdx.x) * cuda.blockDim.x + cuda.threadIdx.x
        if element < rows.size * width:
            k = element // width
            j = element - k * width
            gradients = (pointers[1],)
            total = load_one(gradients, (0,), order[starts[k]] * width + j)[0][0][0]
            for other in range(starts[k] + 1, starts[k + 1]):
                total += load_one(gradients, (0,), order[other] * width + j)[0][0][0]
            i, own, pitches = rows[k] * width + j, (pointers[0], pointers[2]), (0, pitch)
            (((p,), state),) = load(own, pitches, i)
            p, state, _ = update(p, total, state, (), c + (zero, zero), one)  # noqa: RUF005
            store(own, pitches, i, (((p,), state),))
            if j == 0 and pointers[3] != 0:
                store_done((pointers[3],), (0,), rows[k], (((np.int32(now),),),))

    kernel.__name__ = kernel.__qualname__ = f"{rule.name}_{dtype.name}_rows"
    pointers = types.UniTuple(types.int64, 4)
    c = types.UniTuple(from_dtype(dtype), rule.coefficient_count)
    whole = types.int64
    return kernel, types.void(pointers, whole, whole, whole, _VECTOR, _VECTOR, _VECTOR, c)


def make_catch_up_function(rule: Rule, dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Make the kernel that takes the steps that some rows have missed, a block of threads a row.

    It is ``kernel(pointers, pitch, width, count, may_rest, rows)``, of all rows if ``rows`` is
    empty. Each row has done so many of ``count`` steps, whose coefficients are in a table, for they
    are computed on the host; and in another for the largest rate. See the CPU's for when a row
    rests. ``pointers`` are those of the parameters, the table, the state, what each row has done,
    and the other table.
    """
    step, count_of_c, zero = rule.update, rule.coefficient_count, dtype.type(0.0)
    update, flush_state = make_update(rule, dtype, PLAIN), make_flush(rule, dtype)
    idle, worst_of = choose_rest(rule)
    cast, widen = _make_casts(dtype, len(rule.state)), _make_casts(_FLOAT64, count_of_c)
    widen_state = _make_casts(_FLOAT64, len(rule.state))
    parts, one, itemsize = ((dtype, 1), (dtype, len(rule.state))), dtype.type(1.0), dtype.itemsize
    load, store = make_load(parts, 1), make_store(parts, 1)
    load_c = make_load(((dtype, count_of_c),), 1)
    load_done, store_done = make_load(((_INT32, 1),), 1), make_store(((_INT32, 1),), 1)

    @with_cuda
    def kernel(pointers, pitch, width, count, may_rest, rows):
        row = np.int64(cuda.blockIdx.x)
        if rows.size > 0:
            row = rows[row]
        own, pitches = (pointers[0], pointers[2]), (0, pitch)
        begin, end, threads = row * width + cuda.threadIdx.x, (row + 1) * width, cuda.blockDim.x
        done = np.int64(load_done((pointers[3],), (0,), row)[0][0][0])
        while done < count:
            c = load_c((pointers[1],), (itemsize,), done * count_of_c)[0][0]
            scalars = c + (zero, zero)  # noqa: RUF005
            done += 1
            moves = 0
            for i in range(begin, end, threads):
                (((p,), state),) = load(own, pitches, i)
                new, state, _ = update(p, zero, state, (), scalars, one)
                store(own, pitches, i, (((new,), state),))
                moves |= new != p
            if may_rest and done < count and cuda.syncthreads_or(moves) == 0:
                left = np.float64(count - done)
                highest = load_c((pointers[4],), (itemsize,), (done - 1) * count_of_c)[0][0]
                exact = widen(highest)
                for i in range(begin, end, threads):
                    (((p,), now),) = load(own, pitches, i)
                    worst = worst_of(now, cast(idle(widen_state(now), exact, left)))
                    moved, _ = step(p, zero, worst, highest)
                    moves |= moved != p
                if cuda.syncthreads_or(moves) == 0:
                    for i in range(begin, end, threads):
                        (((p,), now),) = load(own, pitches, i)
                        rest = flush_state(cast(idle(widen_state(now), exact, left)))
                        store(own, pitches, i, (((p,), rest),))
                    done = count
        cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            store_done((pointers[3],), (0,), row, (((np.int32(count),),),))

    kernel.__name__ = kernel.__qualname__ = f"{rule.name}_{dtype.name}_catch_up"
    pointers, whole = types.UniTuple(types.int64, 5), types.int64
    return kernel, types.void(pointers, whole, whole, whole, whole, _VECTOR)


def _make_casts(dtype: np.dtype[Any], count: int) -> Any:
    """Make what casts so many numbers."""
    kind = dtype.type
    return make_each([register_jitable(lambda value: kind(value))] * count)


@cache
def load_rows_kernel(gpu: Gpu, rule: Rule, dtype: np.dtype[Any]) -> Kernel:
    """Compile the kernel of a step of some rows, once for each GPU."""
    return gpu.compile(*make_rows_function(rule, dtype))


@cache
def load_catch_up_kernel(gpu: Gpu, rule: Rule, dtype: np.dtype[Any]) -> Kernel:
    """Compile the kernel of missed steps, once for each GPU."""
    return gpu.compile(*make_catch_up_function(rule, dtype))

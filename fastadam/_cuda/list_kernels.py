"""Kernels that step many arrays in one launch, whose arguments are in the memory of the GPU.

A launch takes some microseconds, and the update of 1,000 parameters less than one. A list kernel is
launched once for all arrays of one rule, dtype and form::

    kernel(news, table, places, scalars, factor)

all of them addresses. ``news`` is what changes from step to step: a row of two words for each
array, the address of its gradient, 0 if it has none, and the index of its row in ``scalars``; those
are what `kernels` has under this name. ``table`` has a row for each array with the columns `PARAMS`
to `FIRST`, the last being the number of its first block. ``places`` are the rows of all blocks, of
32 bits. So a block finds its array with one load, however many there are. ``factor`` is that of all
gradients, where their norm is clipped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import register_jitable

from .._backend import Form
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import make_load
from .._rules.spec import Rule
from .driver import Gpu, Kernel
from .kernels import make_move
from .loops import make_factor_reader

cuda: Any = None  # see `with_cuda`

#: The columns of the table.
PARAMS, STATE, AVERAGE, PITCH, SIZE, FIRST = range(6)
WIDTH = 6

WORD, PLACE = np.dtype(np.int64), np.dtype(np.int32)


def make_list_function(
    rule: Rule, dtype: np.dtype[Any], form: Form
) -> tuple[Callable[..., None], Any]:
    """Make the list kernel of a rule, see the module, not yet compiled, and its signature."""
    move, count = make_move(rule, dtype, form), rule.coefficient_count + 2
    find_array, read_factor, step = (
        make_find_array(),
        make_factor_reader(form, dtype),
        dtype.itemsize,
    )
    load_scalars = make_load(((dtype, count),), 1)

    @with_cuda
    def kernel(news, table, places, scalars, factor):
        _, chosen, pointers, pitch, size, block = find_array(news, table, places, cuda.blockIdx.x)
        if pointers[1] != 0:
            ((own,),) = load_scalars((scalars,), (step,), chosen * count)
            at = block, np.int64(cuda.threadIdx.x), np.int64(cuda.blockDim.x)
            move(pointers, pitch, size, at, (own, read_factor(factor)))

    kernel.__name__ = kernel.__qualname__ = "_".join((rule.name, dtype.name, *form.words, "list"))
    return kernel, types.void(*[types.int64] * 5)


@cache
def make_find_array() -> Any:
    """Make ``find(news, table, places, block)``, which tells a block what it works on.

    That is the array's row, its set of scalars, its addresses (of the parameters, the gradient, the
    state and the average), its pitch and size, and which of its blocks it is.
    """
    load_place, load_pair = make_load(((PLACE, 1),), 1), make_load(((WORD, 1),), 2)

    @register_jitable
    def find(news, table, places, block):
        (((place,),),) = load_place((places,), (0,), np.int64(block))
        row = np.int64(place)
        start = WIDTH * row
        ((gradient,),), ((chosen,),) = load_pair((news,), (0,), 2 * row)
        ((params,),), ((state,),) = load_pair((table,), (0,), start + PARAMS)
        ((average,),), ((pitch,),) = load_pair((table,), (0,), start + AVERAGE)
        ((size,),), ((first,),) = load_pair((table,), (0,), start + SIZE)
        pointers = params, gradient, state, average
        return row, chosen, pointers, pitch, size, np.int64(block) - first

    return find


@cache
def load_list_kernel(gpu: Gpu, rule: Rule, dtype: np.dtype[Any], form: Form) -> Kernel:
    """Compile the list kernel of a rule, once for each GPU."""
    return gpu.compile(*make_list_function(rule, dtype, form))

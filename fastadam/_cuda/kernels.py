"""The kernels of a step on a GPU: the rules' arithmetic, in a loop of the GPU's own.

Products and sums are not contracted, and the coefficients come from the host, in float64 and cast
there: what a step gives has the same bits as on the CPU.

A grid is as large as the array. A kernel of a fixed size that strides over it reached 0.86 of the
speed at which the driver copies (an H200, 1e8 float32 parameters), one that ends 0.97.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, types
from numba.extending import register_jitable

from .._backend import PLAIN, Form
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import WIDEST, make_load, make_store
from .._rules.beside import choose_clip, move_average
from .._rules.shared import FLOOR
from .._rules.spec import Rule
from .._rules.state import flush, make_floor, make_floors
from .driver import Arguments, Gpu, Kernel

cuda: Any = None  # see `with_cuda`

#: The words of a step kernel's arguments: the addresses of the parameters, the gradient, the state
#: and the average, how many bytes lie between two rows of state, and the number of elements.
PARAMS, GRADIENT, STATE, AVERAGE, PITCH, SIZE = range(6)


def count_lanes(dtype: np.dtype[Any]) -> int:
    """Count the elements that a thread of a step kernel takes at once: 16 bytes of them."""
    return WIDEST // dtype.itemsize


def find_pitch(size: Any, dtype: np.dtype[Any]) -> Any:
    """Find the length of a row of state, in elements, so that each row is aligned."""
    lanes = count_lanes(dtype)
    return -(-size // lanes) * lanes


def count_blocks(size: int, dtype: np.dtype[Any], threads: int) -> int:
    """Count the blocks of so many threads that an array takes."""
    return -(-size // (count_lanes(dtype) * threads))


def make_step_function(
    rule: Rule, dtype: np.dtype[Any], form: Form = PLAIN
) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(pointers, pitch, size, scalars)`` of a rule, not compiled, and its signature.

    ``pointers``, ``pitch`` and ``size`` are `PARAMS` to `SIZE`; ``scalars`` are the rule's
    coefficients, the limit of elements and the weight of the average.
    """
    move = make_move(rule, dtype, form)

    @with_cuda
    def kernel(pointers, pitch, size, scalars):
        at = np.int64(cuda.blockIdx.x), np.int64(cuda.threadIdx.x), np.int64(cuda.blockDim.x)
        move(pointers, pitch, size, at, scalars)

    kernel.__name__ = kernel.__qualname__ = "_".join((rule.name, dtype.name, *form.words))
    real, whole = from_dtype(dtype), types.int64
    scalars = types.UniTuple(real, rule.coefficient_count + 2)
    return kernel, types.void(types.UniTuple(whole, 4), whole, whole, scalars)


def make_move(rule: Rule, dtype: np.dtype[Any], form: Form) -> Any:
    """Make ``move(pointers, pitch, size, at, scalars)``, what a block does with its piece.

    ``at`` are the block's number, the thread's, and how many threads it has. If all of the piece is
    there and aligned, each thread loads 16 bytes of each array. Else it takes elements a block's
    width apart: two at a time, which in float32 were faster than one or four. Either way it loads
    all of them before it stores the first.
    """
    lanes, state, averages = count_lanes(dtype), len(rule.state), int(form.is_averaged)
    read = (dtype, 1), (dtype, 1), (dtype, state), (dtype, averages)
    written = (dtype, 1), (dtype, state), (dtype, averages)
    load_all, load = make_load(read, lanes), make_load(read, 1)
    store_all, store = make_store(written, lanes), make_store(written, 1)
    advance = _make_advance(rule, dtype, form)
    advance_all, advance_one = _make_each(advance, lanes), _make_each(advance, 1)

    @register_jitable
    def move(pointers, pitch, size, at, scalars):
        sources, targets = pointers, (pointers[0], pointers[2], pointers[3])
        source_pitches, target_pitches = (0, 0, pitch, 0), (0, pitch, 0)
        block, thread, threads = at
        span = lanes * threads
        first = block * span
        bits = pointers[0] | pointers[1] | pointers[2] | pointers[3] | pitch
        if bits & (WIDEST - 1) == 0 and first + span <= size:
            i = first + lanes * thread
            each = load_all(sources, source_pitches, i)
            store_all(targets, target_pitches, i, advance_all(each, scalars))
            return
        end = min(first + span, size)
        i = first + thread
        while i < end:
            other = i + threads
            j = min(other, end - 1)  # which is loaded, and no more
            one = load(sources, source_pitches, i)
            two = load(sources, source_pitches, j)
            store(targets, target_pitches, i, advance_one(one, scalars))
            if other < end:
                store(targets, target_pitches, j, advance_one(two, scalars))
            i = other + threads

    return move


def _make_each(advance: Any, count: int) -> Any:
    """Make ``each(elements, scalars)``, which advances so many elements."""
    if count == 0:
        return register_jitable(lambda elements, scalars: ())
    before, last = _make_each(advance, count - 1), count - 1

    @register_jitable
    def each(elements, scalars):
        return before(elements, scalars) + (advance(elements[last], scalars),)  # noqa: RUF005

    return each


def _make_advance(rule: Rule, dtype: np.dtype[Any], form: Form) -> Any:
    """Make ``advance(element, scalars)``: a parameter, its state and its average after a step."""
    update, count = rule.update, rule.coefficient_count
    clip, one = choose_clip(form.is_clipped), dtype.type(1.0)
    flush_state = _make_flush(make_floors(rule, dtype))
    move_average = _make_average(form.is_averaged, make_floor(FLOOR, dtype))

    @register_jitable
    def advance(element, scalars):
        (p,), (g,), state, average = element
        gradient = clip(g, one, scalars[count])
        p, state = update(p, gradient, flush_state(state), scalars[:count])
        return (p,), flush_state(state), move_average(average, p, scalars[count + 1])

    return advance


def _make_flush(floors: tuple[Any, ...]) -> Any:
    """Make ``flush_each(values)``, for so many values."""
    if not floors:
        return register_jitable(lambda values: ())
    before, last, floor = _make_flush(floors[:-1]), len(floors) - 1, floors[-1]

    @register_jitable
    def flush_each(values):
        return before(values) + (flush(values[last], floor),)  # noqa: RUF005

    return flush_each


def _make_average(is_averaged: bool, floor: Any) -> Any:
    """Make ``follow(average, p, weight)``, of a tuple that holds an average or none."""
    if not is_averaged:
        return register_jitable(lambda average, p, weight: ())

    @register_jitable
    def follow(average, p, weight):
        return (flush(move_average(average[0], p, weight), floor),)

    return follow


@cache
def load_step_kernel(gpu: Gpu, rule: Rule, dtype: np.dtype[Any], form: Form) -> Kernel:
    """Compile the kernel of a rule, once for each GPU."""
    return gpu.compile(*make_step_function(rule, dtype, form))


def make_step_arguments(rule: Rule, dtype: np.dtype[Any], size: int) -> Arguments:
    """Make a step kernel's arguments for an array, without the addresses and the scalars."""
    real = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    words = [0] * (SIZE + 1)
    words[PITCH], words[SIZE] = find_pitch(size, dtype) * dtype.itemsize, size
    return Arguments(words, (real * (rule.coefficient_count + 2))())

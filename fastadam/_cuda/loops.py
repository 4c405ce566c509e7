"""What the step's kernels are made of: loops over elements, and what is done with one of them.

An element is a tuple: for each part of `gpu_memory.make_load` a tuple of its numbers. Numba has no
loop over the entries of a tuple, hence functions that are made from the one for an entry less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba.extending import register_jitable

from .._backend import Form
from .._numba.gpu_memory import WIDEST, Part, make_load, make_store
from .._rules.beside import choose_clip, move_average
from .._rules.shared import FLOOR
from .._rules.spec import Rule
from .._rules.state import flush, make_floor, make_floors


def make_loop(parts: Sequence[Part], lanes: int, advance: Any) -> Any:
    """Make ``loop(pointers, pitch, size, at, context)``, what a block does with its piece.

    ``parts`` are parameters, gradient, state and average; ``pitch`` is that of the state; ``at``
    are the block's number, the thread's, and how many threads it has. What is written of the
    element ``i``, all but a gradient, is what ``advance(element, i, context)`` gives.

    If all of the piece is there and aligned, each thread loads ``lanes`` elements of each part at
    once. Else it takes elements a block's width apart: two at a time, which in float32 were faster
    than one or four. Either way it loads all of them before it stores the first.
    """
    written = parts[0], *parts[2:]
    load_all, load = make_load(tuple(parts), lanes), make_load(tuple(parts), 1)
    store_all, store = make_store(written, lanes), make_store(written, 1)
    advance_all, advance_one = _make_advance(advance, lanes), _make_advance(advance, 1)

    @register_jitable
    def loop(pointers, pitch, size, at, context):
        sources, targets = pointers, (pointers[0], pointers[2], pointers[3])
        source_pitches, target_pitches = (0, 0, pitch, 0), (0, pitch, 0)
        block, thread, threads = at
        first, span = block * lanes * threads, lanes * threads
        bits = pointers[0] | pointers[1] | pointers[2] | pointers[3] | pitch
        if bits & (WIDEST - 1) == 0 and first + span <= size:
            i = first + lanes * thread
            each = load_all(sources, source_pitches, i)
            store_all(targets, target_pitches, i, advance_all(each, i, context))
            return
        end = min(first + span, size)
        i = first + thread
        while i < end:
            other = i + threads
            j = min(other, end - 1)  # which is loaded, and no more
            one = load(sources, source_pitches, i)
            two = load(sources, source_pitches, j)
            store(targets, target_pitches, i, advance_one(one, i, context))
            if other < end:
                store(targets, target_pitches, j, advance_one(two, j, context))
            i = other + threads

    return loop


def _make_advance(advance: Any, count: int) -> Any:
    """Make what advances so many elements, from ``i`` on."""
    if count == 0:
        return register_jitable(lambda elements, i, context: ())
    before, last = _make_advance(advance, count - 1), count - 1

    @register_jitable
    def advance_all(elements, i, context):
        moved = advance(elements[last], i + last, context)
        return before(elements, i, context) + (moved,)  # noqa: RUF005

    return advance_all


def make_update(rule: Rule, real: np.dtype[Any], form: Form) -> Any:
    """Make ``update(p, g, state, average, scalars, factor)``: a step of one element, in ``real``.

    ``scalars`` are the rule's coefficients, the limit of elements and the weight of the average;
    ``factor`` is that of all gradients.
    """
    step, count = rule.update, rule.coefficient_count
    clip, flush_state = choose_clip(form.is_clipped), make_flush(rule, real)
    move_average = _make_average(form.is_averaged, make_floor(FLOOR, real))

    @register_jitable
    def update(p, g, state, average, scalars, factor):
        gradient = clip(g, factor, scalars[count])
        p, state = step(p, gradient, flush_state(state), scalars[:count])
        return p, flush_state(state), move_average(average, p, scalars[count + 1])

    return update


def make_flush(rule: Rule, real: np.dtype[Any]) -> Any:
    """Make ``flush_state(values)`` for a rule's state."""
    return make_each([_make_flush(floor) for floor in make_floors(rule, real)])


def make_factor_reader(form: Form, real: np.dtype[Any]) -> Any:
    """Make ``read(address)``, which gives the factor of all gradients: 1, but for clipped norms."""
    one, cast = real.type(1.0), real.type
    if not form.needs_norm:
        return register_jitable(lambda address: one)
    load = make_load(((np.dtype(np.float64), 1),), 1)
    return register_jitable(lambda address: cast(load((address,), (0,), 0)[0][0][0]))


def make_each(functions: Sequence[Any]) -> Any:
    """Make ``each(values, *given)``: a tuple of what the functions make of a value each."""
    if not functions:
        return register_jitable(lambda values, *given: ())
    before, last, function = make_each(functions[:-1]), len(functions) - 1, functions[-1]

    @register_jitable
    def each(values, *given):
        return before(values, *given) + (function(values[last], *given),)  # noqa: RUF005

    return each


def make_each_pair(functions: Sequence[Any]) -> Any:
    """Make ``each(values, others, *given)``, where each function takes one of both."""
    if not functions:
        return register_jitable(lambda values, others, *given: ())
    before, last, function = make_each_pair(functions[:-1]), len(functions) - 1, functions[-1]

    @register_jitable
    def each(values, others, *given):
        made = function(values[last], others[last], *given)
        return before(values, others, *given) + (made,)  # noqa: RUF005

    return each


def _make_flush(floor: Any) -> Any:
    return register_jitable(lambda value: flush(value, floor))


def _make_average(is_averaged: bool, floor: Any) -> Any:
    """Make ``follow(average, p, weight)``, of a tuple that holds an average or none."""
    if not is_averaged:
        return register_jitable(lambda average, p, weight: ())

    @register_jitable
    def follow(average, p, weight):
        return (flush(move_average(average[0], p, weight), floor),)

    return follow

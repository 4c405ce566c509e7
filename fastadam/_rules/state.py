"""A rule's state in an array: a row for each name, loaded and stored without subnormals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.extending import register_jitable

from .beside import move_average
from .spec import Rule


def make_floors(rule: Rule, dtype: npt.DTypeLike) -> tuple[Any, ...]:
    """Make what each of a rule's state arrays is flushed to zero below, in its dtype."""
    return tuple(make_floor(array.floor, dtype) for array in rule.state_arrays)


def make_floor(floor: float, dtype: npt.DTypeLike) -> Any:
    """Make what numbers are flushed to zero below: so many times the smallest normal one."""
    dtype = np.dtype(dtype)
    return dtype.type(floor * np.finfo(dtype).tiny)


def make_accessors(rule: Rule) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Make ``load(state, i, floors)`` and ``store(state, i, values, floors)`` for a rule."""
    return _ACCESSORS[len(rule.state)]


def make_average_accessor(is_averaged: bool) -> Callable[..., None]:
    """Make ``store(averages, i, p, weight, floor)``, which moves an average towards a parameter."""
    store: Callable[..., None] = _store_average if is_averaged else _store_no_average
    return store


@register_jitable
def flush(x, floor):
    """Make 0 of an ``x`` of less than ``floor``, and leave others (NaN stays NaN)."""
    return x - x if abs(x) < floor else x


@register_jitable
def _store_average(averages, i, p, weight, floor):
    """Move a parameter's average towards it."""
    averages[i] = flush(move_average(averages[i], p, weight), floor)


@register_jitable
def _store_no_average(averages, i, p, weight, floor):
    """Do nothing where there are no averages."""


# Numba has no loop over the entries of a tuple of unknown length, hence a pair of accessors for
# each number of state arrays; one made of the one before takes a fifth longer to compile. State is
# flushed when it is stored, so that no subnormal stays, and when it is loaded, since a state from
# elsewhere may hold some: the first step on 100,000 of them took 75 us instead of 35. Neither
# costs a measurable time.


@register_jitable
def _load0(state, i, floors):
    return ()


@register_jitable
def _store0(state, i, values, floors):
    pass


@register_jitable
def _load1(state, i, floors):
    return (flush(state[0, i], floors[0]),)


@register_jitable
def _store1(state, i, values, floors):
    state[0, i] = flush(values[0], floors[0])


@register_jitable
def _load2(state, i, floors):
    return flush(state[0, i], floors[0]), flush(state[1, i], floors[1])


@register_jitable
def _store2(state, i, values, floors):
    state[0, i] = flush(values[0], floors[0])
    state[1, i] = flush(values[1], floors[1])


@register_jitable
def _load3(state, i, floors):
    return (
        flush(state[0, i], floors[0]),
        flush(state[1, i], floors[1]),
        flush(state[2, i], floors[2]),
    )


@register_jitable
def _store3(state, i, values, floors):
    state[0, i] = flush(values[0], floors[0])
    state[1, i] = flush(values[1], floors[1])
    state[2, i] = flush(values[2], floors[2])


_ACCESSORS = ((_load0, _store0), (_load1, _store1), (_load2, _store2), (_load3, _store3))

"""Compiled loops over many searches that go in step, between two calls of a user's function.

Each search has its own record and matrix, and ``active`` holds the indices of some. The iteration
and the differences are those of one search.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from numba import types

from .._numba.cache import compile_kernel
from .._objective.differences import POINT_FINDERS, find_complex_step, slope
from .._objective.layout import GRAD, LOWER, REL_STEP, STATE, UNIT, UPPER, X
from .._rules.spec import Rule
from .iteration import make_iterate
from .rows import WORDS, begin, leave, solutions_type, starts_type, store, to_best, wants_narrow
from .state import MATRIX, RECORDS

_CUBE = types.Array(types.float64, 3, "C")
_OPTIONS = {"error_model": "numpy"}


def _compile(name: str, kernel: Callable[..., Any], *signature: Any) -> Callable[..., Any]:
    """Compile a kernel over the records and matrices of all searches."""
    kernel.__qualname__ = f"searches_{name}"
    return compile_kernel(kernel, types.void(RECORDS, _CUBE, *signature), **_OPTIONS)


@cache
def begin_kernel() -> Callable[..., Any]:
    """Compile what sets up all searches, see `rows.begin`."""

    def kernel(records, matrices, starts):
        for k in range(records.size):
            begin(records[k], matrices[k], k, starts)

    return _compile("begin", kernel, starts_type())


@cache
def iterate_kernel(rule: Rule) -> Callable[..., Any]:
    """Compile what makes one iteration of a rule in some searches, see `make_iterate`."""
    iterate = make_iterate(rule)

    def kernel(records, matrices, active, hyper):
        for k in active:
            vectors = matrices[k]
            iterate(records[k], vectors, vectors[STATE:], hyper)

    hyper = types.UniTuple(types.float64, len(rule.hyper))
    return _compile(f"iterate_{rule.name}", kernel, WORDS, hyper)


@cache
def narrow_kernel() -> Callable[..., Any]:
    """Compile what has searches with a gradient from wide differences ask for another.

    It fills ``wants``: which of them do.
    """

    def kernel(records, matrices, active, wants):
        for a in range(active.size):
            s = records[active[a]]
            wants[a] = wants_narrow(s)
            if wants[a]:
                to_best(s, matrices[active[a]])

    return _compile("narrow", kernel, WORDS, types.Array(types.boolean, 1, "C"))


@cache
def store_kernel() -> Callable[..., Any]:
    """Compile what writes the results of some searches, which are over or ``leaving``."""

    def kernel(records, matrices, active, solutions, leaving):
        for k in active:
            s = records[k]
            if leaving:
                leave(s)
            store(s, matrices[k], k, solutions)

    return _compile("store", kernel, WORDS, solutions_type(), types.boolean)


@cache
def points_kernel(scheme: str) -> Callable[..., Any]:
    """Compile what fills ``near`` and ``far``, the points of differences."""
    find_points = POINT_FINDERS[scheme]

    def kernel(records, matrices, active, near, far):
        for a in range(active.size):
            width, vectors = records[active[a]].width, matrices[active[a]]
            for i in range(vectors.shape[1]):
                x, lower, upper = vectors[X, i], vectors[LOWER, i], vectors[UPPER, i]
                rel_step, unit = vectors[REL_STEP, i], vectors[UNIT, i]
                near[a, i], far[a, i] = find_points(x, lower, upper, rel_step, unit, width)

    return _compile(f"points_{scheme[0]}", kernel, WORDS, MATRIX, MATRIX)


@cache
def complex_steps_kernel() -> Callable[..., Any]:
    """Compile what fills ``h``, with 0 where bounds are equal."""

    def kernel(records, matrices, active, h):
        for a in range(active.size):
            vectors = matrices[active[a]]
            for i in range(vectors.shape[1]):
                x, lower, upper = vectors[X, i], vectors[LOWER, i], vectors[UPPER, i]
                rel_step, unit = vectors[REL_STEP, i], vectors[UNIT, i]
                h[a, i] = find_complex_step(x, lower, upper, rel_step, unit)

    return _compile("complex_steps", kernel, WORDS, MATRIX)


@cache
def slopes_kernel() -> Callable[..., Any]:
    """Compile what fills the gradients of some searches from the values at `points_kernel`'s."""

    def kernel(records, matrices, active, near, f_near, far, f_far):
        for a in range(active.size):
            f, vectors = records[active[a]].f, matrices[active[a]]
            for i in range(vectors.shape[1]):
                x = vectors[X, i]
                vectors[GRAD, i] = (
                    0.0
                    if far[a, i] == x
                    else slope(x, f, near[a, i], f_near[a, i], far[a, i], f_far[a, i])
                )

    return _compile("slopes", kernel, WORDS, MATRIX, MATRIX, MATRIX, MATRIX)

"""Compiled loops over many searches that go in step, between two calls of a user's function.

Each search has its own record and matrix, and ``active`` holds the indices of some. The iteration
and the differences are those of one search.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from numba import types

from .._numba.cache import compile_kernel
from .._objective.differences import POINT_FINDERS, bend, find_complex_step, slope
from .._objective.layout import CURVATURE, GRAD, LOWER, REL_STEP, STATE, UNIT, UPPER, X
from .._rules.spec import Rule
from . import known, rows
from .iteration import make_iterate
from .outcomes import RUNNING, WAITING
from .second_gear import select_go_down
from .state import INTEGERS, MATRIX, RECORDS

_CUBE = types.Array(types.float64, 3, "C")


def _compile(name: str, kernel: Callable[..., Any], *signature: Any) -> Callable[..., Any]:
    """Compile a kernel over the records and matrices of all searches."""
    kernel.__qualname__ = f"searches_{name}"
    return compile_kernel(kernel, types.void(RECORDS, _CUBE, *signature), error_model="numpy")


def _compiled(*signature: Any) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Have a kernel compiled when it is first called."""

    def decorate(kernel: Callable[..., Any]) -> Callable[..., None]:
        compiled = cache(lambda: _compile(kernel.__name__, kernel, *signature))

        @wraps(kernel)
        def call(*given: Any) -> None:
            compiled()(*given)

        return call

    return decorate


@_compiled(rows.starts_type())
def begin(records, matrices, starts):
    """Set up all searches."""
    for k in range(records.size):
        rows.begin(records[k], matrices[k], k, starts)


@_compiled(known.known_type())
def compare(records, matrices, minima):
    """End all searches whose descents have ended at known minima, and let the others go on."""
    for k in range(records.size):
        known.compare(records[k], matrices[k], minima)


@_compiled(INTEGERS)
def conclude(records, matrices, active):
    """Let nothing more be evaluated in some searches."""
    for k in active:
        rows.conclude(records[k], matrices[k])


@_compiled(INTEGERS, types.Array(types.boolean, 1, "C"))
def narrow(records, matrices, active, wants):
    """Have searches with a gradient from wide differences ask for another: those in ``wants``."""
    for a in range(active.size):
        s = records[active[a]]
        wants[a] = rows.wants_narrow(s)
        if wants[a]:
            rows.to_best(s, matrices[active[a]])


@_compiled(INTEGERS, rows.solutions_type(), types.boolean)
def store(records, matrices, active, solutions, leaving):
    """Write the results of some searches, which are over or ``leaving``."""
    for k in active:
        s = records[k]
        if leaving:
            rows.leave(s)
        rows.store(s, matrices[k], k, solutions)


@_compiled(INTEGERS, MATRIX)
def fill_complex_steps(records, matrices, active, h):
    """Fill ``h``, with 0 where bounds are equal."""
    for a in range(active.size):
        vectors = matrices[active[a]]
        for i in range(vectors.shape[1]):
            x, lower, upper = vectors[X, i], vectors[LOWER, i], vectors[UPPER, i]
            rel_step, unit = vectors[REL_STEP, i], vectors[UNIT, i]
            h[a, i] = find_complex_step(x, lower, upper, rel_step, unit)


@_compiled(INTEGERS, MATRIX, MATRIX, MATRIX, MATRIX)
def fill_slopes(records, matrices, active, near, f_near, far, f_far):
    """Fill the gradients of some searches, and the curvatures, from values at `points_kernel`'s."""
    for a in range(active.size):
        f, vectors = records[active[a]].f, matrices[active[a]]
        for i in range(vectors.shape[1]):
            x = vectors[X, i]
            if far[a, i] == x:
                vectors[GRAD, i] = 0.0
                continue
            values = x, f, near[a, i], f_near[a, i], far[a, i], f_far[a, i]
            vectors[GRAD, i] = slope(*values)
            vectors[CURVATURE, i] = bend(*values)


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

    return _compile(f"points_{scheme[0]}", kernel, INTEGERS, MATRIX, MATRIX)


@cache
def iterate_kernel(rule: Rule, automatic: bool) -> Callable[..., Any]:
    """Compile what makes one iteration in some searches, with what is known of minima."""
    iterate = make_iterate(rule, automatic, go_down=select_go_down())

    def kernel(records, matrices, active, hyper, minima):
        for k in active:
            s, vectors = records[k], matrices[k]
            again = True
            while again:
                iterate(s, vectors, vectors[STATE:], hyper)
                again = s.status == WAITING
                if again:
                    known.compare(s, vectors, minima)
                    again = s.status == RUNNING

    hyper = types.UniTuple(types.float64, len(rule.hyper))
    kind = "auto" if automatic else "plain"
    return _compile(f"iterate_{rule.name}_{kind}", kernel, INTEGERS, hyper, known.known_type())

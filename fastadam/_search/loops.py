"""The compiled loops of the minimiser: one for each rule, whatever the function.

A user's compiled function comes in as the address of its machine code (`native`), so that a new
one costs no compilation of the loop. A loop written for one function alone has no such calls, and
keeps nothing beside the point: it took 34 ns an iteration where this one took 46 (Rosenbrock,
n = 2).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from numba import types
from numba.extending import register_jitable

from .._numba.addresses import borrowed
from .._numba.cache import compile_kernel
from .._numba.calls import call_gradient, call_value
from .._objective.evaluation import complex_point, three_point, two_point
from .._objective.layout import GRAD, STATE, TRIAL, X
from .._rules.rules import Rule
from .iteration import engine, start
from .outcomes import RUNNING
from .state import MATRIX, RECORDS

_OPTIONS = {"error_model": "numpy", "nogil": True}


@cache
def start_kernel() -> Callable[..., Any]:
    """Return ``start(record, rows)``: it sets up the first evaluation of a new search."""

    def kernel(record, rows):
        start(record[0], rows)

    kernel.__qualname__ = "start"
    return compile_kernel(kernel, types.void(RECORDS, MATRIX), **_OPTIONS)


@cache
def advance_kernel(rule: Rule) -> Callable[..., Any]:
    """Return ``advance(record, rows, h)``: the engine of a rule, compiled for Python to call.

    It returns the status.
    """
    advance = engine(rule)

    def kernel(record, rows, h):
        s = record[0]
        advance(s, rows, rows[STATE:], h)
        return s.status

    kernel.__qualname__ = f"advance_{rule.name}"
    signature = types.int64(RECORDS, MATRIX, _hyper(rule))
    return compile_kernel(kernel, signature, **_OPTIONS)


@cache
def run_kernel(rule: Rule, scheme: str) -> Callable[..., Any]:
    """Return the compiled loop: ``run(address, slot, record, rows, trial, h, rates, iterations)``.

    Parameters
    ----------
    rule : Rule
        The rule.
    scheme : str
        Where gradients come from: "gradient", "2-point", "3-point" or "cs". ``address`` is that
        of a function as `native` makes it for the scheme.

    Returns
    -------
    callable
        It makes ``iterations`` iterations, or fewer if the search ends or ``halt`` is set. When
        it returns, the last point is evaluated and not yet judged, unless a halt came between
        two evaluations of its differences; the next call then finishes these, and no more. With
        0 iterations, the evaluation is all it does.
        ``trial`` is a complex vector for "cs".
        ``rates`` holds the step size for each of the iterations, or nothing.
    """
    if scheme == "gradient":
        kernel = _with_gradient(engine(rule))
    else:
        kernel = _with_differences(engine(rule), _DIFFERENCES[scheme])
    kernel.__qualname__ = f"run_{rule.name}_{scheme.replace('-', '_')}"
    return compile_kernel(kernel, run_signature(rule), **_OPTIONS)


@cache
def run_signature(rule: Rule) -> Any:
    """Return the Numba signature of `run_kernel`."""
    real = types.Array(types.float64, 1, "C")
    trial = types.Array(types.complex128, 1, "C")
    return types.void(
        types.intp, types.intp, RECORDS, MATRIX, trial, _hyper(rule), real, types.int64
    )


def _hyper(rule: Rule) -> Any:
    return types.UniTuple(types.float64, len(rule.hyper))


# The two loops are apart, and the first calls the function itself, to save reference counts: they
# are atomic, and each view that is made or handed on in an iteration has two. One loop for both
# took 72 ns where this one takes 48 (Rosenbrock, n = 2).


def _with_gradient(advance: Callable[..., Any]) -> Callable[..., Any]:
    """Return the loop over a function that gives both the value and the gradient."""

    def kernel(address, slot, record, rows, complex_trial, h, rates, iterations):
        record, rows, complex_trial, rates = borrowed((record, rows, complex_trial, rates))
        s = record[0]
        target = address, slot
        x, trial, grad, state = rows[X], rows[TRIAL], rows[GRAD], rows[STATE:]
        if s.nfev == 0 or iterations == 0:
            s.f = call_gradient(x, trial, grad, target)
            s.nfev += 1
            if s.halt != 0:
                iterations = 0
        for k in range(iterations):
            if rates.size > 0:
                s.lr = rates[k]
            advance(s, rows, state, h)
            if s.status != RUNNING:
                break
            s.f = call_gradient(x, trial, grad, target)
            s.nfev += 1
            if s.halt != 0:  # read anew each time: the call might have written it
                break
        s.njev = s.nfev

    return kernel


def _with_differences(
    advance: Callable[..., Any], evaluate: Callable[..., Any]
) -> Callable[..., Any]:
    """Return the loop over a function that gives the value alone."""

    def kernel(address, slot, record, rows, complex_trial, h, rates, iterations):
        record, rows, complex_trial, rates = borrowed((record, rows, complex_trial, rates))
        s, target = record[0], (address, slot)
        if s.nfev == 0 or iterations == 0 or s.part > 0:
            goes_on = s.nfev == 0
            evaluate(target, s, rows, complex_trial)
            if s.halt != 0 or not goes_on:
                return
        for k in range(iterations):
            if rates.size > 0:
                s.lr = rates[k]
            advance(s, rows, rows[STATE:], h)
            if s.status != RUNNING:
                break
            evaluate(target, s, rows, complex_trial)
            if s.halt != 0:
                break

    return kernel


@register_jitable
def _three_point(target, s, rows, complex_trial):
    three_point(call_value, target, s, rows)


@register_jitable
def _two_point(target, s, rows, complex_trial):
    two_point(call_value, target, s, rows)


@register_jitable
def _complex_point(target, s, rows, complex_trial):
    complex_point(call_value, target, s, rows, complex_trial)


_DIFFERENCES = {"2-point": _two_point, "3-point": _three_point, "cs": _complex_point}

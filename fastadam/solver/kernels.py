"""The compiled loops of the minimiser: one for each rule, whatever the function.

A user's compiled function comes in as the address of its machine code (`native`), so that a new
one costs no compilation of the loop. A call through the address takes some 2 ns, as much as a
specialised loop gains.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from numba import types
from numba.extending import register_jitable

from ..cache import compile_kernel
from ..rules import Rule
from . import annealing
from .addresses import at_complex_value, at_gradient, at_value, borrowed
from .differences import central, complex_step, one_sided
from .engine import engine, inline
from .search import (
    GRAD,
    GRADIENT,
    LOWER,
    MATRIX,
    RECORDS,
    REL_STEP,
    RUNNING,
    STATE,
    TRIAL,
    UNIT,
    UPPER,
    X,
)

_OPTIONS = {"error_model": "numpy", "nogil": True}


@cache
def anneal_kernel() -> Callable[..., Any]:
    """Return ``anneal(record, rows)``: it sets a new search up for `annealing`."""

    def kernel(record, rows):
        annealing.next_leg(record[0], rows)

    kernel.__qualname__ = "anneal"
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
        It makes ``iterations`` iterations, or fewer if the search ends. When it returns, the
        last point is evaluated and not yet judged; with 0 iterations, that is all it does.
        ``trial`` is a complex vector for "cs".
        ``rates`` holds the step size for each of the iterations, or nothing.
    """
    if scheme == "gradient":
        kernel = _with_gradient(engine(rule))
    else:
        kernel = _with_differences(engine(rule), _DIFFERENCES[scheme])
    kernel.__qualname__ = f"run_{rule.name}_{scheme.replace('-', '_')}"
    return compile_kernel(kernel, run_signature(rule), **_OPTIONS)


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
        evaluate = at_gradient(address)
        x, trial, grad, state = rows[X], rows[TRIAL], rows[GRAD], rows[STATE:]
        if s.nfev == 0 or iterations == 0:
            s.f = evaluate(x, trial, grad, slot)
            s.nfev += 1
        for k in range(iterations):
            if rates.size > 0:
                s.lr = rates[k]
            advance(s, rows, state, h)
            if s.status != RUNNING:
                break
            s.f = evaluate(x, trial, grad, slot)
            s.nfev += 1
        s.njev = s.nfev

    return kernel


def _with_differences(
    advance: Callable[..., Any], evaluate: Callable[..., Any]
) -> Callable[..., Any]:
    """Return the loop over a function that gives the value alone."""

    def kernel(address, slot, record, rows, complex_trial, h, rates, iterations):
        record, rows, complex_trial, rates = borrowed((record, rows, complex_trial, rates))
        s = record[0]
        if s.nfev == 0 or iterations == 0:
            evaluate(address, slot, s, rows, complex_trial)
        for k in range(iterations):
            if rates.size > 0:
                s.lr = rates[k]
            advance(s, rows, rows[STATE:], h)
            if s.status != RUNNING:
                break
            evaluate(address, slot, s, rows, complex_trial)

    return kernel


@inline
def three_point(value, slot, s, rows):
    """Evaluate the value, and the gradient by central differences."""
    x, trial, grad = rows[X], rows[TRIAL], rows[GRAD]
    lower, upper, rel_step, unit = rows[LOWER], rows[UPPER], rows[REL_STEP], rows[UNIT]
    if s.request != GRADIENT:
        s.f = value(trial, slot)
        s.nfev += 1
    s.nfev += central(value, slot, x, s.f, grad, trial, lower, upper, rel_step, unit, s.width)
    s.njev += 1


@inline
def two_point(value, slot, s, rows):
    """Evaluate the value, and the gradient by one-sided differences, or by wide central ones."""
    if s.width > 0.0:
        three_point(value, slot, s, rows)
        return
    x, trial, grad = rows[X], rows[TRIAL], rows[GRAD]
    lower, upper, rel_step, unit = rows[LOWER], rows[UPPER], rows[REL_STEP], rows[UNIT]
    if s.request != GRADIENT:
        s.f = value(trial, slot)
        s.nfev += 1
    s.nfev += one_sided(value, slot, x, s.f, grad, trial, lower, upper, rel_step, unit)
    s.njev += 1


@inline
def complex_point(value, slot, s, rows, complex_trial):
    """Evaluate the value, and the gradient by the complex step."""
    x, grad = rows[X], rows[GRAD]
    lower, upper, rel_step, unit = rows[LOWER], rows[UPPER], rows[REL_STEP], rows[UNIT]
    for i in range(x.size):
        complex_trial[i] = x[i]
    s.f = value(complex_trial, slot).real
    s.nfev += 1 + complex_step(value, slot, x, grad, complex_trial, lower, upper, rel_step, unit)
    s.njev += 1


@register_jitable
def _three_point(address, slot, s, rows, complex_trial):
    three_point(at_value(address), slot, s, rows)


@register_jitable
def _two_point(address, slot, s, rows, complex_trial):
    two_point(at_value(address), slot, s, rows)


@register_jitable
def _complex_point(address, slot, s, rows, complex_trial):
    complex_point(at_complex_value(address), slot, s, rows, complex_trial)


_DIFFERENCES = {"2-point": _two_point, "3-point": _three_point, "cs": _complex_point}

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
from .differences import central, complex_step, one_sided
from .engine import engine
from .native import at_complex_value, at_gradient, at_value
from .search import (
    GRAD,
    GRADIENT,
    LOWER,
    MATRIX,
    RECORDS,
    REL_STEP,
    RUNNING,
    TRIAL,
    UPPER,
    X,
)

_OPTIONS = {"error_model": "numpy", "nogil": True}


@cache
def advance_kernel(rule: Rule) -> Callable[..., Any]:
    """Return ``advance(record, rows, h)``: the engine of a rule, compiled for Python to call.

    It returns the status.
    """
    advance = engine(rule)

    def kernel(record, rows, h):
        s = record[0]
        advance(s, rows, h)
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
    advance, evaluate = engine(rule), _EVALUATE[scheme]

    def kernel(address, slot, record, rows, trial, h, rates, iterations):
        s = record[0]
        if s.nfev == 0 or iterations == 0:
            evaluate(address, slot, s, rows, trial)
        for k in range(iterations):
            if rates.size > 0:
                s.lr = rates[k]
            advance(s, rows, h)
            if s.status != RUNNING:
                break
            evaluate(address, slot, s, rows, trial)

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


@register_jitable(forceinline=True)
def _gradient(address, slot, s, rows, trial):
    """Evaluate by a function that gives both."""
    s.f = at_gradient(address)(rows[X], rows[TRIAL], rows[GRAD], slot)
    s.nfev += 1
    s.njev += 1


@register_jitable
def _value(address, slot, s, rows):
    """Evaluate the value, unless it is known."""
    if s.request != GRADIENT:
        rows[TRIAL][:] = rows[X]
        s.f = at_value(address)(rows[TRIAL], slot)
        s.nfev += 1


@register_jitable
def _two_point(address, slot, s, rows, trial):
    """Evaluate the value, and the gradient by one-sided or by wide central differences."""
    _value(address, slot, s, rows)
    value, x, lower, upper = at_value(address), rows[X], rows[LOWER], rows[UPPER]
    grad, scratch, rel_step = rows[GRAD], rows[TRIAL], rows[REL_STEP]
    if s.width > 0.0:
        used = central(value, slot, x, s.f, grad, scratch, lower, upper, rel_step, s.width)
    else:
        used = one_sided(value, slot, x, s.f, grad, scratch, lower, upper, rel_step)
    s.nfev += used
    s.njev += 1


@register_jitable
def _three_point(address, slot, s, rows, trial):
    """Evaluate the value, and the gradient by central differences."""
    _value(address, slot, s, rows)
    value, x, lower, upper = at_value(address), rows[X], rows[LOWER], rows[UPPER]
    grad, scratch, rel_step = rows[GRAD], rows[TRIAL], rows[REL_STEP]
    s.nfev += central(value, slot, x, s.f, grad, scratch, lower, upper, rel_step, s.width)
    s.njev += 1


@register_jitable
def _complex_step(address, slot, s, rows, trial):
    """Evaluate the value, and the gradient by the complex step."""
    value, x, lower, upper = at_complex_value(address), rows[X], rows[LOWER], rows[UPPER]
    trial[:] = x
    s.f = value(trial, slot).real
    s.nfev += 1 + complex_step(value, slot, x, rows[GRAD], trial, lower, upper, rows[REL_STEP])
    s.njev += 1


_EVALUATE = {
    "gradient": _gradient,
    "2-point": _two_point,
    "3-point": _three_point,
    "cs": _complex_step,
}

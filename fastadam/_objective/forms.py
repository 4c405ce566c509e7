"""Each form of a user's function, once, whatever calls it.

Who calls the functions supplies how that is done:

* ``fun(points, data)`` and ``jac(points, data)``, where the points are x or x and the gradient,
  and the data is whatever leads to the extra arguments;
* ``fill(grad, given)``, which copies a gradient, and tells whether it fits;
* ``renew(x, trial)``, which makes a second copy of x for a user's function.

The results are ``gradient(x, trial, grad, data) -> f``, which fills ``grad``, and
``value(trial, data) -> f``. ``trial`` is a copy of x, which users' functions may overwrite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

MISFIT = "jac must return one number for each element of x"


def make_value(fun: Any) -> Callable[..., Any]:
    """Make the form of a function that gives the value alone."""

    def value(trial, data):  # type: ignore[no-untyped-def]
        return fun((trial,), data)

    return value


def make_in_place(fun: Any) -> Callable[..., Any]:
    """Make the form of a function that fills the gradient."""

    def in_place(x, trial, grad, data):  # type: ignore[no-untyped-def]
        return fun((trial, grad), data)

    return in_place


def make_pair(fun: Any, fill: Any) -> Callable[..., Any]:
    """Make the form of a function that returns the value and the gradient."""

    def pair(x, trial, grad, data):  # type: ignore[no-untyped-def]
        f, given = fun((trial,), data)
        if not fill(grad, given):
            raise ValueError(MISFIT)  # not in `fill`: Numba would keep what is given for ever
        return f

    return pair


def make_separate(fun: Any, jac: Any, fill: Any, renew: Any) -> Callable[..., Any]:
    """Make the form of one function that returns the value and one that returns the gradient."""

    def separate(x, trial, grad, data):  # type: ignore[no-untyped-def]
        f = fun((trial,), data)
        if not fill(grad, jac((renew(x, trial),), data)):
            raise ValueError(MISFIT)
        return f

    return separate


def make_form(form: str, functions: Sequence[Any], fill: Any, renew: Any) -> Callable[..., Any]:
    """Make the form of a name out of how the functions are called, the gradient's last."""
    if form == "separate":
        fun, jac = functions
        return make_separate(fun, jac, fill, renew)
    if form == "pair":
        return make_pair(functions[0], fill)
    return {"value": make_value, "in-place": make_in_place}[form](*functions)

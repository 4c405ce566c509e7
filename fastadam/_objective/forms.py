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


def make_form(form: str, functions: Sequence[Any], fill: Any, renew: Any) -> Callable[..., Any]:
    """Make the form of a name out of how the functions are called, the gradient's last."""
    fun, jac = functions[0], functions[-1]

    def value(trial, data):
        return fun((trial,), data)

    def in_place(x, trial, grad, data):
        return fun((trial, grad), data)

    def pair(x, trial, grad, data):
        f, given = fun((trial,), data)
        if not fill(grad, given):
            raise ValueError(MISFIT)  # not in `fill`: Numba would keep what is given for ever
        return f

    def separate(x, trial, grad, data):
        f = fun((trial,), data)
        if not fill(grad, jac((renew(x, trial),), data)):
            raise ValueError(MISFIT)
        return f

    forms: dict[str, Callable[..., Any]]
    forms = {"value": value, "in-place": in_place, "pair": pair, "separate": separate}
    return forms[form]

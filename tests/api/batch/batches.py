"""Functions and problems for `minimize_batch`, and the comparison with `minimize`."""

import numba
import numpy as np
import pytest

import fastadam
from fastadam import minimize_batch
from tests.api.minimize.helpers import MineError

CHUNK = 16  # more rows than threads, and so several turns of each
T = np.linspace(-1.0, 1.0, 5)


@numba.njit
def misfit(x, t, a, y):
    """A line through data, each problem with its own weight; also of complex x."""
    total = 0.01 * x[0] * x[0] * x[0] * x[0]
    for i in range(t.size):
        r = x[0] + x[1] * t[i] - y[i]
        total += a * r * r
    return total


@numba.njit
def misfit_der(x, t, a, y):
    grad = np.zeros(2)
    grad[0] = 0.04 * x[0] * x[0] * x[0]
    for i in range(t.size):
        r = 2.0 * a * (x[0] + x[1] * t[i] - y[i])
        grad[0] += r
        grad[1] += r * t[i]
    return grad


@numba.njit
def misfit_pair(x, t, a, y):
    return misfit(x, t, a, y), misfit_der(x, t, a, y)


@numba.njit
def misfit_in_place(x, grad, t, a, y):
    grad[:] = misfit_der(x, t, a, y)
    return misfit(x, t, a, y)


def plain_pair(x, t, a, y):
    return misfit.py_func(x, t, a, y), misfit_der.py_func(x, t, a, y)


def plain_in_place(x, grad, t, a, y):
    grad[:] = misfit_der.py_func(x, t, a, y)
    return misfit.py_func(x, t, a, y)


# Each form of the gradient: the compiled functions, and the same in Python.
FORMS = {
    "callable": ((misfit, misfit_der), (misfit.py_func, misfit_der.py_func)),
    "true": ((misfit_pair, True), (plain_pair, True)),
    "in-place": ((misfit_in_place, "in-place"), (plain_in_place, "in-place")),
    "default": ((misfit, None), (misfit.py_func, None)),
    "2-point": ((misfit, "2-point"), (misfit.py_func, "2-point")),
    "3-point": ((misfit, "3-point"), (misfit.py_func, "3-point")),
    "cs": ((misfit, "cs"), (misfit.py_func, "cs")),
}
each_form = pytest.mark.parametrize("form", FORMS)

each_kind = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "python"])


def problems(size):
    """Return the starts and the data of some problems."""
    rng = np.random.default_rng(size)
    return rng.normal(size=(size, 2)), (rng.uniform(0.5, 2, size), rng.normal(size=(size, 5)))


def run(x0, rows, form="in-place", args=(T,), method="adam", compiled=True, **options):
    names = ("bounds", "tol")
    own = {name: options.pop(name) for name in names if name in options}
    fun, jac = FORMS[form][0 if compiled else 1]
    return minimize_batch(fun, x0, args, rows, method, jac, options=options, **own)


ARRAYS = ("x", "fun", "jac", "nit", "nfev", "njev", "status", "success")


def bits(values):
    """Return an array's bits; there is one NaN."""
    array = np.asarray(values)
    return np.where(np.isnan(array), np.nan, array).tobytes() if array.size else b""


def identical(one, other, rows=None):
    """Require two results, or some rows of the first, to be the same bit for bit."""
    for name in ARRAYS:
        values = one[name] if rows is None else one[name][rows]
        assert values.dtype == other[name].dtype, name
        assert bits(values) == bits(other[name]), (name, values, other[name])


def same_alone(result, x0, rows, ks=None, form="in-place", args=(T,), compiled=True, **options):
    """Require rows to be bit for bit what `minimize` gives.

    ``bounds`` and ``lr`` may be functions of the row.
    """
    fun, jac = FORMS[form][0 if compiled else 1] if isinstance(form, str) else form
    method, bounds = options.pop("method", "adam"), options.pop("bounds", None)
    rows, lr = tuple(map(np.ascontiguousarray, rows)), options.pop("lr_of", None)
    for k in range(len(x0)) if ks is None else ks:
        if lr is not None:
            options["lr"] = lr(k)
        given = args + tuple(each[k] for each in rows)
        own = bounds(k) if callable(bounds) else bounds
        one = fastadam.minimize(fun, x0[k], given, method, jac, bounds=own, options=options)
        for name in ARRAYS:
            assert bits(result[name][k]) == bits(one[name]), (k, name, result[name][k], one[name])


@numba.njit
def of_scalar(x, a):
    return (x[0] - a) ** 2 + x[1] ** 2


@numba.njit
def bowl(x):
    return (x[0] - 1.0) ** 2 + 3.0 * (x[1] + 2.0) ** 2


@numba.njit
def fails(x, fatal):
    if fatal:
        raise MineError("in the middle", 7)
    return x[0] ** 2

"""A compiled function in every form of its gradient, and the same in Python."""

import numba
import numpy as np
import pytest

import fastadam

X0 = np.array([-1.2, 1.0, 0.5])


@numba.njit
def rosen(x):
    total = 0.0 * x[0]
    for i in range(x.size - 1):
        u, v = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        total += 100.0 * u * u + v * v
    return total


@numba.njit
def rosen_der(x):
    grad = np.zeros(x.size)
    for i in range(x.size - 1):
        u, v = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        grad[i] += -400.0 * u * x[i] - 2.0 * v
        grad[i + 1] += 200.0 * u
    return grad


@numba.njit
def rosen_pair(x):
    return rosen(x), rosen_der(x)


@numba.njit
def rosen_in_place(x, grad):
    grad[:] = rosen_der(x)
    return rosen(x)


def plain_pair(x):
    return rosen.py_func(x), rosen_der.py_func(x)


def plain_in_place(x, grad):
    grad[:] = rosen_der.py_func(x)
    return rosen.py_func(x)


# Each form of the gradient: the compiled functions, and the same in Python.
FORMS = {
    "callable": ((rosen, rosen_der), (rosen.py_func, rosen_der.py_func)),
    "true": ((rosen_pair, True), (plain_pair, True)),
    "in-place": ((rosen_in_place, "in-place"), (plain_in_place, "in-place")),
    "default": ((rosen, None), (rosen.py_func, None)),
    "2-point": ((rosen, "2-point"), (rosen.py_func, "2-point")),
    "3-point": ((rosen, "3-point"), (rosen.py_func, "3-point")),
    "cs": ((rosen, "cs"), (rosen.py_func, "cs")),
}
each_form = pytest.mark.parametrize("form", FORMS)


def run(fun=rosen_in_place, jac="in-place", x0=X0, method="adam", **arguments):
    names = ("args", "bounds", "tol", "callback")
    own = {name: arguments.pop(name) for name in names if name in arguments}
    return fastadam.minimize(fun, x0, jac=jac, method=method, options=arguments, **own)


def both(form, **arguments):
    """Minimise the compiled functions, and the same in Python."""
    (fun, jac), (plain_fun, plain_jac) = FORMS[form]
    return run(fun, jac, **arguments), run(plain_fun, plain_jac, **arguments)


def agree(compiled, python, rtol=1e-9):
    """Require two results to be the same but for rounding."""
    assert set(compiled) == set(python)
    for name in ("nit", "nfev", "njev", "status", "success", "message"):
        assert compiled[name] == python[name], name
    for name in ("x", "fun", "jac", "allvecs"):
        if name in python:
            np.testing.assert_allclose(compiled[name], python[name], rtol=rtol, atol=1e-9)


@numba.njit
def weighted(x, w):
    return np.sum(w * (x - 1.0) ** 2)


@numba.njit
def weighted_der(x, w):
    return 2.0 * w * (x - 1.0)


@numba.njit
def weighted_pair(x, w):
    return weighted(x, w), weighted_der(x, w)


@numba.njit
def weighted_in_place(x, grad, w):
    grad[:] = weighted_der(x, w)
    return weighted(x, w)

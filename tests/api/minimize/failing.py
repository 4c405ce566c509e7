"""A function of two variables, and functions that fail at some call."""

import numpy as np

import fastadam

X0 = np.array([1.0, -2.0])


def fun(x):
    return float(x @ x)


def jac(x):
    return 2.0 * x


def minimize(fun=fun, x0=X0, jac=jac, **arguments):
    return fastadam.minimize(fun, x0, jac=jac, **arguments)


def at_call(k, bad, good):
    """Return a function that gives ``bad`` from its k-th call on, and ``good(x)`` before."""
    calls = []

    def function(x, *args):
        calls.append(None)
        return bad(x) if len(calls) >= k else good(x)

    return function

"""Exceptions of a batch's functions."""

import threading
import time

import numba
import numpy as np
import pytest

from fastadam import minimize_batch
from tests.batches.batches import CHUNK, each_kind, fails, identical, problems, run
from tests.minimizer.helpers import FOREVER, MineError


@numba.njit
def fails_der(x, fatal):
    if fatal and x[0].real < 0.9:
        raise MineError("in the middle", 7)
    return 2.0 * x


@numba.njit
def fails_not(x, fatal):
    return x[0] ** 2


@pytest.mark.parametrize(
    ("fun", "jac"),
    [
        (fails, "3-point"),
        (fails, "cs"),
        (fails_not, fails_der),
        (fails.py_func, None),
        (fails_not.py_func, fails_der.py_func),
    ],
)
@pytest.mark.parametrize("where", [0, 5 * CHUNK - 1])
def test_exceptions_propagate(fun, jac, where):
    size = 5 * CHUNK
    x0, fatal = np.ones((size, 1)), np.zeros(size, bool)
    good = minimize_batch(fun, x0, (), fatal, jac=jac, options={"lr": 0.1, "threads": 2})
    fatal[where] = True
    before = threading.active_count()
    with pytest.raises(MineError) as caught:
        minimize_batch(fun, x0, (), fatal, jac=jac, options={"lr": 0.1, "threads": 2})
    assert caught.value.args == ("in the middle", 7)
    assert threading.active_count() == before
    np.testing.assert_array_equal(x0, 1.0)
    fatal[where] = False
    again = minimize_batch(fun, x0, (), fatal, jac=jac, options={"lr": 0.1, "threads": 2})
    identical(again, good)


@numba.njit
def endless(x, grad, fatal):
    if fatal:
        raise MineError("in the middle", 7)
    grad[:] = 1.0
    return -x[0]


def test_an_exception_ends_the_other_rows():
    """They would take minutes."""
    x0, fatal = np.ones((2 * CHUNK, 1)), np.arange(2 * CHUNK) == 1
    options = {"lr": 1e-9, "maxiter": FOREVER, "threads": 2, "max_seconds": 60.0}
    began = time.monotonic()
    with pytest.raises(MineError):
        minimize_batch(endless, x0, (), fatal, jac="in-place", options=options)
    assert time.monotonic() - began < 60.0  # that is, not by the clock


@each_kind
def test_an_exception_of_the_schedule(compiled):
    def lr(t):
        return 0.1 if t < 10 else -1.0

    x0, rows = problems(3)
    with pytest.raises(ValueError, match=r"lr\(10\) must be finite and >= 0, got -1"):
        run(x0, rows, lr=lr, gtol=0, compiled=compiled)

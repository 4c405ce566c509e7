"""Exceptions of a batch's functions."""

import threading
import time

import numba
import numpy as np
import pytest

import fastadam
from fastadam import minimize_batch
from tests.api.batch.batches import CHUNK, FORMS, T, each_kind, fails, identical, problems, run
from tests.api.minimize.helpers import FOREVER, MineError


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


@pytest.mark.fault(number=32)
@pytest.mark.parametrize("kind", ["batch", "minimize"])
def test_a_table_of_step_sizes(kind):
    """What is wrong with the one after those that are needed, nobody needs to know."""
    table = np.full(60, 0.1)
    x0, rows = problems(3)
    fun, jac = FORMS["in-place"][0]

    def solve(maxiter, gtol):
        options = {"lr": lambda t: table[t - 1], "maxiter": maxiter, "gtol": gtol}
        if kind == "batch":
            return minimize_batch(fun, x0, (T,), rows, jac=jac, options=options)
        given = T, rows[0][0], rows[1][0]
        return fastadam.minimize(fun, x0[0], given, jac=jac, options=options)

    assert np.all(solve(20_000, 0.5).success)
    assert np.all(solve(60, 0).nit == 60)
    with pytest.raises(IndexError, match="index 60 is out of bounds"):
        solve(61, 0)


@pytest.mark.fault(number=32)
@pytest.mark.parametrize("kind", ["batch", "minimize"])
def test_a_slow_schedule_is_in_the_time_limit(kind):
    """For all of maxiter it would take hours, and a gigabyte."""

    def lr(t):
        time.sleep(1e-3)
        return 1e-9

    options = {"lr": lr, "maxiter": 10**8, "max_seconds": 0.3, "gtol": 0}
    minimize = minimize_batch if kind == "batch" else fastadam.minimize
    x0 = np.ones((2, 1)) if kind == "batch" else np.ones(1)
    minimize(endless, x0, (False,), jac="in-place", options={**options, "maxiter": 1})
    began = time.monotonic()
    result = minimize(endless, x0, (False,), jac="in-place", options=options)
    assert time.monotonic() - began < 30.0
    assert np.all(result.status == 1)
    assert 0 < np.max(result.nit) < 1000


@pytest.mark.fault(number=32)
@each_kind
def test_only_rows_that_reach_the_end_of_a_schedule_are_lost(compiled):
    x0, rows = problems(9)
    options = {"maxiter": 10**4, "gtol": 1e-2, "compiled": compiled}
    quick = run(x0, rows, lr=lambda t: 0.1, **options)
    end = int(np.median(quick.nit))
    reached = quick.nit >= end  # it is asked for the next before the last point is judged
    assert 0 < reached.sum() < 9

    def lr(t):
        return 0.1 if t <= end else np.nan

    result = run(x0, rows, lr=lr, on_error="nan", threads=2, **options)
    assert (result.status[reached] == 98).all()
    assert (result.nit[reached] == end).all()
    alone = run(x0[~reached], tuple(each[~reached] for each in rows), lr=lr, **options)
    identical(result, alone, ~reached)

"""Rows that raise an exception, where the others are kept."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

import fastadam
from fastadam import minimize_batch
from tests.api.batch.batches import CHUNK, each_kind, fails, identical
from tests.api.minimize.helpers import MineError

pytestmark = pytest.mark.fault(number=12)

SIZE = 3 * CHUNK
FATAL = np.isin(np.arange(SIZE), [0, 1, 20, SIZE - 1])
OPTIONS = {"lr": 0.1, "on_error": "nan", "threads": 2}
X0 = np.ones((SIZE, 1))


@numba.njit
def fails_later(x, grad, fatal):
    if fatal and x[0] < 0.75:
        raise MineError("in the middle", 7)
    grad[0] = 2.0 * x[0]
    return x[0] ** 2


def check(result, good, counts=None):
    """Require the bad rows to say so, and the others to be what they are without them."""
    for name in ("x", "fun", "jac"):
        assert np.isnan(result[name][FATAL]).all(), name
    assert (result.status[FATAL] == 98).all()
    assert not result.success[FATAL].any()
    if counts is not None:
        found = np.column_stack([result.nit, result.nfev, result.njev])[FATAL]
        np.testing.assert_array_equal(found, [counts] * FATAL.sum())
    identical(result, good, ~FATAL)
    assert f"{FATAL.sum()} of {SIZE}: An exception was raised." in result.message


@each_kind
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("jac", ["in-place", "3-point"])
def test_the_others_are_kept(compiled, threads, jac):
    fun = fails_later if jac == "in-place" else fails
    fun = fun if compiled else fun.py_func
    options = {**OPTIONS, "threads": threads}
    good = minimize_batch(fun, X0[~FATAL], (), FATAL[~FATAL], jac=jac, options=options)
    result = minimize_batch(fun, X0, (), FATAL, jac=jac, options=options)
    # 1.0, 0.9, 0.8; and 0.7 raises.
    check(result, good, (3, 3, 3) if jac == "in-place" else (0, 0, 0))
    options["on_error"] = "raise"
    with pytest.raises(MineError):
        minimize_batch(fun, X0, (), FATAL, jac=jac, options=options)


def test_workers():
    given = fails.py_func, X0[~FATAL], (), FATAL[~FATAL]
    good = minimize_batch(*given, options=OPTIONS)
    with ThreadPoolExecutor(2) as pool:
        for workers in (2, map, pool.map):
            result = minimize_batch(fails.py_func, X0, (), FATAL, options=OPTIONS, workers=workers)
            check(result, good)


@each_kind
def test_all_rows(compiled):
    fun = fails if compiled else fails.py_func
    result = minimize_batch(fun, X0, (), np.ones(SIZE, bool), options=OPTIONS)
    assert (result.status == 98).all()
    assert result.message == f"{SIZE} of {SIZE}: An exception was raised."


@numba.njit
def fails_on_the_right(x):
    if x[0] > 0.5:
        raise MineError
    return x[0] ** 2


@each_kind
def test_multistart(compiled):
    fun = fails_on_the_right if compiled else fails_on_the_right.py_func
    given = fun, [(-1, 1)], 16
    result = fastadam.multistart(*given, rng=0, options={"on_error": "nan", "lr": 1e-3})
    assert result.success
    assert abs(result.fun) < 1e-9
    lost = result.solutions.status == 98
    assert 0 < lost.sum() < 16
    assert result.counts.sum() == 16 - lost.sum()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_all(kind):
    def fun(x):
        raise kind

    with pytest.raises(kind):
        minimize_batch(fun, X0, options=OPTIONS)


def test_bad_options():
    for on_error in ("keep", None.__class__, 1):
        with pytest.raises(ValueError, match="on_error must be one of raise, nan, got"):
            minimize_batch(fails, X0, (), FATAL, options={"on_error": on_error})
    with pytest.raises(ValueError, match="on_error='nan' is not for vectorized functions"):
        minimize_batch(fails, X0, (), FATAL, options={"on_error": "nan", "vectorized": True})


@each_kind
@pytest.mark.fault(number=14)
def test_what_ends_all_carries_what_was_found(compiled):
    fun = fails_later if compiled else fails_later.py_func
    last = np.arange(SIZE) == SIZE - 1
    options = {"lr": 0.1, "threads": 1}
    good = minimize_batch(fun, X0[~last], (), last[~last], jac="in-place", options=options)
    with pytest.raises(MineError) as caught:
        minimize_batch(fun, X0, (), last, jac="in-place", options=options)
    result = caught.value.result
    identical(result, good, ~last)
    assert (result.status[-1], result.success[-1]) == (98, False)
    assert result.message.endswith(" 1 of 48: Ended by MineError.")

"""Callbacks of `fastadam.minimize`."""

import functools

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from tests.api.minimize.helpers import X0, Recorder, quadratic, quadratic_der, run, stop_after


@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_a_callback_sees_every_iterate(lr):
    points, results, built_in = [], [], []

    class Method:
        def __call__(self, xk):
            points.append(xk)

    def modern(*, intermediate_result):
        results.append(intermediate_result)

    expected = run(lr=lr, maxiter=50, return_all=True)
    for callback in (Method(), functools.partial(modern), built_in.append):
        result = run(lr=lr, maxiter=50, callback=callback)
        assert result.x.tobytes() == expected.x.tobytes()
    np.testing.assert_array_equal(points, expected.allvecs[1:])
    np.testing.assert_array_equal(built_in, points)
    assert all(isinstance(each, OptimizeResult) for each in results)
    np.testing.assert_array_equal([each.x for each in results], points)
    assert [each.fun for each in results] == [quadratic(x) for x in points]


def test_what_a_callback_returns_does_not_matter():
    assert run(callback=lambda x: True, lr=0.1, maxiter=9).nit == 9


def test_callbacks_may_overwrite_what_they_get():
    def plain(x):
        x[:] = np.nan

    def modern(intermediate_result):
        intermediate_result.x[:] = np.nan
        intermediate_result.fun = -np.inf

    for lr in ("auto", 0.1):
        expected = run(lr=lr, maxiter=100, return_all=True)
        for callback in (plain, modern):
            result = run(lr=lr, maxiter=100, callback=callback, return_all=True)
            np.testing.assert_array_equal(result.allvecs, expected.allvecs)
            assert result.fun == expected.fun


@pytest.mark.parametrize("lr", ["auto", 0.1])
@pytest.mark.parametrize("jac", [quadratic_der, "2-point"])
def test_stop_iteration_ends_with_status_99(lr, jac):
    fun = Recorder(quadratic)
    result = run(fun, jac=jac, callback=stop_after(4), lr=lr)
    assert (result.status, result.success, result.nit) == (99, False, 4)
    assert result.message == "`callback` raised `StopIteration`."
    assert result.nfev == len(fun)
    assert result.fun == quadratic(result.x) <= quadratic(X0)


def test_other_exceptions_of_a_callback_propagate():
    def callback(x):
        raise KeyError("mine")

    x0 = X0.copy()
    with pytest.raises(KeyError, match="mine"):
        run(x0=x0, callback=callback)
    np.testing.assert_array_equal(x0, X0)

"""What `fastadam.minimize` returns, and what it counts."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import OptimizeResult, rosen, rosen_der

from tests.api.minimize.helpers import (
    CENTRE,
    METHODS,
    SCALES,
    X0,
    Recorder,
    forms,
    quadratic,
    quadratic_der,
    run,
)

pytestmark = pytest.mark.smoke

# ---------------------------------------------------------------------------------------------
# The result
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", ["auto", 0.05])
@pytest.mark.parametrize("form", forms(quadratic, quadratic_der))
def test_the_fields_of_a_result(form, lr):
    fun, jac = forms(quadratic, quadratic_der)[form]
    result = run(fun, jac=jac, lr=lr)
    assert isinstance(result, OptimizeResult)
    names = {"x", "fun", "jac", "nit", "nfev", "njev", "status", "success", "message"}
    assert set(result) == names
    assert result.x.dtype == result.jac.dtype == np.float64
    assert result.x.shape == result.jac.shape == (3,)
    assert {type(result[name]) for name in ("nit", "nfev", "njev", "status")} == {int}
    assert type(result.fun) is float
    assert type(result.message) is str
    assert result.success is (result.status == 0)
    assert result.fun == quadratic(result.x)
    np.testing.assert_allclose(result.jac, quadratic_der(result.x), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ({}, 0, "Optimization terminated successfully."),
        ({"lr": 0.1, "maxiter": 3}, 1, "Maximum number of iterations has been exceeded."),
        ({"lr": 0.1, "maxfev": 3}, 1, "Maximum number of function evaluations has been exceeded."),
        ({"lr": 0.1, "max_seconds": 1e-9}, 1, "Maximum time has been exceeded."),
        ({"x0": [np.nan, 0, 0]}, 3, "NaN or infinite result encountered."),
    ],
)
def test_statuses_and_messages_are_those_of_the_bfgs_family(arguments, status, message):
    result = run(**arguments)
    assert (result.status, result.message) == (status, message)
    assert result.success is (status == 0)


def test_messages_are_scipys():
    for options, ours in [({"maxiter": 3}, {"lr": 0.1, "maxiter": 3}), ({}, {})]:
        scipys = scipy.optimize.minimize(
            quadratic, X0, jac=quadratic_der, method="BFGS", options=options
        )
        result = run(**ours)
        assert (scipys.message, scipys.status) == (result.message, result.status)


@settings(deadline=None, max_examples=30)
@given(
    lr=st.floats(1e-3, 5.0),
    method=st.sampled_from(METHODS),
    x0=st.lists(st.floats(-2, 2), min_size=2, max_size=4),
)
def test_the_best_point_is_returned(lr, method, x0):
    """Of those visited, however wild the steps."""
    fun = Recorder(rosen)
    with np.errstate(all="ignore"):
        result = run(fun, x0, rosen_der, lr=lr, method=method, maxiter=40)
        values = [rosen(x) for x in fun.points]
    assert result.fun == np.nanmin(values) <= rosen(np.array(x0))
    assert result.fun == rosen(result.x)
    assert any(np.array_equal(result.x, x) for x in fun.points)
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))


@pytest.mark.parametrize("form", ["default", "2-point", "3-point"])
def test_the_best_point_is_returned_without_a_gradient(form):
    fun = Recorder(rosen)
    result = run(fun, [-1.2, 1.0], forms(rosen, rosen_der)[form][1], lr=2.0, maxiter=40)
    assert result.fun == rosen(result.x) < rosen([-1.2, 1.0])
    assert (
        result.fun <= min(rosen(x) for x in fun.points) + 1e-4
    )  # of an iterate, not its neighbours


def test_a_start_at_the_minimum_is_the_result():
    fun, jac = Recorder(quadratic), Recorder(quadratic_der)
    result = run(fun, CENTRE, jac)
    assert (result.nit, result.nfev, result.njev, result.status) == (0, 1, 1, 0)
    assert len(fun) == len(jac) == 1
    np.testing.assert_array_equal(result.x, CENTRE)


def test_going_up_only_ends_at_the_start():
    """The gradient has the wrong sign."""
    for lr in ("auto", 0.1):
        result = run(jac=lambda x: -quadratic_der(x), lr=lr, maxiter=300)
        np.testing.assert_array_equal(result.x, X0)
        assert result.fun == quadratic(X0)


@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_the_result_shares_no_memory(lr):
    result = run(lr=lr, return_all=True, maxiter=20)
    arrays = [X0, result.x, result.jac, *result.allvecs]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    first = result.allvecs[3].copy()
    result.x[:] = result.allvecs[4][:] = np.nan
    np.testing.assert_array_equal(result.allvecs[3], first)


def test_allvecs_are_all_the_iterates_and_only_on_demand():
    fun = Recorder(quadratic)
    result = run(fun, lr=0.1, maxiter=25, return_all=True)
    assert len(result.allvecs) == result.nit + 1 == 26
    np.testing.assert_array_equal(result.allvecs, fun.points)
    assert "allvecs" not in run(lr=0.1, maxiter=2)
    result = run(x0=[9.0, 9, 9], bounds=[(0, 1)] * 3, lr=0.1, return_all=True, maxiter=1)
    np.testing.assert_array_equal(result.allvecs[0], np.ones(3))


def test_allvecs_of_the_default_lead_from_the_start_to_the_best():
    result = run(return_all=True)
    np.testing.assert_array_equal(result.allvecs[0], X0)
    assert len(result.allvecs) == result.nit + 1
    assert any(np.array_equal(result.x, x) for x in result.allvecs)


# ---------------------------------------------------------------------------------------------
# Counts
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_counts_with_a_gradient(lr):
    fun, jac = Recorder(quadratic), Recorder(quadratic_der)
    result = run(fun, jac=jac, lr=lr, maxiter=200)
    assert result.nfev == len(fun) == fun.distinct
    assert result.njev == len(jac) == jac.distinct
    both = Recorder(lambda x: (quadratic(x), quadratic_der(x)))
    result = run(both, jac=True, lr=lr, maxiter=200)
    assert result.nfev == result.njev == len(both) == both.distinct


@pytest.mark.parametrize("maxiter", [0, 1, 7])
def test_counts_of_plain_iterations(maxiter):
    result = run(lr=0.1, maxiter=maxiter)
    assert (result.nit, result.nfev, result.njev) == (maxiter, maxiter + 1, maxiter + 1)


@pytest.mark.parametrize(("scheme", "each"), [("2-point", 1), ("3-point", 2), (None, 1)])
@pytest.mark.parametrize("fixed", [0, 1, 3])
def test_counts_with_differences(scheme, each, fixed):
    bounds = [(1, 1)] * fixed + [(None, None)] * (3 - fixed)
    fun = Recorder(quadratic)
    result = run(fun, np.ones(3), scheme, lr=0.01, maxiter=6, bounds=bounds)
    expected = 0 if fixed == 3 else 6
    assert result.nit == expected
    assert result.njev == expected + 1
    assert result.nfev == len(fun) == fun.distinct == (expected + 1) * (1 + each * (3 - fixed))


def test_counts_with_the_complex_step():
    fun = Recorder(lambda x: np.sum(SCALES * (x - CENTRE) ** 2))
    result = run(fun, np.ones(3), "cs", lr=0.01, maxiter=6, bounds=[(1, 1), (None, None), (0, 4)])
    assert (result.nit, result.njev) == (6, 7)
    assert result.nfev == len(fun) == 7 * 3
    assert sum(np.iscomplexobj(x) for x in fun.points) == 7 * 2


@pytest.mark.parametrize("scheme", ["2-point", "3-point"])
@pytest.mark.parametrize("bounds", [None, [(-2, 2), (0.5, 0.5), (-2, 0)]])
def test_counts_of_the_default_with_differences(scheme, bounds):
    fun = Recorder(rosen)
    result = run(fun, [-1.2, 0.5, -1.0], scheme, bounds=bounds, maxiter=3000)
    assert result.nfev == len(fun)
    assert 0 < result.njev < result.nfev


def test_the_default_evaluates_no_point_twice_without_need():
    """Only where the differences of a good point are taken again, at another width."""
    fun = Recorder(rosen)
    run(fun, [-1.2, 1.0], "2-point")
    assert len(fun) - fun.distinct <= 0.01 * len(fun)

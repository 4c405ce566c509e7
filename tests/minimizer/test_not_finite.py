"""Values that are not finite: status 3, and the best point before."""

import numpy as np
import pytest

from tests.minimizer.faults import X0, at_call, fun, jac, minimize
from tests.minimizer.helpers import INF, NAN

NONFINITE = pytest.mark.parametrize("bad", [NAN, INF, -INF])


@NONFINITE
@pytest.mark.parametrize("lr", ["auto", 0.1])
@pytest.mark.parametrize("form", [jac, True, "2-point", "3-point"])
def test_a_value_at_the_start_that_is_not_finite(bad, form, lr):
    function = (lambda x: (bad, jac(x))) if form is True else lambda x: bad
    with np.errstate(invalid="ignore"):
        result = minimize(function, jac=form, options={"lr": lr})
    assert (result.status, result.success, result.nit) == (3, False, 0)
    assert result.message == "NaN or infinite result encountered."
    np.testing.assert_array_equal(result.x, X0)
    np.testing.assert_equal(result.fun, bad)


@NONFINITE
@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_a_gradient_at_the_start_that_is_not_finite(bad, lr):
    result = minimize(jac=lambda x: np.array([0.5, bad]), options={"lr": lr})
    assert (result.status, result.success, result.nit) == (3, False, 0)
    np.testing.assert_array_equal(result.x, X0)
    assert result.fun == fun(X0)
    np.testing.assert_array_equal(result.jac, [0.5, bad])


@NONFINITE
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("form", [jac, "2-point"])
def test_a_value_that_is_not_finite_ends_a_numeric_step_size(bad, k, form):
    calls = []

    def function(x):
        calls.append(x.copy())
        return bad if len(calls) >= (k if callable(form) else 3 * k - 2) else fun(x)

    with np.errstate(invalid="ignore"):
        result = minimize(function, jac=form, options={"lr": 0.1})
    assert (result.status, result.success, result.nit) == (3, False, k - 1)
    assert result.fun == fun(result.x) < INF
    assert np.all(np.isfinite(result.jac))
    np.testing.assert_allclose(result.jac, jac(result.x), rtol=1e-6)


@NONFINITE
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("pair", [False, True])
def test_a_gradient_that_is_not_finite_ends_a_numeric_step_size(bad, k, pair):
    broken = at_call(k, lambda x: np.array([1.0, bad]), jac)
    if pair:
        result = minimize(lambda x: (fun(x), broken(x)), jac=True, options={"lr": 0.1})
    else:
        result = minimize(jac=broken, options={"lr": 0.1})
    assert (result.status, result.success, result.nit) == (3, False, k - 1)
    assert result.fun == fun(result.x)
    # Either the last point, whose gradient is what it is, or the last good one.
    if np.all(np.isfinite(result.jac)):
        np.testing.assert_array_equal(result.jac, jac(result.x))


@NONFINITE
def test_the_default_goes_round_values_that_are_not_finite(bad):
    """A wall of them, on the way of the first long steps, beyond the minimum."""
    result = minimize(lambda x: bad if x[1] > 0.1 else fun(x))
    assert result.success
    assert result.fun == fun(result.x) < 1e-6
    np.testing.assert_array_equal(result.jac, jac(result.x))


@NONFINITE
def test_the_default_where_gradients_are_not_finite(bad):
    """It goes on, or ends there if that is the best point: nobody knows the way from it."""

    def gradient(x):
        return np.array([bad, bad]) if x[1] > 0.1 else jac(x)

    result = minimize(jac=gradient)
    assert result.status in (0, 3)
    assert np.all(np.isfinite(result.jac)) == (result.status == 0)
    assert result.fun == fun(result.x) < fun(X0)
    np.testing.assert_array_equal(result.jac, gradient(result.x))


def test_a_start_that_is_not_finite():
    for x0 in ([NAN, 1.0], [INF, 1.0]):
        with np.errstate(invalid="ignore"):
            result = minimize(x0=x0)
        assert (result.status, result.success) == (3, False)


@pytest.mark.parametrize("lr", [1e3, 1e300])
@pytest.mark.parametrize("method", ["sgd", "momentum", "adam", "nadam"])
def test_a_search_that_blows_up(lr, method):
    with np.errstate(all="ignore"):
        result = minimize(method=method, options={"lr": lr, "maxiter": 500})
    assert result.status in ((0, 1, 3) if method in ("adam", "nadam") else (1, 3))
    assert result.fun == fun(result.x) <= fun(X0)


def test_a_function_without_a_minimum():
    result = minimize(lambda x: -float(x.sum()), jac=lambda x: -np.ones(2))
    assert not (result.success and result.fun > -1.0)
    with np.errstate(all="ignore"):
        result = minimize(lambda x: -float(np.exp(x).sum()), jac=lambda x: -np.exp(x))
    assert result.fun < -1.0
    assert np.isfinite(result.fun)

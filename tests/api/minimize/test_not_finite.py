"""Values that are not finite: status 3, and the best point before."""

import numpy as np
import pytest
from numba import njit

import fastadam
from tests.api.minimize.failing import X0, at_call, fun, jac, minimize
from tests.api.minimize.helpers import INF, NAN

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


def ignores(x):
    """Return a number for any x, complex x too."""
    return 1.0 + 0.0 * x.size


@pytest.mark.fault(number=35)
@pytest.mark.parametrize("lr", ["auto", 0.1])
@pytest.mark.parametrize("x0", [[NAN], [INF], [NAN, 0.5], [0.5, NAN]], ids=repr)
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("form", ["callable", "2-point", "3-point", "cs"])
def test_no_start_that_is_not_finite_is_a_success(form, bounded, x0, lr):
    """Although the function and its gradient know nothing of it."""
    if bounded and INF in x0:
        x0 = [NAN if x == INF else x for x in x0]  # the nearest point inside is finite
    gradient = (lambda x: np.zeros(x.size)) if form == "callable" else form
    bounds = [(0, 1)] * len(x0) if bounded else None
    with np.errstate(invalid="ignore"):
        result = minimize(ignores, x0, gradient, bounds=bounds, options={"lr": lr})
    assert (result.status, result.success, result.nit) == (3, False, 0)
    np.testing.assert_array_equal(result.x, x0)
    assert result.fun == 1.0


@pytest.mark.fault(number=35)
@pytest.mark.parametrize("lr", ["auto", 0.1])
@pytest.mark.parametrize("start", [NAN, INF])
def test_nor_where_the_gradient_vanishes_or_pushes_on(start, lr):
    """As at infinity, or at a coordinate that is fixed."""
    for form in (lambda x: [0.0], lambda x: [-1.0], lambda x: [1.0]):
        result = minimize(ignores, [start], form, options={"lr": lr})
        assert (result.status, result.success) == (3, False)
    result = minimize(ignores, [NAN], "cs", bounds=[(1, 1)], options={"lr": lr})
    assert (result.status, result.success) == (3, False)
    inside = minimize(ignores, [INF], "cs", bounds=[(0, 1)], options={"lr": lr})
    assert (inside.status, inside.x) == (0, [1.0])


@pytest.mark.fault(number=35)
def test_starts_of_batches_and_compiled_functions():
    starts = np.array([[NAN, 0.5], [0.5, 0.5], [0.5, INF]])
    compiled = njit(ignores)
    flat = njit(lambda x: np.zeros(x.size))
    for function, gradient in ((ignores, lambda x: np.zeros(x.size)), (compiled, flat)):
        result = fastadam.minimize_batch(function, starts, jac=gradient)
        np.testing.assert_array_equal(result.status, [3, 0, 3])
        np.testing.assert_array_equal(minimize(function, starts[0], gradient).status, 3)


@pytest.mark.fault(number=35)
def test_a_masked_start_is_refused():
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    with pytest.raises(TypeError, match="x0 must not be a masked array: its mask would be ignored"):
        minimize(x0=masked)
    with pytest.raises(TypeError, match="x0 must not be a masked array"):
        minimize(x0=np.ma.masked_array([1.0, 2.0]))

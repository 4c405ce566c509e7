"""A search in vain is a success only if it could have found something lower."""

import numpy as np
import pytest
from numba import njit

import fastadam
from tests.api.minimize.compiled import agree
from tests.api.minimize.helpers import METHODS, run

# Of steps that run away.
pytestmark = pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")

by_gradient = pytest.mark.parametrize("method", ["sgd", "momentum", "radam"])


def steep(x):
    return 1e12 * (x[0] - 1.0) ** 2


def steep_der(x):
    return 2e12 * (x - 1.0)


def slope(x):
    return -0.65 * x[0]


def slope_der(x):
    return np.full(1, -0.65)


UNBOUNDED = "The function value falls without bound, or x grows without bound."


def ended(result, message):
    return (result.status, result.message, result.success) == (4, message, False)


@pytest.mark.fault(number=25)
@by_gradient
@pytest.mark.parametrize("jac", [steep_der, None])
def test_gradients_of_any_size(method, jac):
    """No step of the rule itself would be small enough."""
    result = run(steep, [3.0], jac, method=method, maxiter=10**6)
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-6)


@pytest.mark.fault(number=25)
@by_gradient
@pytest.mark.parametrize("wall", [10.0, 1e3])
def test_nor_between_bounds(method, wall):
    """These cut the moves short, but to the width of the box."""
    bounds = [(-wall, wall)]
    result = run(steep, [3.0], steep_der, method=method, bounds=bounds, maxiter=10**6)
    assert result.status == (0 if result.fun < 1e-6 else 4)


@pytest.mark.fault(number=25)
@pytest.mark.parametrize("jac", [slope_der, None])
def test_a_search_that_runs_away_is_no_success(jac):
    with np.errstate(all="ignore"):
        result = run(slope, [0.6], jac, method="momentum")
    assert not result.success
    with np.errstate(all="ignore"):
        falls = run(lambda x: -np.exp(x[0]), [1.0], lambda x: -np.exp(x), method="sgd")
    assert ended(falls, UNBOUNDED)


@pytest.mark.fault(number=25)
@pytest.mark.parametrize("method", METHODS)
def test_gradients_whose_squares_overflow(method):
    """Adam's second moment is infinite, and nothing moves."""
    result = run(
        lambda x: 1e160 * (x[0] - 1.0) ** 2,
        [3.0],
        lambda x: 2e160 * (x - 1.0),
        method=method,
        maxiter=10**5,
    )
    assert result.success == (abs(result.x[0] - 1.0) < 1e-6)


@pytest.mark.fault(number=25)
@pytest.mark.parametrize("method", METHODS)
def test_a_kink_is_a_minimum_all_the_same(method):
    """There the gradient is never small, and the value no longer falls."""
    result = run(
        lambda x: abs(x[0] - 0.3), [1.0], lambda x: np.sign(x - 0.3), method=method, maxiter=10**5
    )
    assert result.success
    np.testing.assert_allclose(result.x, 0.3, atol=1e-6)


@pytest.mark.fault(number=25)
def test_a_batch_ends_as_its_problems_alone():
    starts = np.array([[3.0], [1.0]])
    arguments = {"jac": steep_der, "method": "sgd"}
    result = fastadam.minimize_batch(steep, starts, **arguments)
    np.testing.assert_array_equal(result.status, [0, 0])
    alone = fastadam.minimize(steep, starts[0], **arguments)
    assert alone.nit == result.nit[0]


@pytest.mark.fault(number=25)
def test_compiled_loops_end_as_those_of_python():
    compiled, derivative = njit(steep), njit(steep_der)
    agree(
        run(compiled, [3.0], derivative, method="sgd"),
        run(steep, [3.0], steep_der, method="sgd"),
    )

"""Down to a minimum by quasi-Newton steps: bounds, NaN, saddles, slopes without end, budgets."""

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize
from scipy.optimize import rosen, rosen_der

from fastadam import minimize
from fastadam._search.metric import MOST_DENSE
from tests.api.minimize.helpers import Recorder

SCHEMES = ("callable", "2-point", "3-point", "cs")
each_scheme = pytest.mark.parametrize("scheme", SCHEMES)
each_size = pytest.mark.parametrize("n", [2, 12, MOST_DENSE + 2])
INF = np.inf


def jacobian(scheme, jac):
    return jac if scheme == "callable" else scheme


def bowl(x):
    """A quadratic that is not aligned with the axes; of complex x too."""
    k = np.arange(1.0, x.size + 1)
    return np.sum(k * (x - 1.0 / k) ** 2) + np.sum(x) ** 2


def bowl_der(x):
    k = np.arange(1.0, x.size + 1)
    return 2.0 * k * (x - 1.0 / k) + 2.0 * np.sum(x)


# ---------------------------------------------------------------------------------------------
# Where it comes down to
# ---------------------------------------------------------------------------------------------


@each_scheme
@each_size
def test_a_bowl(scheme, n):
    result = minimize(bowl, np.full(n, 0.7), jac=jacobian(scheme, bowl_der))
    matrix = 2.0 * (np.diag(np.arange(1.0, n + 1)) + np.ones((n, n)))
    assert result.success
    np.testing.assert_allclose(result.x, np.linalg.solve(matrix, np.full(n, 2.0)), atol=1e-5)


@each_size
@pytest.mark.parametrize("scheme", ["callable", "3-point"])
def test_a_valley(scheme, n):
    x0 = np.resize([-1.2, 1.0], n)
    fun = Recorder(rosen)
    result = minimize(fun, x0, jac=jacobian(scheme, rosen_der))
    assert result.success
    assert np.abs(rosen_der(result.x)).max() < 1e-3
    if scheme == "callable":
        peer = scipy_minimize(rosen, x0, jac=rosen_der, method="BFGS")
        assert result.nfev == len(fun) <= 2 * peer.nfev


@each_scheme
@pytest.mark.parametrize("n", [3, MOST_DENSE + 2])
def test_bounds_hold_what_they_should(scheme, n):
    """Minima on walls, as SciPy's L-BFGS-B finds them, and no point outside."""
    lower, upper = np.full(n, -INF), np.full(n, INF)
    lower[0], upper[1], lower[2], upper[2] = 0.5, -0.25, 0.3, 0.3
    bounds = np.transpose([lower, upper])
    fun = Recorder(bowl)
    result = minimize(fun, np.full(n, 0.9), jac=jacobian(scheme, bowl_der), bounds=bounds)
    peer = scipy_minimize(
        bowl, np.full(n, 0.9), jac=bowl_der, bounds=bounds, tol=1e-12, method="L-BFGS-B"
    )
    assert result.success
    np.testing.assert_allclose(result.x, peer.x, atol=1e-5)
    points = np.array(fun.points).real
    assert ((lower <= points) & (points <= upper)).all()


@each_scheme
def test_a_step_onto_a_bound(scheme):
    """The first step leads far out; a wall then holds one coordinate and frees it again."""
    fun = lambda x: (x[0] - 5.0) ** 2 + (x[1] + x[0] - 1.0) ** 2  # noqa: E731
    jac = lambda x: np.array([2 * (x[0] - 5) + 2 * (x[1] + x[0] - 1), 2 * (x[1] + x[0] - 1)])  # noqa: E731
    for x0 in ([0.5, 0.5], [2.0, -3.0], [2.0, 3.0], [-1.0, 0.0]):
        bounds = [(-1.0, 2.0), (-3.0, 3.0)]
        result = minimize(fun, x0, jac=jacobian(scheme, jac), bounds=bounds)
        assert result.success
        np.testing.assert_allclose(result.x, [2.0, -1.0], atol=1e-5)


@each_scheme
def test_a_corner_is_a_minimum(scheme):
    result = minimize(
        lambda x: x[0] + 2.0 * x[1],
        [0.5, 0.5],
        jac=jacobian(scheme, lambda x: np.array([1.0, 2.0])),
        bounds=[(0.0, 1.0), (-1.0, 1.0)],
    )
    assert result.success
    assert result.x.tolist() == [0.0, -1.0]
    assert result.nfev < 60


@pytest.mark.parametrize("scheme", ["callable", "2-point", "3-point"])
@pytest.mark.parametrize("outside", [np.nan, INF])
def test_points_where_there_is_no_value(scheme, outside):
    """The line search comes back from where the logarithm is not defined."""

    def fun(x):
        return np.sum(x - 1e-3 * np.log(x)) if (x > 0).all() else outside

    def jac(x):
        return 1.0 - 1e-3 / x if (x > 0).all() else np.full(x.size, np.nan)

    result = minimize(fun, [3.0, 1.0], jac=jacobian(scheme, jac))
    assert result.success
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-3)


@pytest.mark.parametrize("scheme", ["callable", "2-point", "3-point"])
def test_a_value_of_minus_infinity_is_no_minimum(scheme):
    def fun(x):
        return -INF if x[0] < 0.5 else bowl(x - 1.0)

    result = minimize(fun, [3.0, 2.0], jac=jacobian(scheme, lambda x: bowl_der(x - 1.0)))
    assert np.isfinite(result.fun)
    assert result.fun == bowl(result.x - 1.0)


def test_gradients_that_are_no_numbers():
    """Where the value is one, but the gradient is not: the search goes by what is known."""

    def jac(x):
        return np.where(x > 2.0, np.nan, bowl_der(x))

    result = minimize(bowl, [1.5, 1.9], jac=jac)
    assert result.success
    np.testing.assert_allclose(bowl_der(result.x), 0.0, atol=1e-3)


def saddle(x):
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


def saddle_der(x):
    return np.array([2.0 * x[0], -2.0 * x[1] + 4.0 * x[1] ** 3])


@pytest.mark.parametrize(("scheme", "aside"), [("2-point", 0), ("3-point", 0), ("callable", 1e-4)])
def test_a_saddle_is_left(scheme, aside):
    """Values on both sides show it; given gradients do where one is not exactly 0."""
    for x0 in ([1.0, aside], [0.0, aside]):
        result = minimize(saddle, x0, jac=jacobian(scheme, saddle_der))
        assert result.success
        np.testing.assert_allclose(np.abs(result.x), [0.0, 0.5**0.5], atol=1e-4)


def product(x):
    return 5.0 * x[0] * x[1]


def product_der(x):
    return 5.0 * np.array([x[1], x[0]])


@pytest.mark.parametrize("scheme", ["callable", "3-point"])
def test_a_hessian_with_nothing_on_its_diagonal(scheme):
    bounds = [(-2.0, 3.0)] * 2
    result = minimize(product, [1.0, 0.5], jac=jacobian(scheme, product_der), bounds=bounds)
    assert result.success
    np.testing.assert_allclose(result.fun, -30.0)


ENDLESS = {
    "line": (lambda x: -x[0], lambda x: np.array([-1.0, 0.0])),
    "parabola": (lambda x: -(x[0] ** 2) + x[1] ** 2, lambda x: np.array([-2 * x[0], 2 * x[1]])),
    "cube": (lambda x: x[0] ** 3 + x[1] ** 2, lambda x: np.array([3 * x[0] ** 2, 2 * x[1]])),
}


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("scheme", ["callable", "2-point", "3-point"])
def test_a_slope_without_end(kind, scheme):
    fun, jac = ENDLESS[kind]
    result = minimize(fun, [-1.0, 1.0], jac=jacobian(scheme, jac))
    assert (result.success, result.status) == (False, 4)
    assert "without bound" in result.message
    assert result.nfev < 10_000


# ---------------------------------------------------------------------------------------------
# Budgets
# ---------------------------------------------------------------------------------------------


def kink(x):
    return np.abs(x[0] - 0.3) + 3.0 * np.abs(x[1] + x[0])


def kink_der(x):
    a, b = np.sign(x[0] - 0.3), 3.0 * np.sign(x[1] + x[0])
    return np.array([a + b, b])


BUDGETS = {
    "valley": (rosen, rosen_der, [-1.2, 1.0, 0.5], range(1, 61)),
    "kink": (kink, kink_der, [1.0, 1.0], [*range(1, 60, 7), *range(60, 600, 23)]),
    "saddle": (saddle, saddle_der, [1.0, 0.0], range(1, 120, 3)),
}
#: What the scheme's own gradients are good to, and evaluations that they take of each variable.
TOLERANCE = {"callable": 1e-12, "2-point": 1e-3, "3-point": 1e-5, "cs": 1e-10}
EACH = {"2-point": 1, "3-point": 2, "cs": 1}


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("kind", BUDGETS)
@each_scheme
def test_no_budget_is_exceeded(scheme, kind, bounded):
    """And what is found with it is a point that was seen, with the scheme's gradient or none."""
    if scheme == "cs" and kind == "kink":
        pytest.skip("of no complex x")
    function, jac, x0, budgets = BUDGETS[kind]
    bounds = [(-2.0, 1.0)] * len(x0) if bounded else None
    last = INF
    for maxfev in budgets:
        fun = Recorder(function)
        result = minimize(
            fun, x0, jac=jacobian(scheme, jac), bounds=bounds, options={"maxfev": maxfev}
        )
        assert result.nfev == len(fun) <= maxfev
        seen = [point for point in fun.points if not np.iscomplexobj(point) or not point.imag.any()]
        assert any((point.real == result.x).all() for point in seen)
        assert result.fun == function(result.x) <= min(last, function(np.array(x0)))
        last = result.fun
        if result.success:
            break
        assert result.status == 1
        assert "function evaluations" in result.message
        if np.isnan(result.jac).all():
            assert scheme != "callable"
            assert result.nfev + len(x0) * EACH[scheme] > maxfev
        elif kind != "kink":
            np.testing.assert_allclose(result.jac, jac(result.x), atol=TOLERANCE[scheme])


@each_scheme
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10])
def test_no_more_iterations_than_allowed(scheme, limit):
    result = minimize(
        rosen, [-1.2, 1.0], jac=jacobian(scheme, rosen_der), options={"maxiter": limit}
    )
    assert result.nit == limit
    assert (result.status, result.success) == (1, False)
    assert "iterations" in result.message
    assert np.isfinite(result.jac).all()

"""`fastadam.uncertainty`: standard errors and covariances."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

import fastadam
from fastadam import problems, uncertainty

T = np.linspace(0.0, 4.0, 12)
RNG = np.random.default_rng(3)
CURVES = 2.0 * np.exp(-0.7 * T) + 0.5 + RNG.normal(0.0, 1e-4, (6, T.size))


@numba.njit
def misfit(p, t, y):
    return np.sum((p[0] * np.exp(-p[1] * t) + p[2] - y) ** 2)


@numba.njit
def misfit_der(p, t, y):
    decay = np.exp(-p[1] * t)
    r = p[0] * decay + p[2] - y
    return 2 * np.array([np.sum(r * decay), -np.sum(r * p[0] * t * decay), np.sum(r)])


def exact_hessian(p, t, y):
    decay = np.exp(-p[1] * t)
    jac = np.stack([decay, -p[0] * t * decay, np.ones_like(t)])
    r = p[0] * decay + p[2] - y
    hessian = jac @ jac.T
    hessian[0, 1] = hessian[1, 0] = hessian[0, 1] - np.sum(r * t * decay)
    hessian[1, 1] += np.sum(r * p[0] * t**2 * decay)
    return 2 * hessian


@pytest.fixture(scope="module")
def fitted():
    return fastadam.minimize_batch(misfit, np.ones((6, 3)), (T,), (CURVES,), jac=misfit_der)


@pytest.mark.parametrize("jac", [misfit_der, None, misfit_der.py_func])
def test_each_row_has_its_hessian(fitted, jac):
    fun = misfit.py_func if jac is misfit_der.py_func else misfit
    found = uncertainty(fun, fitted, (T,), (CURVES,), jac, kind="least_squares", points=T.size)
    exact = np.array([exact_hessian(x, T, y) for x, y in zip(fitted.x, CURVES, strict=True)])
    np.testing.assert_allclose(found.hessian, exact, rtol=3e-7)
    variance = fitted.fun / (T.size - 3)
    covariance = 2 * variance[:, None, None] * np.linalg.inv(exact)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-5)
    np.testing.assert_allclose(found.stderr**2, np.einsum("kii->ki", covariance), rtol=1e-5)
    assert found.success.all()
    assert not found.at_bound.any()
    assert found.message == "6 of 6: The Hessian is positive definite."


def test_one_is_as_a_row(fitted):
    given = {"kind": "least_squares", "points": T.size}
    rows = uncertainty(misfit, fitted, (T,), (CURVES,), misfit_der, **given)
    x, y = fitted.x[2], CURVES[2]
    alone = uncertainty(misfit, {"x": x}, (T, y), (), misfit_der, **given)
    np.testing.assert_allclose(alone.covariance, rows.covariance[2], rtol=1e-6)
    assert alone.success is True
    assert alone.condition == pytest.approx(rows.condition[2])


def test_workers_find_the_same(fitted):
    given = {"jac": misfit_der, "kind": "least_squares", "points": T.size}
    expected = uncertainty(misfit, fitted, (T,), (CURVES,), **given)
    with ThreadPoolExecutor(2) as pool:
        found = uncertainty(misfit, fitted, (T,), (CURVES,), workers=pool.map, **given)
    np.testing.assert_array_equal(found.covariance, expected.covariance)


def test_scipy_and_nist_have_the_same():
    """They leave out second derivatives of the model, which matter little where the fit is good."""
    problem = problems.misra1a()
    found = uncertainty(
        problem.fun, {"x": np.array(problem.minimizers[0])}, kind="least_squares", points=14
    )
    np.testing.assert_allclose(found.stderr, [2.7070075241, 7.2668688436e-06], rtol=2e-3)
    assert found.condition > 100


@pytest.mark.parametrize(("kind", "points", "variance"), [
    ("least_squares", 12, 0.31), ("chi2", None, 1.0), ("likelihood", None, 0.5),
])  # fmt: skip
def test_what_the_function_is(kind, points, variance):
    def fun(x):  # at the minimum, 3.1 for 12 - 2 degrees of freedom
        return 3.1 + (x[0] / 3) ** 2 + ((x[1] - 1e6) / 1e5) ** 2

    found = uncertainty(fun, {"x": np.array([0.0, 1e6])}, kind=kind, points=points)
    np.testing.assert_allclose(found.stderr, np.sqrt(variance) * np.array([3, 1e5]), rtol=1e-7)


def test_what_a_bound_holds_is_left_out():
    def fun(x):
        return (x[0] + x[1] - 2) ** 2 + (x[1] - 3) ** 2 + (x[2] - x[1]) ** 2

    bounds = [(0.0, None), (None, None), (1.0, 1.0)]
    result = fastadam.minimize(fun, [0.5, 0.5, 1.0], bounds=bounds)
    found = uncertainty(fun, result, bounds=bounds, kind="chi2")
    assert found.at_bound.tolist() == [True, False, True]
    np.testing.assert_allclose(found.stderr, [np.nan, 1 / np.sqrt(3), np.nan], rtol=1e-6)
    assert "fixed or at a bound" in found.message
    np.testing.assert_array_equal(np.isnan(found.covariance).sum(), 8)


@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-20, 1e6])
def test_the_size_of_a_parameter_does_not_matter(size):
    found = uncertainty(lambda x: 3.0 + (x[0] - size) ** 2, {"x": np.array([size])}, kind="chi2")
    np.testing.assert_allclose(found.stderr, 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    "fun", [lambda x: x[0] ** 2 - x[1] ** 2, lambda x: (x[0] + x[1]) ** 2, lambda x: 1.0]
)
def test_no_minimum_has_no_errors(fun):
    found = uncertainty(fun, {"x": np.zeros(2)}, kind="chi2")
    assert found.success is False
    assert np.isnan(found.stderr).all()
    assert "not positive definite" in found.message


BAD = {
    "kind": ({"kind": "squares"}, "kind must be"),
    "points": ({"kind": "least_squares"}, "points must be the number"),
    "few": ({"kind": "least_squares", "points": 2}, "more than the 2 free parameters, got 2"),
    "useless": ({"kind": "chi2", "points": 5}, "points is for kind='least_squares'"),
    "outside": ({"kind": "chi2", "bounds": [(1, 2), (0, 1)]}, r"result.x must be within bounds"),
    "options": ({"kind": "chi2", "options": {"lr": 0.1}}, "got 'lr'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    keywords, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        uncertainty(lambda x: x @ x, {"x": np.zeros(2)}, **keywords)


def test_what_is_no_result():
    with pytest.raises(TypeError, match="result must be what minimize"):
        uncertainty(lambda x: x @ x, np.zeros(2), kind="chi2")
    with pytest.raises(ValueError, match="sum of squares, got -1"):
        uncertainty(lambda x: x @ x - 1, {"x": np.zeros(2)}, kind="least_squares", points=9)

"""Limits and tolerances hold for a search and its polish together."""

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from tests.api.minimize.helpers import CENTRE, Recorder, forms, quadratic, quadratic_der, run
from tests.api.minimize.test_polish import BRIEFLY, GRADIENT_FREE, each_method, each_polisher

START = [-1.2, 1.0]
WITH_GRADIENT = pytest.mark.parametrize(
    "name", ["CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "SLSQP", "trust-constr"]
)


@pytest.mark.fault(number=3)
@WITH_GRADIENT
@pytest.mark.parametrize("tol", [1e-3, 1e-12])
@pytest.mark.parametrize("options", [{}, BRIEFLY], ids=["auto", "briefly"])
def test_a_polish_is_a_success_where_the_gradient_is_within_gtol(name, tol, options):
    result = run(rosen, START, rosen_der, tol=tol, polish=name, **options)
    within = bool(np.abs(result.jac).max() <= tol)
    assert result.success == within
    # Newton-CG has its Hessian from differences, and cannot always go on.
    assert within or name == "Newton-CG"


@pytest.mark.fault(number=3)
def test_the_tolerance_of_a_polish_is_that_of_the_search():
    tight = run(rosen, START, rosen_der, tol=1e-12, polish="BFGS")
    assert tight.polish.nit > 0
    assert np.abs(tight.first.jac).max() > 1e-12 >= np.abs(tight.jac).max()
    # Nothing is left to do for one that is as loose as the search.
    loose = run(quadratic, CENTRE + 0.1, quadratic_der, gtol=1e-3, polish="BFGS")
    assert loose.success
    assert loose.polish.nit == 0


@pytest.mark.fault(number=3)
@each_method
@pytest.mark.parametrize("maxfev", [20, 50, 77])
def test_maxfev_is_for_both_parts(name, form, maxfev):
    """Those for the gradient at the end included."""
    values = Recorder(rosen)
    fun, jac = forms(values, rosen_der)[form]
    result = run(fun, START, jac, polish=name, maxfev=maxfev, lr=0.01, maxiter=4, gtol=0.0)
    assert result.nfev == len(values) <= maxfev
    assert result.fun == rosen(result.x)
    np.testing.assert_allclose(result.jac, rosen_der(result.x), rtol=1e-5, atol=1e-5)
    assert result.status == (1 if result.jac.any() else 0)
    if result.jac.any():
        assert result.polish.message == "Maximum number of function evaluations has been exceeded."


@pytest.mark.fault(number=3)
@each_polisher
def test_a_polish_that_maxfev_stops_keeps_the_best_point(name):
    values = Recorder(rosen)
    result = run(values, START, rosen_der, polish=name, maxfev=120, gtol=0.0, **BRIEFLY)
    assert (result.status, result.success, result.nfev) == (1, False, len(values))
    assert result.fun == min(map(rosen, values.points))


@pytest.mark.fault(number=3)
@pytest.mark.parametrize("limit", [{"maxfev": 6}, {"max_seconds": 1e-9}])
def test_there_is_no_polish_where_nothing_is_left(limit):
    values = Recorder(rosen)
    plain = run(rosen, START, rosen_der, lr=0.01, **limit)
    result = run(values, START, rosen_der, lr=0.01, polish="BFGS", **limit)
    assert (result.status, result.success) == (plain.status, plain.success) == (1, False)
    assert result.nfev == len(values)
    assert (result.polish.nit, result.polish.nfev, result.polish.njev) == (0, 0, 0)
    assert result.message == f"{plain.message} Polished with BFGS: {plain.message}"


@pytest.mark.fault(number=3)
@each_polisher
@pytest.mark.parametrize("height", [1e8, 1.0])
def test_a_gradient_out_of_reach_ends_the_polish_all_the_same(name, height):
    """Rounding hides it. It is a success only if the user says that the value counts."""

    def bowl(x):
        return height * (1.0 + np.sum((x - 0.3) ** 4) + np.sum((x - 0.3) ** 2))

    def bowl_der(x):
        return height * (4.0 * (x - 0.3) ** 3 + 2.0 * (x - 0.3))

    values = Recorder(bowl)
    strict = run(values, START, bowl_der, polish=name, gtol=1e-13, **BRIEFLY)
    assert len(values) < 3000
    np.testing.assert_allclose(strict.x, 0.3, atol=1e-4)
    if name not in GRADIENT_FREE:
        assert strict.status == (0 if np.abs(strict.jac).max() <= 1e-13 else 2)
        loose = run(bowl, START, bowl_der, polish=name, gtol=1e-13, ftol=1e-6, **BRIEFLY)
        assert loose.status == 0 or "ftol" not in loose.message


@pytest.mark.fault(number=8)
@each_method
def test_bounds_that_are_all_equal(name, form):
    values = Recorder(rosen)
    fun, jac = forms(values, rosen_der)[form]
    if name in ("CG", "BFGS", "Newton-CG"):
        return
    result = run(fun, START, jac, bounds=[(0.5, 0.5), (2, 2)], polish=name)
    assert (result.status, result.success, result.nit) == (0, True, 0)
    assert "All independent variables were fixed by bounds." in result.message
    np.testing.assert_array_equal(result.x, [0.5, 2.0])
    assert result.fun == rosen(result.x)
    assert result.nfev == len(values) == 1
    expected = np.zeros(2) if form == "default" else rosen_der(result.x)
    np.testing.assert_array_equal(result.jac, expected)


def test_a_start_without_a_number_is_not_polished():
    result = run(lambda x: np.nan, START, rosen_der, polish="BFGS")
    assert (result.status, result.success, result.nfev) == (3, False, 1)
    assert "There is no finite value to go on from." in result.message


@pytest.mark.fault(number=3)
@pytest.mark.parametrize("name", ["BFGS", "L-BFGS-B", "SLSQP", "Nelder-Mead"])
def test_too_little_for_a_gradient(name):
    result = run(rosen, START, "3-point", polish=name, maxfev=1)
    assert (result.status, result.success, result.polish.nfev) == (1, False, 0)
    assert result.fun == rosen(result.x)

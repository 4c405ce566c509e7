"""`curve_fit` with parameters by name: results by name, and what is fixed."""

import numpy as np
import pytest
import scipy.optimize

import fastadam

from .curves import T, decay, jitted, make

START = {"rate": 1.0, "offset": 0.5, "amplitude": 1.5}  # in an order of its own
Y, _ = make(4)


def without_offset(t, amplitude, rate):
    return decay(t, amplitude, rate, 0.5)


@pytest.mark.parametrize("model", [decay, jitted])
def test_names_are_those_of_the_model(model):
    result = fastadam.curve_fit(model, T, Y, START)
    expected = fastadam.curve_fit(model, T, Y, [1.5, 1.0, 0.5])
    np.testing.assert_array_equal(result.x, expected.x)
    assert list(result.params) == list(result.errors) == ["amplitude", "rate", "offset"]
    np.testing.assert_array_equal(result.params["rate"], result.x[:, 1])
    np.testing.assert_array_equal(result.errors["rate"], result.stderr[:, 1])
    assert result.fixed == ()


def test_one_curve_has_a_result_too():
    result = fastadam.curve_fit(decay, T, Y[0], START)
    popt, pcov = fastadam.curve_fit(decay, T, Y[0], [1.5, 1.0, 0.5])
    np.testing.assert_array_equal(result.x, popt)
    np.testing.assert_array_equal(result.covariance, pcov)
    assert isinstance(result.params["rate"], float)
    assert result.success
    assert result.message == "The fit has converged."
    assert [line.split()[0] for line in fastadam.report(result).splitlines()[:3]] == list(
        result.params
    )


@pytest.mark.parametrize("model", [decay, jitted])
@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), {"rate": (0.1, None)}])
@pytest.mark.parametrize("method", [None, "trf"])
def test_what_is_fixed_stays_and_has_no_error(model, bounds, method):
    start = START | {"offset": np.full(4, 0.5)}
    result = fastadam.curve_fit(model, T, Y, start, bounds=bounds, fixed="offset", method=method)
    for k, y in enumerate(Y):
        popt, pcov = scipy.optimize.curve_fit(without_offset, T, y, [1.5, 1.0])
        np.testing.assert_allclose(result.x[k, :2], popt, rtol=1e-4)
        np.testing.assert_allclose(result.stderr[k, :2], np.sqrt(np.diag(pcov)), rtol=1e-3)
    np.testing.assert_array_equal(result.params["offset"], 0.5)
    assert np.isnan(result.errors["offset"]).all()
    assert np.isnan(result.covariance[:, 2]).all()
    assert result.at_bound.tolist() == [[False, False, True]] * 4
    assert "offset     fixed" in fastadam.report(result)


@pytest.mark.parametrize("model", [decay, jitted])
def test_equal_bounds_hold_a_parameter_and_a_jacobian_loses_its_column(model):
    def jac(t, amplitude, rate, offset):
        e = np.exp(-rate * t)
        return np.stack((e, -amplitude * t * e, np.ones_like(t)), axis=1)

    bounds = ([0.0, 0.0, 0.5], [9.0, 9.0, 0.5])
    result = fastadam.curve_fit(model, T, Y, [1.5, 1.0, 0.5], bounds=bounds, jac=jac)
    alone, _ = scipy.optimize.curve_fit(without_offset, T, Y[1], [1.5, 1.0])
    np.testing.assert_allclose(result.x[1], [*alone, 0.5], rtol=1e-4)
    held = np.ones((2, 3))
    result = fastadam.curve_fit(model, T, Y, held[0], bounds=held)
    np.testing.assert_array_equal(result.x, 1.0)
    np.testing.assert_allclose(result.chi2, np.sum((decay(T, 1, 1, 1) - Y) ** 2, axis=1))
    assert result.at_bound.all()


def test_a_curve_that_cannot_be_fitted_has_a_status():
    few = fastadam.curve_fit(decay, T, np.where(T < 0.2, Y[0], np.nan), START)
    assert (few.status, few.success) == (2, False)
    assert np.isnan(few.params["rate"])
    limited = fastadam.curve_fit(decay, T, Y[0], START, maxfev=2)
    assert limited.status == 1
    infinite = fastadam.curve_fit(lambda t, rate: np.full(30, np.inf), T, Y[0], {"rate": 1.0})
    assert infinite.status == 3


def test_points_may_have_a_covariance():
    sigma = 0.01 * (np.eye(T.size) + 0.3)
    result = fastadam.curve_fit(decay, T, Y[0], START, sigma=sigma)
    popt, pcov = scipy.optimize.curve_fit(decay, T, Y[0], [1.5, 1.0, 0.5], sigma=sigma)
    np.testing.assert_allclose(result.x, popt, rtol=1e-4)
    np.testing.assert_allclose(result.covariance, pcov, rtol=1e-4)


def test_a_model_with_any_number_of_parameters_takes_any_names():
    def polynomial(t, *p):
        return np.polyval(p, t)

    result = fastadam.curve_fit(polynomial, T, Y[0], {"high": [0.0, 0.0], "low": 0.0})
    np.testing.assert_allclose(result.x, np.polyfit(T, Y[0], 2), rtol=1e-5)
    assert result.params["high"].shape == (2,)


@pytest.mark.parametrize(("changes", "message"), [
    ({"p0": START | {"amp": 1.0}}, "p0 must have names of amplitude, rate, offset, got 'amp'"),
    ({"p0": {"rate": 1.0, "offset": 0.0}}, "p0 must have all parameters of f, got none for 'amp"),
    ({"p0": {}}, "p0 must have a name"),
    ({"p0": START | {"rate": np.ones(3)}}, r"p0\['rate'\] must be a number"),
    ({"p0": START | {"rate": np.ones((4, 2))}}, r"p0\['rate'\] must be a number"),
    ({"fixed": "speed"}, "fixed must have names of"),
    ({"fixed": ("rate", "rate")}, "fixed must have each name once"),
    ({"fixed": tuple(START)}, "fixed must leave a parameter free"),
    ({"fixed": "rate", "p0": [1, 1, 1]}, "fixed is for p0 by name"),
    ({"bounds": {"speed": (0, 1)}}, "bounds must have names of"),
    ({"bounds": {"rate": 1}}, r"bounds\['rate'\] must be a \(min, max\)"),
    ({"bounds": {"rate": (0, 1)}, "p0": [1, 1, 1]}, "bounds by name are for p0 by name"),
    ({"full_output": True}, "full_output is for p0 without names"),
])  # fmt: skip
def test_bad_names_are_errors(changes, message):
    arguments = {"f": decay, "xdata": T, "ydata": Y, "p0": START} | changes
    with pytest.raises((ValueError, TypeError), match=message):
        fastadam.curve_fit(**arguments)

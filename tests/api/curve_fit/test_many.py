"""`curve_fit` of many curves: beside SciPy's, one by one."""

import numpy as np
import pytest
from numba import njit

import fastadam

from .curves import T, by_scipy, decay, jitted, make


def stderr(covariance):
    return np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))


@pytest.mark.smoke
def test_compiled_fits_are_scipys():
    """With leading axes everywhere, points left out in two ways, and sigma to be trusted."""
    y, _ = make(2, 4)
    sigma = np.broadcast_to(np.linspace(0.03, 0.09, T.size), (4, T.size)).copy()
    y[0, 1, 3], sigma[2, 5] = np.nan, np.inf
    p0 = np.array([[[1.0, 1.0, 0.5]], [[2.0, 1.0, 0.0]]])
    found = fastadam.curve_fit(jitted, T, y, p0, sigma, absolute_sigma=True)
    keep = np.isfinite(y) & np.isfinite(sigma)
    for k in np.ndindex(2, 4):
        on, row = keep[k], np.broadcast_to(sigma, y.shape)[k]
        p, covariance = by_scipy(
            y[k][None, on], x=T[on], p0=p0[k[0], 0], sigma=row[on], absolute_sigma=True
        )
        np.testing.assert_allclose(found.x[k], p[0], atol=1e-3 * stderr(covariance[0]).min())
        np.testing.assert_allclose(found.covariance[k], covariance[0], rtol=1e-3)
        squares = np.sum(((decay(T, *found.x[k]) - y[k])[on] / row[on]) ** 2)
        np.testing.assert_allclose(found.chi2[k], squares)
        np.testing.assert_allclose(found.reduced_chi2[k], squares / (on.sum() - 3))
    np.testing.assert_array_equal(found.points, keep.sum(axis=-1))
    np.testing.assert_allclose(found.stderr, stderr(found.covariance))
    assert found.success.all()
    assert found.message == "8 of 8: The fit has converged."


def test_bounds_hold_parameters():
    """What is held has no error, and those of others are without it."""
    y, _ = make(6)
    bounds = ([0.0, 0.0, 0.5], [9.0, 9.0, 9.0])
    found = fastadam.curve_fit(jitted, T, y, bounds=bounds)
    held = found.at_bound[:, 2]
    assert 0 < held.sum() < 6
    assert not found.at_bound[:, :2].any()
    np.testing.assert_array_equal(found.x[held, 2], 0.5)
    p, covariance = by_scipy(y[held], lambda t, a, r: decay(t, a, r, 0.5))
    np.testing.assert_allclose(found.x[held, :2], p, rtol=1e-4)
    np.testing.assert_allclose(found.covariance[held, :2, :2], covariance, rtol=1e-3)
    assert np.isnan(found.stderr[held, 2]).all()
    p, covariance = by_scipy(y[~held], bounds=bounds)
    np.testing.assert_allclose(found.x[~held], p, rtol=1e-4)
    np.testing.assert_allclose(found.covariance[~held], covariance, rtol=1e-3)
    plain = fastadam.curve_fit(decay, T, y, bounds=bounds)
    np.testing.assert_array_equal(plain.at_bound, found.at_bound)
    np.testing.assert_allclose(plain.stderr, found.stderr, rtol=1e-3)


def test_rows_say_what_is_wrong():
    """Each row by itself, in compiled loops and by SciPy; nothing is infinite."""
    y, _ = make(6)
    y[0], y[1, 2:], y[2, 3] = np.nan, np.nan, np.inf
    y[3] = np.where(T[3] > T, decay(T, 1.5, 1.0, 0.5), np.nan)
    expected = [2, 2, 3, 5, 0, 0]
    for model in (jitted, decay):
        found = fastadam.curve_fit(model, T, y)
        np.testing.assert_array_equal(found.status, expected)
        np.testing.assert_array_equal(found.points[[0, 1, 3]], [0, 2, 3])
        np.testing.assert_array_equal(np.isnan(found.stderr).all(axis=1), found.status != 0)
        assert not any(np.isinf(found[name]).any() for name in ("x", "covariance", "chi2"))
        assert "2 of 6: There are fewer points than free parameters." in found.message
        limited = fastadam.curve_fit(model, T, y[4:], maxfev=5)
        np.testing.assert_array_equal(limited.status, [1, 1])


def test_threads_change_nothing():
    y, _ = make(200)
    found = [fastadam.curve_fit(jitted, T, y, threads=threads) for threads in (1, 3)]
    for name in ("x", "covariance", "nfev"):
        np.testing.assert_array_equal(found[0][name], found[1][name])


@njit
def by_loop(t, amplitude, rate, offset):
    """It cannot be called for one point."""
    out = np.empty_like(t)
    for i in range(t.size):
        out[i] = amplitude * np.exp(-rate * t[i]) + offset
    return out


@njit
def slopes(t, amplitude, rate, offset):
    e = np.exp(-rate * t)
    return np.stack((e, -amplitude * t * e, np.ones_like(t))).T


@njit
def turned_slopes(t, amplitude, rate, offset):
    return slopes(t, amplitude, rate, offset).T


def test_derivatives_may_be_given():
    y, _ = make(5)
    by_differences = fastadam.curve_fit(jitted, T, y)
    given = fastadam.curve_fit(by_loop, T, y, jac=slopes)
    np.testing.assert_allclose(given.x, by_differences.x, rtol=1e-5)
    np.testing.assert_allclose(given.covariance, by_differences.covariance, rtol=1e-4)


@njit
def turned(x, scale, offset):
    """Of two numbers for each point."""
    return scale * x[0] + offset * np.sin(x[1])


@njit
def centred(t, slope, offset):
    """What it returns for one point is another thing."""
    return slope * (t - np.size(t)) + offset


@njit
def bell(t, height, width):
    """At a width of 0 there is nothing but NaN."""
    return height * np.exp(-((t / width) ** 2))


@pytest.mark.slow
def test_a_division_by_zero_is_no_exception():
    y = np.stack([bell(T, 2.0, 1.5)] * 2)
    found = fastadam.curve_fit(bell, T, y, p0=[[1.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(found.status, [0, 3])
    np.testing.assert_allclose(found.x[0], [2.0, 1.5])


@pytest.mark.slow
def test_forms_of_models():
    y, _ = make(5)
    x = np.stack([T, T + 1.0])
    for model, where in ((by_loop, T), (turned, x), (centred, T)):
        found = fastadam.curve_fit(model, where, y, p0=np.ones(3 if model is by_loop else 2))
        p, covariance = by_scipy(y, model.py_func, where)
        np.testing.assert_allclose(found.x, p, rtol=1e-5)
        np.testing.assert_allclose(found.covariance, covariance, rtol=1e-3)
    with pytest.raises(ValueError, match=r"jac must return shape \(30, 3\), and returns \(3, 30\)"):
        fastadam.curve_fit(by_loop, T, y, jac=turned_slopes)
    by_differences = fastadam.curve_fit(jitted, T, y)
    np.testing.assert_array_equal(fastadam.curve_fit(by_loop, T, y).x, by_differences.x)


@pytest.mark.slow
def test_coverage():
    y, truth = make(20_000)
    found = fastadam.curve_fit(jitted, T, y)
    within = np.mean(np.abs(found.x - truth) < found.stderr, axis=0)
    np.testing.assert_allclose(within, 0.6827, atol=0.015)


def scaled_twice(t, a, b, rate):
    return a * b * np.exp(-rate * t)


def scaled_and_shifted(t, a, c, rate):
    return a * np.exp(c - rate * t)


def nearly_collinear(t, a, b):
    return a * t + b * (t + 1e-6 * t**2)


@pytest.mark.slow
@pytest.mark.parametrize("model", [scaled_twice, scaled_and_shifted, nearly_collinear])
def test_parameters_that_cannot_be_told_apart_have_no_errors(model):
    """Differences have noise, which would pass for what tells them apart."""
    y = make(5, noise=0.05)[0]
    found = fastadam.curve_fit(njit(model), T, y)
    assert found.status.tolist() == [5] * 5
    assert np.isnan(found.stderr).all()
    if model is not nearly_collinear:  # SciPy's differences are good enough for it
        found = fastadam.curve_fit(model, T, y)
        assert found.status.tolist() == [5] * 5


@pytest.mark.slow
def test_parameters_that_can_just_be_told_apart_have_the_errors_of_linear_algebra():
    def line(t, a, b):
        return a * t + b * (t + 1e-4 * t**2)

    y = make(5, noise=0.05)[0]
    columns = np.column_stack((T, T + 1e-4 * T**2))
    _, triangle = np.linalg.qr(columns)
    inverse = np.linalg.inv(triangle)
    _, squares, *_ = np.linalg.lstsq(columns, y.T)
    expected = np.sqrt(np.outer(squares / (T.size - 2), np.diag(inverse @ inverse.T)))
    for model in (line, njit(line)):
        found = fastadam.curve_fit(model, T, y)
        np.testing.assert_allclose(found.stderr, expected, rtol=0.01)


def test_no_curves_are_no_fits():
    """Dask calls functions with empty blocks, to see what they return."""
    for start in (None, {"amplitude": 1.0, "rate": 1.0, "offset": 0.0}):
        found = fastadam.curve_fit(jitted, T, np.empty((0, 4, T.size)), start)
        assert found.x.shape == (0, 4, 3)

"""`curve_fit` of one curve: what SciPy returns, to the last digits."""

import numpy as np
import pytest
import scipy.optimize

import fastadam

from .curves import T, decay, make

Y = make(1)[0][0]
SIGMA = np.linspace(0.03, 0.09, T.size)
CORRELATED = np.diag(SIGMA**2) + 1e-3 * np.exp(-np.abs(T[:, None] - T))


def slopes(t, a, r, c):
    e = np.exp(-r * t)
    return np.stack([e, -a * t * e, np.ones_like(t)], axis=1)


@pytest.mark.parametrize("keywords", [
    {},
    {"p0": [2.0, 1.0, 0.0], "sigma": SIGMA, "absolute_sigma": True, "jac": slopes},
    {"sigma": CORRELATED, "jac": slopes},
    {"bounds": ([0.0, 0.0, 0.3], 9.0), "sigma": 0.1},
    {"method": "dogbox", "jac": "3-point", "loss": "soft_l1", "maxfev": 50},
])  # fmt: skip
def test_it_is_scipys(keywords):
    ours = fastadam.curve_fit(decay, T, Y, full_output=True, **keywords)
    theirs = scipy.optimize.curve_fit(decay, T, Y, full_output=True, **keywords)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12)
    assert ours[2]["nfev"] == theirs[2]["nfev"]
    assert ours[3:] == theirs[3:]
    assert len(fastadam.curve_fit(decay, T, Y, **keywords)) == 2


def test_points_are_left_out():
    y, keep = Y.copy(), np.ones(T.size, dtype=bool)
    y[4], keep[[4, 9]] = np.nan, False
    x = np.where(np.arange(T.size) == 9, np.nan, T)
    for sigma in (SIGMA, CORRELATED):
        kept = sigma[keep] if sigma.ndim == 1 else sigma[np.ix_(keep, keep)]
        ours = fastadam.curve_fit(decay, x, y, sigma=sigma)
        theirs = scipy.optimize.curve_fit(decay, T[keep], Y[keep], sigma=kept)
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5)


def test_no_covariance_is_infinite_with_a_warning():
    for model, points in ((decay, 3), (lambda t, a, b: a + 0 * b * t, 30)):
        with pytest.warns(scipy.optimize.OptimizeWarning, match="cannot be estimated"):
            p, covariance = fastadam.curve_fit(model, T[:points], Y[:points])
        assert np.isfinite(p).all()
        assert np.isinf(covariance).all()


def test_no_convergence_is_an_error():
    with pytest.raises(RuntimeError, match="no optimal parameters"):
        fastadam.curve_fit(decay, T, Y, maxfev=3)

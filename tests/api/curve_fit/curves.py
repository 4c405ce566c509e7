"""Curves for the tests of `curve_fit`."""

import numpy as np
import scipy.optimize
from numba import njit

T = np.linspace(0.0, 4.0, 30)


def decay(t, amplitude, rate, offset):
    """Return a decay, in NumPy."""
    return amplitude * np.exp(-rate * t) + offset


jitted = njit(decay)


def make(*lead, noise=0.05, seed=0):
    """Make curves with leading axes, and what is true of them."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform((1.0, 0.7, 0.2), (2.0, 2.0, 0.8), (*lead, 3))
    a, r, c = np.moveaxis(truth, -1, 0)[..., None]
    return decay(T, a, r, c) + rng.normal(0.0, noise, (*lead, T.size)), truth


def by_scipy(y, model=decay, x=T, **keywords):
    """Fit curves by SciPy one by one; give parameters and covariances."""
    rows = [scipy.optimize.curve_fit(model, x, row, **keywords) for row in y]
    return tuple(map(np.array, zip(*rows, strict=True)))

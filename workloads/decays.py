"""Noisy exponential decays, one in each pixel of an image, and how far off from one a curve is.

Amplitude, rate and offset differ from pixel to pixel and are within bounds; starts are guessed from
the data.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numba import njit
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]

PARAMETERS = ("amplitude", "rate", "offset")
LOWER, UPPER = np.array([0.0, 0.05, 0.0]), np.array([4.0, 6.0, 1.0])

#: When the frames were taken, and the standard deviation of their noise.
TIMES = np.linspace(0.0, 4.0, 24)
NOISE = 0.03


@dataclass(frozen=True)
class Scene:
    """An image with a decay in each pixel.

    Attributes
    ----------
    shape : tuple of int
        Height and width.
    truth : ndarray, shape (pixels, 3)
        Amplitude, rate and offset of each pixel, row by row of the image.
    y : ndarray, shape (pixels, frames)
        What the camera saw.
    """

    shape: tuple[int, int]
    truth: Array
    y: Array


def make_scene(pixels: int, seed: int) -> Scene:
    """Make an image, 8 by 5, of round cells on a dim ground.

    Parameters
    ----------
    pixels : int
        About how many it is to have.
    seed : int
        Of the cells and the noise.
    """
    rng = np.random.default_rng(seed)
    width = round(math.sqrt(1.6 * pixels))
    height = max(1, round(pixels / width))
    v, u = np.meshgrid(
        (np.arange(height) + 0.5) / height, 1.6 * (np.arange(width) + 0.5) / width, indexing="ij"
    )
    amplitude, rate = np.full(u.shape, 0.5), 0.6 + 0.3 * u
    for _ in range(22):
        cover, depth = _cell(rng, u, v)
        amplitude += cover * (rng.uniform(0.6, 1.4) * np.sqrt(depth) + 0.3 - amplitude + 0.3)
        rate += cover * (rng.uniform(0.7, 2.4) * (1.0 - 0.3 * depth) - rate)
    # Cut off at 0: over a third of the image the lower bound is the truth.
    offset = np.maximum(0.0, 0.12 + 0.2 * np.sin(4.0 * u + 1.0) * np.cos(5.0 * v - 1.0))
    truth = np.stack([amplitude, rate, offset], axis=-1).reshape(-1, 3)
    a, r, c = truth.T[:, :, None]
    y = a * np.exp(-r * TIMES) + c + rng.normal(0.0, NOISE, (len(truth), TIMES.size))
    return Scene((height, width), truth, y)


def _cell(rng: np.random.Generator, u: Array, v: Array) -> tuple[Array, Array]:
    """Return where an ellipse is, with a soft edge, and how far from the edge: 1 in the middle."""
    angle, long, short = rng.uniform(0.0, math.pi), *rng.uniform((0.10, 0.07), (0.20, 0.13))
    du, dv = u - rng.uniform(0.0, 1.6), v - rng.uniform(0.0, 1.0)
    along = (du * math.cos(angle) + dv * math.sin(angle)) / long
    across = (dv * math.cos(angle) - du * math.sin(angle)) / short
    distance = np.hypot(along, across)
    return 0.5 - 0.5 * np.tanh(12.0 * (distance - 1.0)), np.maximum(0.0, 1.0 - distance**2)


def guess(y: Array) -> Array:
    """Return starts from the data: the last frames, the first one, and the area between them."""
    offset = y[:, -4:].mean(axis=1)
    amplitude = y[:, 0] - offset
    area = np.trapezoid(y - offset[:, None], TIMES, axis=1)
    rate = amplitude / np.maximum(area, 1e-3)
    return np.clip(np.stack([amplitude, rate, offset], axis=1), LOWER, UPPER)


_ZERO, _TWO = np.float32(0.0), np.float32(2.0)


@njit(error_model="numpy")
def misfit(p, grad, t, y):  # type: ignore[no-untyped-def]  # Numba finds the types
    """Return the mean square of the residuals; fill `grad`.

    Data in float32 stay in float32, on a GPU, too: 0.0 and 2.0 would be float64.
    """
    amplitude, rate, offset = p[0], p[1], p[2]
    f = by_amplitude = by_rate = by_offset = _ZERO
    for i in range(t.size):
        decay = math.exp(-rate * t[i])
        residual = amplitude * decay + offset - y[i]
        f += residual * residual
        by_amplitude += residual * decay
        by_rate -= residual * amplitude * t[i] * decay
        by_offset += residual
    frames = np.float32(t.size)
    grad[0] = _TWO * by_amplitude / frames
    grad[1] = _TWO * by_rate / frames
    grad[2] = _TWO * by_offset / frames
    return f / frames


@njit(error_model="numpy")
def misfit_alone(p, t, y):  # type: ignore[no-untyped-def]
    """Return the mean square of the residuals, as `misfit` does, without its gradient."""
    f = _ZERO
    for i in range(t.size):
        residual = p[0] * math.exp(-p[1] * t[i]) + p[2] - y[i]
        f += residual * residual
    return f / np.float32(t.size)


def model(t: Array, amplitude: float, rate: float, offset: float) -> Array:
    """Return the decay, in the form that `curve_fit` wants."""
    return amplitude * np.exp(-rate * t) + offset


def fit_one_by_one(
    y: Array, start: Array, pixels: NDArray[np.intp], bounded: bool
) -> tuple[Array, NDArray[np.bool_]]:
    """Fit some of the pixels by `scipy.optimize.curve_fit`, one after the other.

    Parameters
    ----------
    y : ndarray, shape (pixels, frames)
    start : ndarray, shape (pixels, 3)
    pixels : ndarray of int
        Which ones.
    bounded : bool
        Whether it is told the bounds.

    Returns
    -------
    x : ndarray
        Parameters, a row for each of them; the start where there was no convergence.
    failed : ndarray of bool
        Where that was.
    """
    bounds = (LOWER, UPPER) if bounded else (-np.inf, np.inf)
    found = start[pixels]
    failed = np.zeros(len(pixels), dtype=bool)
    # Matrices this small are not worth a second thread: SciPy would wait for it. And a step
    # without bounds may overflow, or leave no covariance, which nobody asks for here.
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", scipy.optimize.OptimizeWarning)
        for i, k in enumerate(pixels):
            try:
                found[i], _ = scipy.optimize.curve_fit(model, TIMES, y[k], start[k], bounds=bounds)
            except RuntimeError:
                failed[i] = True
    return found, failed

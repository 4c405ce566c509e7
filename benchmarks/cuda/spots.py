"""Images of 5 by 5 pixels, a round Gaussian spot in each: the model, data, starts, and what is due.

The spots are like those of Gpufit's own comparison: amplitude 500, width 1, anywhere within half a
pixel of the middle, with normal noise. Nothing of the truth goes into the starts.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..harness.adam import Array

PARAMETERS = ("amplitude", "x", "y", "width", "offset")
SIDE = 5
NOISE = 25.0
#: Amplitude, the middle and width of a spot, and what is below it.
LOWER = np.array([400.0, 1.5, 1.5, 0.9, 8.0])
UPPER = np.array([600.0, 2.5, 2.5, 1.1, 12.0])

_ZERO, _HALF, _ONE, _TWO = map(np.float32, (0.0, 0.5, 1.0, 2.0))


@njit(error_model="numpy")
def misfit(p, grad, image):  # type: ignore[no-untyped-def]  # Numba finds the types
    """Return the mean square of the residuals; fill `grad`. Data in float32 stay in float32."""
    amplitude, x, y, width, offset = p[0], p[1], p[2], p[3], p[4]
    narrowness = _ONE / (width * width)
    f = by_amplitude = by_x = by_y = by_width = by_offset = _ZERO
    for i in range(image.shape[0]):
        down = np.float32(i) - y
        row = math.exp(-_HALF * narrowness * down * down)
        for j in range(image.shape[1]):
            right = np.float32(j) - x
            spot = row * math.exp(-_HALF * narrowness * right * right)
            residual = amplitude * spot + offset - image[i, j]
            f += residual * residual
            by_offset += residual
            residual *= spot
            by_amplitude += residual
            by_x += residual * right
            by_y += residual * down
            by_width += residual * (right * right + down * down)
    pixels = np.float32(image.size)
    factor = _TWO * amplitude * narrowness / pixels
    grad[0] = _TWO * by_amplitude / pixels
    grad[1] = factor * by_x
    grad[2] = factor * by_y
    grad[3] = factor * by_width / width
    grad[4] = _TWO * by_offset / pixels
    return f / pixels


def make_images(count: int, seed: int) -> tuple[Array, Array]:
    """Make so many images; return the true parameters, a row each, and the pixels."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(LOWER, UPPER, (count, len(PARAMETERS)))
    images = truth[:, 0, None, None] * _spots(truth) + truth[:, 4, None, None]
    images += rng.normal(0.0, NOISE, images.shape)
    return truth, images


def guess(images: Array) -> Array:
    """Return starts from the data: darkest and brightest pixel, the centre of mass, and width 1."""
    place = np.arange(SIDE)
    offset = images.min(axis=(1, 2))
    amplitude = images.max(axis=(1, 2)) - offset
    light = images - offset[:, None, None]
    total = light.sum(axis=(1, 2))
    x, y = light.sum(axis=1) @ place / total, light.sum(axis=2) @ place / total
    return np.stack([amplitude, x, y, np.ones(len(images)), offset], axis=1)


def misfits(p: Array, images: Array) -> Array:
    """Return the mean squares of the residuals of many images, in float64."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # of wrong parameters
        models = p[:, 0, None, None] * _spots(p) + p[:, 4, None, None]
    return ((models - images) ** 2).mean(axis=(1, 2))


def least_errors(truth: Array) -> Array:
    """Return the standard deviations that no unbiased fit can beat (Cramér and Rao's)."""
    place = np.arange(SIDE)
    spot, amplitude, width = _spots(truth), truth[:, 0, None, None], truth[:, 3, None, None]
    right = (place - truth[:, 1, None])[:, None, :]
    down = (place - truth[:, 2, None])[:, :, None]
    slope = amplitude * spot / width**2
    by_width = slope * (right**2 + down**2) / width
    columns = (spot, slope * right, slope * down, by_width, np.ones_like(spot))
    jacobian = np.stack(columns, axis=-1).reshape(len(truth), -1, len(PARAMETERS))
    information = np.swapaxes(jacobian, 1, 2) @ jacobian / NOISE**2
    return np.sqrt(np.diagonal(np.linalg.inv(information), axis1=1, axis2=2))


def _spots(p: Array) -> Array:
    place = np.arange(SIDE)
    x, y = (np.exp(-0.5 * ((place - p[:, k, None]) / p[:, 3, None]) ** 2) for k in (1, 2))
    return y[:, :, None] * x[:, None, :]

"""From Hessians to covariances, of the coordinates that are free."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..typing import Matrix, Vector


class Covariances(NamedTuple):
    """The covariances of many rows, NaN where there are none, and how well they are known."""

    covariance: NDArray[np.float64]
    stderr: Matrix
    correlation: NDArray[np.float64]
    condition: Vector
    is_definite: NDArray[np.bool_]


def invert(hessian: NDArray[np.float64], is_free: NDArray[np.bool_], scale: Vector) -> Covariances:
    """Compute ``scale`` times the inverse of each Hessian, on the coordinates that are free.

    In units that make its diagonal 1, so that what decides is how the coordinates depend on each
    other, not what they are measured in. ``condition`` is that of this matrix.
    """
    count = is_free.shape[1]
    both = is_free[:, :, None] & is_free[:, None, :]
    diagonal = np.einsum("kii->ki", hessian)
    units = np.sqrt(np.where(is_free & (diagonal > 0.0), diagonal, 1.0))
    scaled = hessian / (units[:, :, None] * units[:, None, :])
    # What is held stands apart, with 1.
    scaled = np.where(both, scaled, np.eye(count))
    is_known = np.isfinite(scaled).all(axis=(1, 2))
    scaled[~is_known] = np.eye(count)
    values, vectors = np.linalg.eigh(scaled)
    least = count * np.finfo(np.float64).eps * values[:, -1]
    is_definite = is_known & (values[:, 0] > least)
    values = np.where(is_definite[:, None], values, np.nan)
    inverse = np.einsum("kij,kj,klj->kil", vectors, 1.0 / values, vectors)
    covariance = scale[:, None, None] * inverse / (units[:, :, None] * units[:, None, :])
    covariance = np.where(both, covariance, np.nan)
    stderr = np.sqrt(np.einsum("kii->ki", covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = covariance / (stderr[:, :, None] * stderr[:, None, :])
    # Of what is free alone: what is held has eigenvalue 1, which lies between the others.
    condition = values[:, -1] / values[:, 0]
    return Covariances(covariance, stderr, correlation, condition, is_definite)

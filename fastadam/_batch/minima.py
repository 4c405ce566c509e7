"""The distinct minima among the ends of many solves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult
from scipy.spatial import KDTree

from .._search.known import F_TOLERANCE, Known
from ..typing import Vector

#: End points are one minimum within this part of the box's width in each coordinate.
X_TOLERANCE = 1e-3
#: A search is compared with no more minima than this, the most frequent.
MOST_KNOWN = 1000


def find_tolerance(lower: Vector, upper: Vector) -> Vector:
    """Find how far apart in each coordinate end points of one minimum may be."""
    size = np.maximum(1.0, np.maximum(np.abs(lower), np.abs(upper)))
    half = 0.5 * upper - 0.5 * lower  # the width may be more than the largest number
    narrow = half <= np.finfo(np.float64).eps * size
    return np.where(narrow, X_TOLERANCE * size, 2.0 * X_TOLERANCE * half)


def find_minima(solutions: OptimizeResult, tolerance: Vector) -> tuple[Any, NDArray[np.int64]]:
    """Find the rows that are distinct minima, sorted by value, and how many rows each stands for.

    A tree finds the neighbours: against all other rows it would be k B comparisons, too many where
    each of 100,000 starts finds another minimum.
    """
    rows = np.flatnonzero(solutions.success)
    rows = rows[np.argsort(solutions.fun[rows], kind="stable")]
    if rows.size == 0:
        return rows, np.zeros(0, dtype=np.int64)
    values, points = solutions.fun[rows], solutions.x[rows] / tolerance
    tree = KDTree(points)
    free = np.ones(rows.size, dtype=bool)
    leaders, counts = [], []
    for i, value in enumerate(values.tolist()):
        if free[i]:
            near = np.array(tree.query_ball_point(points[i], 1.0, p=np.inf), dtype=np.intp)
            same = near[free[near] & (values[near] - value <= F_TOLERANCE * (1.0 + abs(value)))]
            free[same] = False
            leaders.append(i)
            counts.append(same.size)
    return rows[leaders], np.array(counts, dtype=np.int64)


def find_known(solutions: OptimizeResult, tolerance: Vector) -> Known:
    """Find the minima that solves have come to, for those that follow."""
    leaders, counts = find_minima(solutions, tolerance)
    frequent = leaders[np.argsort(-counts, kind="stable")[:MOST_KNOWN]]
    return Known(solutions.x[frequent], solutions.fun[frequent], tolerance)

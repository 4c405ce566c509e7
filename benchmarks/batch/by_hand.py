"""Many problems at once by hand: in NumPy, and by Numba's prange.

They all make the iteration of `fastadam.minimize_batch` with a number for `lr`: plain Adam, points
clipped to the bounds, until the largest component of the gradient that no bound blocks is at most
`gtol`. They keep no best point, no counts but that of the iterations, and cannot be stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np

from ..harness.adam import EPS, Array

#: ``(X, *data) -> G``: variables along the first axis, problems along the last, as in the data.
Gradients = Callable[..., Array]


@dataclass(frozen=True)
class Plain:
    """Plain Adam's settings."""

    lr: float
    betas: tuple[float, float]
    gtol: float
    maxiter: int
    lower: Array | float = -math.inf
    upper: Array | float = math.inf

    def columns(self, n: int) -> tuple[Array, Array]:
        """Return the bounds as columns."""
        lower, upper = (np.broadcast_to(b, n)[:, None] for b in (self.lower, self.upper))
        return lower.astype(np.float64), upper.astype(np.float64)


class Solved(NamedTuple):
    """End points, a row each, and the iterations that each problem needed."""

    x: Array
    nit: Array


def numpy_batch(gradients: Gradients, starts: Array, data: tuple[Array, ...], s: Plain) -> Solved:
    """Solve all problems together in NumPy; those that are done are taken out.

    Not at once, since that copies the others: when they are an eighth of those left.
    """
    size, n = starts.shape
    lower, upper = s.columns(n)
    beta1, beta2 = s.betas
    ends, nit = starts.copy(), np.full(size, s.maxiter)
    rows = np.arange(size)
    x = np.clip(np.ascontiguousarray(starts.T), lower, upper)
    m, v = np.zeros_like(x), np.zeros_like(x)
    done = np.zeros(size, dtype=bool)
    for t in range(s.maxiter + 1):
        g = gradients(x, *data)
        blocked = ((g > 0.0) & (x <= lower)) | ((g < 0.0) & (x >= upper))
        new = (np.abs(np.where(blocked, 0.0, g)).max(axis=0) <= s.gtol) & ~done
        if new.any():
            ends[rows[new]], nit[rows[new]] = x[:, new].T, t
            done |= new
            if 8 * np.count_nonzero(done) >= done.size:
                left = ~done
                rows, x, m, v, g = rows[left], *(a[:, left] for a in (x, m, v, g))
                data = tuple(a[..., left] for a in data)
                done = np.zeros(rows.size, dtype=bool)
        if t == s.maxiter or not rows.size:
            break
        m *= beta1
        m += (1.0 - beta1) * g
        g *= g
        g *= 1.0 - beta2
        v *= beta2
        v += g
        root = math.sqrt(1.0 - beta2 ** (t + 1))
        np.sqrt(v, out=g)
        g += EPS * root
        np.divide(m, g, out=g)
        g *= s.lr * root / (1.0 - beta1 ** (t + 1))
        x -= g
        outside = (x < lower) | (x > upper)
        if outside.any():
            np.clip(x, lower, upper, out=x)
            m[outside] = 0.0
    ends[rows[~done]] = x.T[~done]
    return Solved(ends, nit)


@cache
def prange_batch(in_place: Callable[..., float], s: Plain) -> Callable[[Array], Solved]:
    """Return Numba's prange over the problems, for one function without data or bounds.

    Numba sees through the call of the function. The rows are dealt out beforehand, as many to
    each thread.
    """
    solve = _prange_loop(in_place, s.lr, s.betas, s.gtol)
    return lambda starts: Solved(*solve(starts, s.maxiter))


@cache
def _prange_loop(
    in_place: Callable[..., float], lr: float, betas: tuple[float, float], gtol: float
) -> Callable[..., Any]:
    """Return the loop with these constants compiled in: seconds of compilation for each."""
    beta1, beta2 = betas

    @numba.njit(parallel=True, error_model="numpy")
    def solve(starts, maxiter):  # type: ignore[no-untyped-def]  # Numba finds the types
        size, n = starts.shape
        ends, nit = np.empty_like(starts), np.empty(size, np.int64)
        for k in numba.prange(size):
            x, g = starts[k].copy(), np.empty(n)
            m, v = np.zeros(n), np.zeros(n)
            power1 = power2 = 1.0
            t = 0
            while True:
                in_place(x, g)
                norm = 0.0
                for i in range(n):
                    norm = max(norm, abs(g[i]))
                if norm <= gtol or t == maxiter:
                    break
                t += 1
                power1 *= beta1
                power2 *= beta2
                root = math.sqrt(1.0 - power2)
                step, eps = lr * root / (1.0 - power1), EPS * root
                for i in range(n):
                    m[i] = beta1 * m[i] + (1.0 - beta1) * g[i]
                    v[i] = beta2 * v[i] + (1.0 - beta2) * g[i] * g[i]
                    x[i] -= step * m[i] / (math.sqrt(v[i]) + eps)
            ends[k], nit[k] = x, t
        return ends, nit

    return solve

"""Adam's iteration as others would write it: NumPy, Numba for one function, torch.

All of them evaluate the start and the point after each step, and return the best, as
`fastadam.minimize` does, so that results can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

from ..harness.adam import BETA1, BETA2, EPS, Array

#: ``x -> (f, gradient)``.
ValueAndGradient = Callable[[Array], tuple[float, Array]]
#: ``(start, iterations) -> best point``.
Loop = Callable[[Array, int], Array]


def numpy_loop(both: ValueAndGradient, lr: float) -> Loop:
    """Return a loop over a Python function that allocates nothing itself."""

    def run(start: Array, iterations: int) -> Array:
        x, best = start.copy(), start.copy()
        m, v, step = np.zeros_like(x), np.zeros_like(x), np.empty_like(x)
        lowest, gradient = both(x)
        power1 = power2 = 1.0
        for _ in range(iterations):
            power1 *= BETA1
            power2 *= BETA2
            m *= BETA1
            np.multiply(gradient, 1 - BETA1, out=step)
            m += step
            v *= BETA2
            np.multiply(gradient, gradient, out=step)
            step *= 1 - BETA2
            v += step
            np.sqrt(v, out=step)
            step /= math.sqrt(1 - power2)
            step += EPS
            np.divide(m, step, out=step)
            step *= lr / (1 - power1)
            x -= step
            f, gradient = both(x)
            if f < lowest:
                lowest = f
                best[:] = x
        return best

    return run


@numba.njit
def rosenbrock_in_place(x: Array, gradient: Array) -> float:
    """Return Rosenbrock's function of two variables, and fill its gradient."""
    rise, run = x[1] - x[0] * x[0], 1.0 - x[0]
    gradient[0] = -400.0 * x[0] * rise - 2.0 * run
    gradient[1] = 200.0 * rise
    return 100.0 * rise * rise + run * run


@numba.njit
def rosenbrock_pair(x: Array) -> tuple[float, Array]:
    """Return Rosenbrock's function of two variables and its gradient."""
    gradient = np.empty(2)
    return rosenbrock_in_place(x, gradient), gradient


@cache
def compiled_loop(in_place: Callable[[Array, Array], float], lr: float) -> Loop:
    """Return a loop compiled for a single function ``(x, gradient) -> f``: the floor.

    Numba sees through the call; nothing is called by address, nothing can be set, stopped or
    watched.
    """

    @numba.njit(error_model="numpy")
    def run(start, iterations):  # type: ignore[no-untyped-def]
        x, best, gradient = start.copy(), start.copy(), np.empty_like(start)
        m, v = np.zeros_like(start), np.zeros_like(start)
        lowest = in_place(x, gradient)
        power1 = power2 = 1.0
        for _ in range(iterations):
            power1 *= BETA1
            power2 *= BETA2
            rate, root = lr / (1 - power1), 1 / math.sqrt(1 - power2)
            for i in range(x.size):
                m[i] = BETA1 * m[i] + (1 - BETA1) * gradient[i]
                v[i] = BETA2 * v[i] + (1 - BETA2) * gradient[i] * gradient[i]
                x[i] -= rate * m[i] / (math.sqrt(v[i]) * root + EPS)
            f = in_place(x, gradient)
            if f < lowest:
                lowest = f
                best[:] = x
        return best

    return run


def torch_loop(function: Callable[[Any], Any], lr: float) -> Loop:
    """Return a loop with `torch.optim.Adam` and autograd.

    Parameters
    ----------
    function : callable
        Of a tensor.
    lr : float
        The step size.

    Raises
    ------
    ImportError
        Where torch is not installed.
    """
    import torch

    def run(start: Array, iterations: int) -> Array:
        x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([x], lr=lr, betas=(BETA1, BETA2), eps=EPS)
        value = function(x)
        lowest, best = value.item(), start.copy()
        for _ in range(iterations):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            value = function(x)
            if value.item() < lowest:
                lowest, best = value.item(), x.detach().numpy().copy()
        return best

    return run


def torch_rosenbrock(x: Any) -> Any:
    """Rosenbrock's function of a tensor."""
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()

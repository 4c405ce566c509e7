"""Functions and fits whose values, parameters and data may have any unit.

Those of one form have one signature, so that all tests together compile a loop once.
"""

from __future__ import annotations

import math

import numba
import numpy as np

import fastadam
from fastadam import problems

PROBLEMS = {
    problem.name: problem
    for problem in (
        problems.rosenbrock(),
        problems.beale(),
        problems.wood(),
        problems.trid(4),
        problems.helical_valley(),
    )
}
# Numba compiles a call of each of them into the two below.
_ROSENBROCK, _BEALE, _WOOD, _TRID, _HELIX = (p.in_place for p in PROBLEMS.values())
NUMBERS = {name: number for number, name in enumerate(PROBLEMS)}
# Where none of a start's coordinates is 0, all of their units can be seen from it.
STARTS = {name: np.where(p.x0 == 0.0, 0.1, p.x0) for name, p in PROBLEMS.items()}


@numba.njit(error_model="numpy")
def in_units_in_place(z, grad, number, units, factor, constant):
    """``factor * f(units * z) + constant``."""
    x = units * z
    if number == 0:
        f = _ROSENBROCK(x, grad)
    elif number == 1:
        f = _BEALE(x, grad)
    elif number == 2:
        f = _WOOD(x, grad)
    elif number == 3:
        f = _TRID(x, grad)
    else:
        f = _HELIX(x, grad)
    for i in range(z.size):
        grad[i] *= factor * units[i]
    return factor * f + constant


@numba.njit(error_model="numpy")
def in_units(z, number, units, factor, constant):
    return in_units_in_place(z, np.empty(z.size), number, units, factor, constant)


@numba.njit(error_model="numpy")
def peak_in_place(p, grad, t, y):
    """The misfit of amplitude, position, width and offset of a Lorentzian peak."""
    f = 0.0
    grad[:] = 0.0
    for i in range(t.size):
        u = (t[i] - p[1]) / p[2]
        shape = 1.0 / (1.0 + u * u)
        r = p[0] * shape + p[3] - y[i]
        f += r * r
        slope = 4.0 * r * p[0] * shape * shape * u / p[2]
        grad[0] += 2.0 * r * shape
        grad[1] += slope
        grad[2] += slope * u
        grad[3] += 2.0 * r
    return f


@numba.njit(error_model="numpy")
def peak(p, t, y):
    return peak_in_place(p, np.empty(4), t, y)


@numba.njit(error_model="numpy")
def decay_in_place(p, grad, t, y):
    """The misfit of amplitude, rate and offset of a decay."""
    f = 0.0
    grad[:] = 0.0
    for i in range(t.size):
        shape = math.exp(-p[1] * t[i])
        r = p[0] * shape + p[2] - y[i]
        f += r * r
        grad[0] += 2.0 * r * shape
        grad[1] -= 2.0 * r * p[0] * t[i] * shape
        grad[2] += 2.0 * r
    return f


@numba.njit(error_model="numpy")
def decay(p, t, y):
    return decay_in_place(p, np.empty(3), t, y)


#: How the gradient comes: the argument `jac`, and which of a pair of functions goes with it.
GRADIENTS = {"differences": None, "gradient": "in-place"}


def search(name, start, gradient, units=None, factor=1.0, constant=0.0, **options):
    """Minimise a problem in other units; return the result, and its point in those of `start`."""
    start = np.asarray(start, dtype=float)
    units = np.ones(start.size) if units is None else np.asarray(units, dtype=float)
    jac = GRADIENTS[gradient]
    fun = in_units if jac is None else in_units_in_place
    args = (NUMBERS[name], units, factor, constant)
    result = fastadam.minimize(fun, start / units, args=args, jac=jac, options=options)
    return result, result.x * units


def make_peaks(at, unit=1.0, amplitude=1.0):
    """Return an axis, data with noise, parameters and starts within 1.5 widths, of six peaks."""
    rng = np.random.default_rng(3)
    t = np.linspace(0.0, 20.0, 61)
    truth = rng.uniform([0.7, 7.0, 0.8, 0.1], [1.5, 13.0, 2.0, 0.5], (6, 4))
    y = truth[:, :1] / (1.0 + ((t - truth[:, 1:2]) / truth[:, 2:3]) ** 2) + truth[:, 3:]
    y += rng.normal(0.0, 0.01, y.shape)
    start = truth + truth[:, [0, 2, 2, 0]] * rng.uniform(
        [-0.3, -1.5, -0.3, -0.2], [0.3, 1.5, 0.3, 0.2], (6, 4)
    )
    scale, shift = np.array([amplitude, unit, unit, amplitude]), np.array([0.0, at, 0.0, 0.0])
    return at + unit * t, amplitude * y, truth * scale + shift, start * scale + shift


def make_decays(unit, time):
    """Return times, data without noise, parameters and starts of six decays."""
    t = np.linspace(0.0, 4.0, 30)
    truth = np.random.default_rng(0).uniform([1.0, 0.5, 0.1], [3.0, 2.0, 0.5], (6, 3))
    y = truth[:, :1] * np.exp(-truth[:, 1:2] * t) + truth[:, 2:]
    scale = np.array([unit, 1.0 / time, unit])
    return time * t, unit * y, truth * scale, np.ones((6, 3)) * scale

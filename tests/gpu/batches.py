"""Functions that run on both, batches of problems, and the comparison with the CPU's results."""

import math
from typing import NamedTuple

import numba
import numpy as np

from fastadam._batch.problems import Problems
from fastadam._batch.threads import solve_compiled
from fastadam._minimize.arguments import check_objective
from fastadam._minimize.options import check_options
from fastadam._search.deadline import Deadline
from fastadam._search.rows import NFEV, NIT, NJEV, OUTCOME, Solutions, Starts
from tests.api.batch.batches import T, bits, problems

__all__ = ["FORMS", "NFEV", "NIT", "NJEV", "OUTCOME", "T", "problems"]


@numba.njit
def misfit(x, t, a, y):
    """A line through data, each problem with its own weight; also of complex x."""
    total = 0.01 * x[0] * x[0] * x[0] * x[0]
    for i in range(t.size):
        r = x[0] + x[1] * t[i] - y[i]
        total += a * r * r
    x[0] = 77.0  # a copy, which it may overwrite
    return total


@numba.njit
def misfit_der(x, t, a, y):
    first, second = 0.04 * x[0] * x[0] * x[0], 0.0
    for i in range(t.size):
        r = 2.0 * a * (x[0] + x[1] * t[i] - y[i])
        first += r
        second += r * t[i]
    return first, second


@numba.njit
def misfit_pair(x, t, a, y):
    total = 0.01 * x[0] * x[0] * x[0] * x[0]
    first, second = 0.04 * x[0] * x[0] * x[0], 0.0
    for i in range(t.size):
        r = x[0] + x[1] * t[i] - y[i]
        total += a * r * r
        first += 2.0 * a * r
        second += 2.0 * a * r * t[i]
    return total, (first, second)


@numba.njit
def misfit_in_place(x, grad, t, a, y):
    total = 0.01 * x[0] * x[0] * x[0] * x[0]
    grad[0], grad[1] = 0.04 * x[0] * x[0] * x[0], 0.0
    for i in range(t.size):
        r = x[0] + x[1] * t[i] - y[i]
        total += a * r * r
        grad[0] += 2.0 * a * r
        grad[1] += 2.0 * a * r * t[i]
    x[0] = 77.0
    return total


#: Each form of the gradient that a GPU knows.
FORMS = {
    "callable": (misfit, misfit_der),
    "true": (misfit_pair, True),
    "in-place": (misfit_in_place, "in-place"),
    "2-point": (misfit, "2-point"),
    "3-point": (misfit, "3-point"),
    "cs": (misfit, "cs"),
}


@numba.njit
def decay(p, grad, t, y):
    """An exponential decay through data, with its gradient."""
    total = grad[0] = grad[1] = grad[2] = 0.0
    for i in range(t.size):
        e = math.exp(-p[1] * t[i])
        r = p[0] * e + p[2] - y[i]
        total += r * r
        grad[0] += 2.0 * r * e
        grad[1] -= 2.0 * r * p[0] * t[i] * e
        grad[2] += 2.0 * r
    return total


#: So few iterations that no rule has amplified a rounding to 1e-11; after 50, to 4e-3 with NAdam.
METHODS = "adam", "adamw", "amsgrad", "nadam", "radam", "adamax", "rmsprop", "sgd", "momentum"
METHOD_OPTIONS = {"weight_decay": 0.01, "clip_norm": 0.5, "lr": 0.03, "maxiter": 10}


def decays(size, dtype=np.float64):
    """Return starts, times, data and the truth of noisy decays."""
    rng = np.random.default_rng(size)
    t = np.linspace(0.0, 4.0, 12)
    truth = rng.uniform([1.0, 0.5, 0.0], [3.0, 3.0, 0.5], (size, 3))
    y = truth[:, :1] * np.exp(-truth[:, 1:2] * t) + truth[:, 2:]
    y += 0.02 * rng.standard_normal(y.shape)
    start = np.column_stack([y[:, 0] - y[:, -1], np.ones(size), y[:, -1]])
    return start.astype(dtype).astype(np.float64), t.astype(dtype), y.astype(dtype), truth


class Batch(NamedTuple):
    """What those who solve a batch are given."""

    problems: Problems
    results: Solutions
    deadline: Deadline


def make(fun, x0, row_args=(), args=(), jac=None, method="adam", dtype=np.float64, **options):
    """Return a batch; ``rates``, ``lower`` and ``upper`` are arrays."""
    n = x0.shape[1]
    boxes = [
        np.broadcast_to(np.asarray(options.pop(name, none), float), (1, n)).copy()
        if np.ndim(options.get(name)) < 2
        else options.pop(name)
        for name, none in (("lower", -np.inf), ("upper", np.inf))
    ]
    rates, on_error = options.pop("rates", None), options.pop("on_error", "raise")
    if rates is not None:
        options["lr"] = 0.0
    checked = check_options(method, options, None, stacklevel=2)
    if rates is None:
        rates = np.full(1, checked.lr if isinstance(checked.lr, float) else 0.0)
    functions = check_objective(fun, args, jac, checked)
    starts = Starts(np.array(x0, dtype=float), *boxes, rates)
    row_args = tuple(map(np.ascontiguousarray, row_args))
    problems = Problems(functions, method, checked, row_args, starts, np.dtype(dtype), on_error)
    return Batch(problems, Solutions.unknown(starts.points), Deadline(checked.max_seconds))


def on_gpu(*given, **options):
    """Solve a batch, and return its results."""
    from fastadam._batch.cuda import solve_on_device

    batch = make(*given, **options)
    solve_on_device(*batch)
    return batch.results


def on_cpu(*given, **options):
    """Solve a batch, and return its results."""
    batch = make(*given, **options)
    solve_compiled(*batch, threads=1)
    return batch.results


def assert_same(one, other, rows=slice(None)):
    """Require the results of two batches, or some rows of the first, to be the same to the bit."""
    for name in ("counts", "x", "fun", "jac"):
        ours, theirs = getattr(one, name)[rows], getattr(other, name)
        assert bits(ours) == bits(theirs), (name, ours, theirs)


def drift(fun, x0, rows, *given, **options):
    """Return how far the CPU's results move with starts and data: all of them, by one rounding.

    A search amplifies roundings: a difference is rounded before it is divided by its width, and
    near a minimum some rules' steps multiply what is left of the gradient.
    """
    rng = np.random.default_rng(0)
    near = (np.nextafter(a, rng.choice([-np.inf, np.inf], a.shape)) for a in (x0, *rows))
    one = on_cpu(fun, x0, rows, *given, **options)
    return distance(on_cpu(fun, next(near), tuple(near), *given, **options), one)


def distance(one, other):
    """Return the largest difference of two batches' results, relative to 1 plus their size."""
    found = []
    for name in ("x", "fun", "jac"):
        ours, theirs = getattr(one, name), getattr(other, name)
        found.append(np.max(abs(ours - theirs) / (1.0 + abs(theirs))))
    return np.max(found)  # NaN if there is one


def assert_near_cpu(*given, solve=on_gpu, **options):
    """Require the CPU's results of another way to solve, but for roundings and what they become."""
    ours, theirs = solve(*given, **options), on_cpu(*given, **options)
    np.testing.assert_array_equal(ours.counts, theirs.counts)
    assert distance(ours, theirs) <= max(1e-9, 20.0 * drift(*given, **options))


def assert_as_on_cpu(*given, **options):
    """Solve on both, require the same results, and return them."""
    batch = on_gpu(*given, **options)
    assert_same(batch, on_cpu(*given, **options))
    return batch

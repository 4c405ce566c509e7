"""The README's fits, as they stand there, beside the loop of `curve_fit` that anybody would write.

Nobody is tuned: the defaults of all, every start at 1. Only `minimize_batch` uses all cores.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from numba import njit

import fastadam

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult
from ..harness.rows import divided, fraction, keeping, make_rows
from ..harness.timing import Effort, interleave
from ..harness.watch import watched

CURVES, QUICK_CURVES = 1_000, 60
#: Of the time of the loop.
LIMIT = 0.15
#: What the README says of its parameters.
NEAR = 1e-2

SHOWN, GIVEN = "fastadam, as in the README", "fastadam, gradient given"
LOOP, LOOP_GIVEN = "curve_fit, a loop", "curve_fit, a loop, gradient given"


@njit
def misfit(p, t, y):  # type: ignore[no-untyped-def]  # Numba finds the types
    """Return the README's misfit."""
    return np.sum((p[0] * np.exp(-p[1] * t) + p[2] - y) ** 2)


@njit
def misfit_in_place(p, grad, t, y):  # type: ignore[no-untyped-def]
    """Return the README's misfit, and fill its gradient."""
    f = 0.0
    grad[:] = 0.0
    for i in range(t.size):
        decay = math.exp(-p[1] * t[i])
        residual = p[0] * decay + p[2] - y[i]
        f += residual * residual
        grad[0] += 2.0 * residual * decay
        grad[1] -= 2.0 * residual * p[0] * t[i] * decay
        grad[2] += 2.0 * residual
    return f


def model(t: Array, a: float, r: float, c: float) -> Array:
    """Return the decay."""
    return a * np.exp(-r * t) + c


def slopes(t: Array, a: float, r: float, c: float) -> Array:
    """Return the decay's derivatives, a column a parameter."""
    decay = np.exp(-r * t)
    return np.stack([decay, -a * t * decay, np.ones_like(t)], axis=1)


def make_curves(count: int) -> tuple[Array, Array, Array]:
    """Return the README's times, curves and truth."""
    t = np.linspace(0, 4, 50)
    truth = np.random.default_rng(0).uniform([1, 0.5, 0], [3, 2, 0.5], size=(count, 3))
    return t, truth[:, :1] * np.exp(-truth[:, 1:2] * t) + truth[:, 2:], truth


def contenders(t: Array, curves: Array) -> dict[str, Callable[[], Array]]:
    """Return who takes part; each returns the parameters, a row a curve."""
    ones = np.ones((len(curves), 3))

    def batch(fun: Callable[..., Any], **more: Any) -> Array:
        return fastadam.minimize_batch(fun, ones, args=(t,), batch_args=(curves,), **more).x

    def loop(**more: Any) -> Array:
        found = [scipy.optimize.curve_fit(model, t, y, **more)[0] for y in curves]
        return np.array(found)

    return {
        SHOWN: lambda: batch(misfit),
        GIVEN: lambda: batch(misfit_in_place, jac="in-place"),
        LOOP: loop,
        LOOP_GIVEN: lambda: loop(jac=slopes),
    }


def find_wrong(found: dict[str, Array], truth: Array) -> dict[str, str]:
    """Compare with the truth: there is no noise."""
    away = {name: np.sum(~(np.abs(x - truth).max(axis=1) < NEAR)) for name, x in found.items()}
    return {name: f"{n} of {len(truth)} fits end elsewhere" for name, n in away.items() if n}


@watched
def snippet(options: Options) -> SuiteResult:
    """Time a fit of each contender, and check them all."""
    t, curves, truth = make_curves(QUICK_CURVES if options.quick else CURVES)
    case = f"the README's {len(curves):,} curves, {t.size} points, all defaults, a fit"
    say(case)
    for call in contenders(t, curves[:1]).values():
        call()  # compiles
    calls, found = keeping(contenders(t, curves))
    records = interleave(calls, Effort(rounds=5, samples=1, budget=0.0), warmup=0)
    each = {name: divided(record, len(curves)) for name, record in records.items()}
    wrong = find_wrong(found, truth)
    details = {name: {"fits": len(curves)} for name in each}
    result = SuiteResult(make_rows(case, each, wrong, (SHOWN,), details))
    for ours, theirs in ((SHOWN, LOOP), (GIVEN, LOOP_GIVEN)):
        what = f"the README's fits, {ours} / {theirs}"
        result.verdicts.append(fraction(what, LIMIT, each, wrong, ours, theirs))
    return result

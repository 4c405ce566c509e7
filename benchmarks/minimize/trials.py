"""Who ends at a local minimum of the published functions, started anywhere in their boxes.

No gradient is given and nothing is set, except for the step size of textbook Adam, which has no
default that could be meant for all functions. The boxes are where starts come from; they are no
bounds. NaN counts as 1e300 for SciPy's methods, which do not expect it. All are judged by the
point that they return; that its value is what they say, and no higher than at the start, is
fastadam's promise and not SciPy's.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, cast

import numpy as np
import scipy.optimize

from fastadam import minimize
from fastadam.typing import MinimizeOptions

from ..functions import Published
from ..functions.registry import Array

#: A point is a local minimum if neither of these finds a value lower than by `TOLERANCE`.
POLISHES = ("BFGS", "Nelder-Mead")
TOLERANCE = 1e-5
REJECTED = 1e300

TEXTBOOK_STEPS = 2_000
OURS = "fastadam"

Function = Callable[[Array], float]


class End(NamedTuple):
    """Where a method ended, and what it says: the value there, evaluations, success."""

    x: Array
    f: float
    evaluations: int
    success: bool


Method = Callable[[Function, Array], End]


@dataclass(frozen=True)
class Trial:
    """One method on one function from one start."""

    method: str
    function: str
    seconds: float
    evaluations: int
    at_minimum: bool
    success: bool
    #: What is wrong with the result, as opposed to not good enough.
    error: str = ""


def guarded(fun: Function) -> Function:
    """Return the function with `REJECTED` for NaN."""

    def value(x: Array) -> float:
        f = float(fun(x))
        return REJECTED if np.isnan(f) else f

    return value


def ours(fun: Function, start: Array, **options: Any) -> End:
    """Run `fastadam.minimize`."""
    result = minimize(fun, start, options=cast(MinimizeOptions, options))
    return End(result.x, result.fun, result.nfev, bool(result.success))


def by_scipy(method: str, fun: Function, start: Array, **options: Any) -> End:
    """Run a method of `scipy.optimize.minimize`."""
    result = scipy.optimize.minimize(guarded(fun), start, method=method, options=options)
    return End(result.x, result.fun, result.nfev, bool(result.success))


METHODS: Mapping[str, Method] = {
    OURS: ours,
    **{
        f"SciPy {method}": partial(by_scipy, method)
        for method in ("Nelder-Mead", "Powell", "BFGS", "L-BFGS-B")
    },
    **{
        f"textbook Adam, lr={lr:g}": partial(ours, lr=lr, maxiter=TEXTBOOK_STEPS, gtol=0.0)
        for lr in (1e-3, 1e-2, 1e-1)
    },
}


def random_starts(function: Published, count: int) -> Array:
    """Return points of the box, a row each; the function's name is the seed."""
    seed = int.from_bytes(hashlib.sha256(function.name.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).uniform(
        function.lower, function.upper, (count, function.lower.size)
    )


def is_local_minimum(fun: Function, x: Array) -> bool:
    """Tell whether no polish improves on a point."""
    f = float(fun(x))
    if not np.isfinite(f):
        return False
    for method in POLISHES:
        polished = scipy.optimize.minimize(guarded(fun), x, method=method).fun
        if not f - polished < TOLERANCE * (1.0 + abs(f)):
            return False
    return True


def find_error(fun: Function, start: Array, end: End) -> str:
    """Say what is wrong with a result: not its quality, but its truth."""
    value = guarded(fun)
    f, first = value(end.x), value(start)
    claimed = REJECTED if np.isnan(end.f) else end.f
    if f != claimed and not abs(f - claimed) <= 1e-9 * (1.0 + abs(f)):
        return f"f is {f:.6g}, not {claimed:.6g}"
    if f > first:
        return f"f is {f:.6g}, and was {first:.6g} at the start"
    return ""


def trials(
    functions: Iterable[Published], starts: int, methods: Mapping[str, Method] = METHODS
) -> Iterator[list[Trial]]:
    """Try all methods on each function; yields a function's trials."""
    for function in functions:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of overflows, far out or at a hole
            points = random_starts(function, starts)
            function.fun(points[0])  # compiles for Python's calls
            minimize(function.fun, points[0], options={"maxiter": 1})  # and for our loop
            yield [
                _try(name, method, function, point)
                for point in points
                for name, method in methods.items()
            ]


def _try(name: str, method: Method, function: Published, start: Array) -> Trial:
    begin = perf_counter()
    end = method(function.fun, start.copy())
    seconds = perf_counter() - begin
    return Trial(
        name,
        function.name,
        seconds,
        end.evaluations,
        is_local_minimum(function.fun, end.x),
        end.success,
        find_error(function.fun, start, end),
    )

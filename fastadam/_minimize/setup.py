"""From what the user passes, checked, to a search."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult

from .._objective.differences import CENTRAL_STEP, COMPLEX_STEP, ONE_SIDED_STEP
from .._objective.layout import GRADIENT, REL_STEP
from .._objective.objective import DIFFERENCES, Objective
from .._rules.spec import Rule
from .._search import auto as annealing
from .._search.loops import start_kernel
from .._search.monitor import Watch, with_result
from .._search.runs import CompiledRun, PythonRun, Run
from .._search.state import Search
from .._validate import describe, real_array, suggestion
from ..typing import Vector
from .counted import Limits, Metered
from .options import MAXITER, Options, select_rule
from .results import report

_REL_STEPS = {"2-point": ONE_SIDED_STEP, "3-point": CENTRAL_STEP, "cs": COMPLEX_STEP}
_NEVER = np.iinfo(np.int64).max

#: The default number of iterations for the value to fall in, without ``lr="auto"``.
PATIENCE = 100


def start_of(x0: ArrayLike) -> Vector:
    """Return the start as a new float64 vector."""
    array = np.atleast_1d(real_array("x0", x0))
    if array.ndim != 1:
        raise ValueError(f"'x0' must only have one dimension, got {describe(array)}")
    if array.size == 0:
        raise ValueError("x0 must have at least one element, got an empty array")
    return array


def functions_of(fun: Callable[..., Any], args: Any, jac: Any, options: Options) -> Objective:
    """Return the user's functions, checked."""
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {describe(fun)}")
    if isinstance(jac, np.bool_):
        jac = bool(jac)
    if jac is None or jac is False:
        jac = "3-point" if options.auto else "2-point"
    named = isinstance(jac, str) and jac in ("in-place", *DIFFERENCES)
    if not (callable(jac) or jac is True or named):
        raise ValueError(
            'jac must be callable, True, None, "2-point", "3-point", "cs" or "in-place", '
            f"got {describe(jac)}" + suggestion(jac, ("in-place", *DIFFERENCES))
        )
    return Objective(fun, args if isinstance(args, tuple) else (args,), jac)


def callback_of(callback: Any) -> Callable[..., Any] | None:
    """Return the callback, checked."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {describe(callback)}")
    return callback


def run_of(
    functions: Objective, method: str, options: Options, x0: Vector, lower: Vector, upper: Vector
) -> Run:
    """Return the search that the options describe, ready to run."""
    rule, h = select_rule(method, options)
    search = search_of(functions, rule, options, x0, lower, upper)
    start_kernel()(search.record, search.rows)
    schedule = options.lr if callable(options.lr) else None
    kind = CompiledRun if functions.is_compiled else PythonRun
    return kind(functions, search, rule, h, schedule)


def search_of(
    functions: Objective, rule: Rule, options: Options, x0: Vector, lower: Vector, upper: Vector
) -> Search:
    """Return the memory of a search that has not begun."""
    scheme = functions.scheme
    free = int(np.count_nonzero(lower < upper))
    search = Search(
        rule,
        x0,
        lower,
        upper,
        maxiter=options.maxiter,
        maxfev=min(options.maxfev, _NEVER),
        gtol=options.gtol,
        clip_norm=options.clip_norm,
        cost=1 + functions.gradient_cost * free,
        wide_cost=1 + 2 * free,
        **(_annealed(options, scheme) if options.auto else _fixed(options)),
    )
    if scheme in DIFFERENCES:
        search.rows[REL_STEP] = _rel_step(options.finite_diff_rel_step, scheme, x0.size)
    return search


def limits_of(options: Options, first: OptimizeResult, began: float) -> Limits:
    """Return what a search that began at some time has left of its limits."""
    stagnates = options.ftol is not None or options.patience is not None
    ftol = 0.0 if stagnates else annealing.FTOL if options.auto else None
    return Limits(
        maxiter=MAXITER,
        maxfev=options.maxfev - first.nfev,
        deadline=began + options.max_seconds,
        pace=(time.monotonic() - began) / max(first.nfev, 1),
        gtol=options.gtol,
        ftol=ftol if options.ftol is None else options.ftol,
        patience=PATIENCE if options.patience is None else options.patience,
    )


def metered_of(
    functions: Objective,
    method: str,
    options: Options,
    first: OptimizeResult,
    limits: Limits,
    box: tuple[Vector, Vector],
    callback: Callable[..., Any] | None,
) -> Metered:
    """Return the functions as SciPy takes them, to go on from the point of a search."""
    scheme = functions.scheme
    only = replace(options, lr=0.0, maxiter=0, maxfev=math.inf)

    def difference(x: Vector, f: float) -> OptimizeResult:
        run = run_of(functions, method, only, x, *box)
        run.search.view("f")[0], run.search.view("request")[0] = f, GRADIENT
        return report(run, Watch(run, None, False, math.inf, False).drive())

    lower, upper = box
    cost = functions.gradient_cost * int(np.count_nonzero(lower < upper))
    return Metered(
        functions,
        first,
        box,
        limits,
        None if scheme == "gradient" else difference,
        cost,
        None if callback is None else with_result(callback),
    )


def _fixed(options: Options) -> dict[str, float]:
    """Return the scalars of a search with the user's own step size."""
    stagnates = options.ftol is not None or options.patience is not None
    patience = PATIENCE if options.patience is None else options.patience
    return {
        "lr": 0.0 if callable(options.lr) else options.lr,
        "ftol": 0.0 if options.ftol is None else options.ftol,
        "patience": patience if stagnates else _NEVER,
        "cycle_end": _NEVER,
    }


def _annealed(options: Options, scheme: str) -> dict[str, float]:
    """Return the scalars of a search with ``lr="auto"``."""
    ftol = annealing.FTOL if options.ftol is None else options.ftol
    return {
        "auto": 1,
        "widen": scheme in ("2-point", "3-point"),
        "ftol": annealing.LEG_FTOL * ftol,
        "cycle_ftol": ftol,
        "first_patience": options.patience or annealing.PATIENCE,
        "last_step": annealing.LAST_STEP,
        "narrowest": annealing.NARROWEST,
        "cycle": -1,
    }


def _rel_step(given: Any, scheme: str, n: int) -> Any:
    if given is None:
        return _REL_STEPS[scheme]
    if given.size not in (1, n):
        raise ValueError(
            f"finite_diff_rel_step must be a number or {n} numbers, got {describe(given)}"
        )
    return given

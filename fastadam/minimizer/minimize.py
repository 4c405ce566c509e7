"""`minimize`: from what the user passes to a search, and back to a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult

from ..checks import describe
from ..solver import annealing
from ..solver.differences import CENTRAL_STEP, COMPLEX_STEP, ONE_SIDED_STEP
from ..solver.kernels import anneal_kernel
from ..solver.runs import DIFFERENCES, CompiledRun, Functions, PythonRun, Run
from ..solver.search import REL_STEP, Search, Vector
from ..solver.watch import Watch
from .bounds import box
from .options import Options, check_method, check_options, rule_of
from .polish import polish, require_polishable
from .result import report, summary

_REL_STEPS = {"2-point": ONE_SIDED_STEP, "3-point": CENTRAL_STEP, "cs": COMPLEX_STEP}

_NEVER = np.iinfo(np.int64).max


def minimize(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    method: str = "adam",
    jac: Any = None,
    bounds: Any = None,
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResult:
    """DOC."""
    name = check_method(method)
    checked = check_options(name, options, tol, stacklevel=2)
    start = _start(x0)
    lower, upper = box(bounds, start.size)
    if checked.polish is not None:
        require_polishable(checked.polish, bounds is not None)
    functions = _functions(fun, args, jac, "3-point" if checked.auto else "2-point")
    run = _run(functions, name, checked, np.clip(start, lower, upper), lower, upper)
    watch = Watch(
        run, _callback(callback), checked.return_all, checked.max_seconds, checked.disp
    )
    result = report(run, watch.drive())
    if watch.iterates is not None:
        result.allvecs = watch.iterates
    if checked.polish is not None and result.status != 99:
        pairs = None if bounds is None else list(zip(lower, upper, strict=True))
        result = polish(checked.polish, functions, result, pairs, callback)
    if checked.disp:
        print(summary(result))
    return result


def _start(x0: ArrayLike) -> Vector:
    """Return the start as a new float64 vector."""
    array = np.atleast_1d(np.asarray(x0))
    if array.ndim != 1:
        raise ValueError(f"'x0' must only have one dimension, got {describe(array)}")
    if array.size == 0:
        raise ValueError("x0 must have at least one element, got an empty array")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"x0 must be real numbers, got {describe(array)}")
    return array.astype(np.float64)


def _functions(fun: Callable[..., Any], args: Any, jac: Any, scheme: str) -> Functions:
    """Return the user's functions, checked; ``scheme`` is for those without a gradient."""
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {describe(fun)}")
    if jac is None or jac is False:
        jac = scheme
    if not callable(jac) and jac is not True and jac not in ("in-place", *DIFFERENCES):
        raise ValueError(
            'jac must be callable, True, None, "2-point", "3-point", "cs" or "in-place", '
            f"got {describe(jac)}"
        )
    return Functions(fun, args if isinstance(args, tuple) else (args,), jac)


def _callback(callback: Any) -> Callable[..., Any] | None:
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {describe(callback)}")
    return callback


def _run(
    functions: Functions, method: str, options: Options, x0: Vector, lower: Vector, upper: Vector
) -> Run:
    """Set up the search that the options describe."""
    rule, h = rule_of(method, options)
    free = int(np.count_nonzero(lower < upper))
    scheme = functions.scheme
    search = Search(
        rule,
        x0,
        lower,
        upper,
        maxiter=options.maxiter,
        maxfev=min(options.maxfev, _NEVER),
        gtol=options.gtol,
        clip_norm=options.clip_norm,
        cost={"gradient": 1, "3-point": 1 + 2 * free}.get(scheme, 1 + free),
        wide_cost=1 + 2 * free,
        **(_annealed(options, scheme) if options.auto else _fixed(options)),
    )
    if options.auto:
        anneal_kernel()(search.record, search.rows)
    if scheme in DIFFERENCES:
        search.rows[REL_STEP] = _rel_step(options.finite_diff_rel_step, scheme, x0.size)
    schedule = options.lr if callable(options.lr) else None
    kind = CompiledRun if functions.native else PythonRun
    return kind(functions, search, rule, h, schedule)


def _fixed(options: Options) -> dict[str, float]:
    """Return the scalars of a search with the user's own step size."""
    stagnates = options.ftol is not None or options.patience is not None
    patience = 100 if options.patience is None else options.patience
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

"""`fastadam.multistart` and others' global methods: whose best is the lowest there is.

On published functions of two variables with many minima, in their boxes, without a gradient,
everybody at the defaults. The lowest value that anybody found counts as the global minimum.
fastadam's constants were chosen by how often a search ends at a local minimum, on two thirds of
the published functions; the rest is told apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize
from scipy.stats import qmc
from threadpoolctl import threadpool_limits

from fastadam import multistart

from ..functions import Published
from ..functions.planar.multimodal import FUNCTIONS
from ..harness.progress import say
from ..harness.report import OK, WRONG, Options, Row, SuiteResult
from ..harness.timing import Summary
from ..harness.watch import watched
from ..minimize.trials import Function, guarded
from .global_peers import Box, Method, installed

SEEDS = 2
#: With ``--quick``, one seed on the first of so many functions.
QUICK_STRIDE = 8
#: A value is the lowest if it is within this, times 1 + |f|.
TOLERANCE = 1e-5
STARTS = 100


class Trial(NamedTuple):
    """One method on one function from one seed; `error` says what is untrue in its result."""

    method: str
    function: Published
    f: float
    evaluations: int
    seconds: float
    error: str = ""


def _ours(starts: int, fun: Function, box: Box, seed: int) -> Any:
    return multistart(fun, box, starts, rng=seed)


def _annealing(fun: Function, box: Box, seed: int) -> Any:
    return scipy.optimize.dual_annealing(guarded(fun), box, rng=seed)


def _evolution(fun: Function, box: Box, seed: int) -> Any:
    return scipy.optimize.differential_evolution(guarded(fun), box, rng=seed)


def _hopping(fun: Function, box: Box, seed: int) -> Any:
    start = np.random.default_rng(seed).uniform(*np.transpose(box))
    within = {"method": "L-BFGS-B", "bounds": box}
    return scipy.optimize.basinhopping(guarded(fun), start, minimizer_kwargs=within, rng=seed)


def _shgo(fun: Function, box: Box, seed: int) -> Any:
    # It has no seed. Its other sampling is for functions with symmetries.
    return scipy.optimize.shgo(guarded(fun), box, n=128, sampling_method="sobol")


def _guarding(method: Method) -> Method:
    return lambda fun, box, seed: method(guarded(fun), box, seed)


def _lbfgsb(fun: Function, box: Box, seed: int) -> Any:
    starts = qmc.scale(qmc.Sobol(len(box), rng=seed).random_base2(7)[:STARTS], *np.transpose(box))
    ends = [scipy.optimize.minimize(guarded(fun), start, bounds=box) for start in starts]
    best = min(ends, key=lambda end: end.fun)
    best.nfev = sum(end.nfev for end in ends)
    return best


OURS = f"multistart, {STARTS} starts"
METHODS: Mapping[str, Method] = {
    OURS: partial(_ours, STARTS),
    "multistart, 10 starts": partial(_ours, 10),
    "multistart, 1 start": partial(_ours, 1),
    "SciPy dual_annealing": _annealing,
    "SciPy differential_evolution": _evolution,
    "SciPy basinhopping, L-BFGS-B": _hopping,
    "SciPy shgo, 128 Sobol points": _shgo,
    f"SciPy L-BFGS-B, {STARTS} Sobol starts": _lbfgsb,
}


def contenders() -> tuple[dict[str, Method], list[str]]:
    """Return who takes part, and notes on who is left out."""
    peers, notes = installed()
    return {**METHODS, **{name: _guarding(method) for name, method in peers.items()}}, notes


def attempt(name: str, method: Method, function: Published, seed: int) -> Trial:
    """Let a method look for the minimum."""
    box = list(zip(function.lower.tolist(), function.upper.tolist(), strict=True))
    begin = perf_counter()
    result = method(function.fun, box, seed)
    seconds = perf_counter() - begin
    evaluations = int(result.nfev)
    if result.x is None:  # shgo found nothing, and says so
        return Trial(name, function, np.inf, evaluations, seconds)
    f = guarded(function.fun)(result.x)
    return Trial(name, function, f, evaluations, seconds, find_error(function, result, f))


def find_error(function: Published, result: Any, f: float) -> str:
    """Say what is untrue in a result whose value is `f`."""
    claimed = float(result.fun)
    if not abs(f - claimed) <= 1e-9 * (1.0 + abs(f)):
        return f"{function.name}: f is {f:.6g}, not {claimed:.6g}"
    if np.any((result.x < function.lower) | (result.x > function.upper)):
        return f"{function.name}: outside the box"
    return ""


def found(trials: Sequence[Trial]) -> list[bool]:
    """Tell which trials reached the lowest value that any of them did."""
    lowest: dict[str, float] = {}
    for trial in trials:
        name = trial.function.name
        if not trial.error:
            lowest[name] = min(trial.f, lowest.get(name, np.inf))

    def is_lowest(trial: Trial) -> bool:
        if trial.error or not np.isfinite(trial.f):
            return False
        least = lowest[trial.function.name]
        return trial.f - least <= TOLERANCE * (1.0 + abs(least))

    return [is_lowest(trial) for trial in trials]


@watched
def global_minima(options: Options) -> SuiteResult:
    """Let all methods look for the global minima."""
    functions = FUNCTIONS[::QUICK_STRIDE] if options.quick else FUNCTIONS
    methods, notes = contenders()
    trials = []
    for function in functions:
        say(f"global minimum of {function.name}")
        # BLAS on one thread, as in `minimize.minima`; warnings are of overflows.
        with threadpool_limits(1), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            function.fun(function.lower)  # compiles for Python's calls
            attempt(OURS, partial(_ours, 2), function, 0)  # and for our loop
            trials += [
                attempt(name, method, function, seed)
                for seed in range(1 if options.quick else SEEDS)
                for name, method in methods.items()
            ]
    result = summarise(trials, len(functions))
    result.notes += notes
    return result


def summarise(trials: Sequence[Trial], functions: int) -> SuiteResult:
    """Count the minima found by each method, in both parts of the functions."""
    result = SuiteResult()
    case = f"global minimum, {functions} published functions, n = 2, a run"
    outcomes = list(zip(trials, found(trials), strict=True))
    for name in dict.fromkeys(trial.method for trial in trials):
        own = [trial for trial in trials if trial.method == name]
        reached = [(trial.function, hit) for trial, hit in outcomes if trial.method == name]
        evaluations = Summary.of(trial.evaluations for trial in own)
        share = _percent([hit for _, hit in reached])
        parts = {
            part: _percent([hit for function, hit in reached if function.held_out == held_out])
            for part, held_out in (("tuning part", False), ("held-out part", True))
        }
        details: dict[str, Any] = {
            "percent_global": share,
            "percent_by_part": parts,
            "evaluations": evaluations.as_dict(),
            "not_found": sorted({function.name for function, hit in reached if not hit}),
        }
        errors = [trial.error for trial in own if trial.error]
        if errors:
            details["error"] = errors[0]
            result.rows.append(Row(case, name, None, WRONG, details=details))
        else:
            seconds = Summary.of(trial.seconds for trial in own)
            result.rows.append(Row(case, name, seconds, OK, {}, details))
        result.notes.append(
            f"global minima, {name:<32} {share:5.1f} % of {len(own)} runs ("
            + ", ".join(f"{part} {p:.0f} %" for part, p in parts.items() if p is not None)
            + f"); evaluations: {evaluations.median:,.0f}"
        )
    return result


def _percent(reached: Sequence[bool]) -> Any:
    return 100.0 * sum(reached) / len(reached) if reached else None

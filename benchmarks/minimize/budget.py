"""How many published functions are solved, by how many evaluations are allowed; nothing tuned.

Everybody runs through a `Recorder` that counts evaluations, those for differences too, keeps the
lowest point so far at each budget, and ends the run at the largest. Limits of SciPy's methods are
raised, so that the budget alone cuts. A run counts as solved with a budget if the lowest point
within it is a local minimum; once a method has ended, that is its end point, for all larger
budgets. The lowest point may be one that a difference looked at, which nobody returns: what
`maxfev` makes of our runs is compared with it.
"""

from __future__ import annotations

import csv
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from fastadam import minimize

from ..functions import Published
from ..functions.registry import Array
from ..harness.plots import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, save
from ..harness.progress import say
from ..harness.report import OK, WRONG, Options, Row, SuiteResult, Verdict
from ..harness.timing import Summary
from ..harness.watch import watched
from .minima import PARTS, STARTS, percent, select
from .trials import OURS, Function, Method, by_scipy, is_local_minimum, ours, random_starts

#: Evaluations for each variable and one more.
BUDGETS = (25, 50, 100, 200, 400, 800, 1_600, 3_200)
#: The least budget that is judged.
JUDGED_FROM = 50
#: The budgets that `maxfev` gets, from one start a function.
CUT_AT = (50, 400)
#: In percentage points: how many more are solved than by any of SciPy's methods.
LIMIT = 0.0
#: In percent of the runs: how often `maxfev` may return less than the recorder.
MOST_LOST = 1.0

#: Colour and marker of each method in the picture.
STYLES = {
    OURS: (BLUE, "o"),
    "SciPy BFGS": (VERMILLION, "D"),
    "SciPy L-BFGS-B": (ORANGE, "s"),
    "SciPy Nelder-Mead": (GREEN, "^"),
    "SciPy Powell": (PURPLE, "v"),
}

_NEVER = 10**9
METHODS: Mapping[str, Method] = {
    OURS: ours,
    "SciPy BFGS": partial(by_scipy, "BFGS", maxiter=_NEVER),
    "SciPy L-BFGS-B": partial(by_scipy, "L-BFGS-B", maxiter=_NEVER, maxfun=_NEVER),
    "SciPy Nelder-Mead": partial(by_scipy, "Nelder-Mead", maxiter=_NEVER, maxfev=_NEVER),
    "SciPy Powell": partial(by_scipy, "Powell", maxiter=_NEVER, maxfev=_NEVER),
}


class BudgetSpentError(Exception):
    """The largest budget is used up."""


class Recorder:
    """A function that keeps the lowest point within each budget.

    Parameters
    ----------
    fun : callable
    budgets : sequence of int
        Numbers of evaluations, ascending; one more than the last raises `BudgetSpentError`.
    """

    def __init__(self, fun: Function, budgets: Sequence[int]) -> None:
        self._fun, self._budgets = fun, budgets
        self._lowest: Array | None = None
        self._least = np.inf
        self._count = 0
        self.points: list[Array] = []

    def __call__(self, x: Array) -> float:
        """Return the value; count the evaluation."""
        if self._count == self._budgets[-1]:
            raise BudgetSpentError
        f = float(self._fun(x))
        self._count += 1
        if self._lowest is None or f < self._least:
            self._lowest = x.copy()
            self._least = f if f == f else np.inf  # NaN is higher than all else
        if self._count == self._budgets[len(self.points)]:
            self.points.append(self._lowest)
        return f


def points_by_budget(
    method: Method, fun: Function, start: Array, budgets: Sequence[int]
) -> list[Array]:
    """Run a method; return the lowest point within each budget, or its end point."""
    recorder = Recorder(fun, budgets)
    try:
        end = method(recorder, start.copy()).x
    except BudgetSpentError:
        return recorder.points
    return recorder.points + [end] * (len(budgets) - len(recorder.points))


@dataclass
class Curve:
    """What became of one method's runs.

    Attributes
    ----------
    solved : dict of int to list of (str, bool)
        By budget: the function and whether a run on it is at a minimum.
    seconds : list of float
        By run.
    exceeded : list of str
        Functions on which `maxfev` was exceeded; of ours alone.
    cut : dict of int to list of (str, bool, bool)
        By budget for `maxfev`: the function, and whether the recorded run and the result are at a
        minimum.
    """

    solved: dict[int, list[tuple[str, bool]]] = field(default_factory=lambda: defaultdict(list))
    seconds: list[float] = field(default_factory=list)
    exceeded: list[str] = field(default_factory=list)
    cut: dict[int, list[tuple[str, bool, bool]]] = field(default_factory=lambda: defaultdict(list))

    def shares(self) -> dict[int, Summary]:
        """Return the percentage solved, by budget."""
        return {budget: percent(outcomes) for budget, outcomes in self.solved.items()}


def trace(curves: Mapping[str, Curve], function: Published, starts: int) -> None:
    """Add all methods' runs on a function to their curves."""
    size = function.lower.size + 1
    judged: dict[bytes, bool] = {}

    def at_minimum(x: Array) -> bool:
        key = x.tobytes()
        if key not in judged:
            judged[key] = is_local_minimum(function.fun, x)
        return judged[key]

    for number, start in enumerate(random_starts(function, starts)):
        for name, curve in curves.items():
            begin = perf_counter()
            budgets = [size * budget for budget in BUDGETS]
            points = points_by_budget(METHODS[name], function.fun, start, budgets)
            curve.seconds.append(perf_counter() - begin)
            solved = dict(zip(BUDGETS, map(at_minimum, points), strict=True))
            for budget, outcome in solved.items():
                curve.solved[budget].append((function.name, outcome))
            if name == OURS and number == 0:
                _cut(curve, function, start, solved, at_minimum)


def _cut(
    curve: Curve,
    function: Published,
    start: Array,
    solved: Mapping[int, bool],
    at_minimum: Callable[[Array], bool],
) -> None:
    """Let `maxfev` cut our runs, and compare."""
    for budget in CUT_AT:
        most = budget * (start.size + 1)
        result = minimize(function.fun, start, options={"maxfev": most})
        curve.cut[budget].append((function.name, solved[budget], at_minimum(result.x)))
        if result.nfev > most:
            curve.exceeded.append(function.name)


@watched
def budget(options: Options, parts: Sequence[str] = PARTS) -> SuiteResult:
    """Run all methods on the published functions with a budget; see `minima.local_minima`."""
    result = SuiteResult()
    for part, functions in select(options, parts):
        curves = {name: Curve() for name in METHODS}
        starts = 1 if options.quick else STARTS
        # BLAS on one thread, as in `minima`; warnings are of overflows.
        with threadpool_limits(1), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for i, function in enumerate(functions):
                if i % 25 == 0:
                    say(f"budgets, {part}, from function {i + 1} of {len(functions)}")
                trace(curves, function, starts)
        case = f"{part}: {len(functions)} functions, {starts} starts each, budgets, a recorded run"
        result.extend(summarise(part, case, curves))
    return result


def summarise(part: str, case: str, curves: Mapping[str, Curve]) -> SuiteResult:
    """Make rows, notes and verdicts."""
    result = SuiteResult()
    shares = {name: curve.shares() for name, curve in curves.items()}
    mine = curves[OURS]
    error = f"maxfev exceeded on {', '.join(mine.exceeded)}" if mine.exceeded else ""
    for name, curve in curves.items():
        details: dict[str, Any] = {
            "budget_part": part,
            "percent_solved": {str(k): share.as_dict() for k, share in shares[name].items()},
        }
        if name == OURS and error:
            result.rows.append(Row(case, name, None, WRONG, details={**details, "error": error}))
        else:
            result.rows.append(Row(case, name, Summary.of(curve.seconds), OK, details=details))
        figures = ", ".join(f"{k:,}: {share.median:.1f}" for k, share in shares[name].items())
        result.notes.append(f"{part}, {name:<17} % solved with k (n + 1) evaluations: {figures}")
    for k, runs in mine.cut.items():
        recorded, returned = (percent((name, so[i]) for name, *so in runs) for i in (0, 1))
        result.notes.append(
            f"{part}, {OURS}, first starts: maxfev = {k} (n + 1) returns a minimum in "
            f"{returned.median:.1f} %; recorded: {recorded.median:.1f} %"
        )
    result.verdicts += [_compare(part, shares, error), _confirm(part, mine, error)]
    return result


def _compare(part: str, shares: Mapping[str, Mapping[int, Summary]], error: str) -> Verdict:
    """Judge the budget and the method beside which ours is worst."""
    mine = shares[OURS]
    lead, at, theirs = min(
        (mine[k].median - share.median, k, name)
        for name, by_budget in shares.items()
        for k, share in by_budget.items()
        if name != OURS and k >= JUDGED_FROM
    )
    few = not mine[at].quartiles
    note = f"{mine[at].n} runs are too few to judge" if few else f"at {at:,} (n + 1), {theirs}"
    return Verdict(
        f"more functions solved than by any SciPy default, each budget from {JUDGED_FROM} (n + 1)"
        f" up, {part}",
        LIMIT,
        None if few or error else Summary.of([lead]),
        " %",
        at_least=True,
        note=error or note,
        failed=bool(error),
    )


def _confirm(part: str, mine: Curve, error: str) -> Verdict:
    """Judge how often `maxfev` does not return the minimum that was found."""
    lost = percent(
        (name, recorded and not returned)
        for runs in mine.cut.values()
        for name, recorded, returned in runs
    )
    few = "" if lost.quartiles else f"{lost.n} runs are too few to judge"
    return Verdict(
        f"solved when recorded, but not with maxfev, {part}",
        MOST_LOST,
        None if few or error else lost,
        " %",
        note=error or few,
        failed=bool(error),
    )


def write_table(rows: Sequence[Row], path: Path) -> Path:
    """Write the percentages of one part: a line a budget, a column a method."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["evaluations / (n + 1)", *(row.contender for row in rows)])
        for k in BUDGETS:
            solved = [row.details["percent_solved"][str(k)]["median"] for row in rows]
            table.writerow([k, *(f"{share:.1f}" for share in solved)])
    return path


def draw_budget(rows: Sequence[Row], path: Path, part: str) -> Path:
    """Draw the percentages of one part over the budget, with lines from quartile to quartile."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        shares = list(row.details["percent_solved"].values())
        colour, marker = STYLES[row.contender]
        wide = 2.5 if row.contender == OURS else 1.4
        medians = [share["median"] for share in shares]
        axes.plot(BUDGETS, medians, marker=marker, color=colour, lw=wide, label=row.contender)
        low, high = ([share[q] for share in shares] for q in ("q1", "q3"))
        axes.vlines(BUDGETS, low, high, color=colour, lw=1.0, alpha=0.5)
    axes.set_xscale("log")
    axes.set_xticks(BUDGETS, [f"{k:,}" for k in BUDGETS])
    axes.minorticks_off()
    axes.set(xlabel="evaluations allowed / (n + 1)", ylabel=f"% solved, {part}")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return save(figure, path)

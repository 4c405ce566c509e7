"""Set fastadam beside SciPy on functions with known minima: ``python -m examples.scipy_functions``.

All of `fastadam.problems` from random starts, at default settings and without a gradient. It
prints and draws who ends at a minimum, and at what cost.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import fastadam
from fastadam import problems
from fastadam.problems import Problem

from ._shared import plots
from ._shared.command import picture_parser, positive_int, run_command
from ._shared.command import seed as whole_seed

OURS = "fastadam"
SCIPY = ("Nelder-Mead", "BFGS", "L-BFGS-B")
METHODS = (OURS, *SCIPY)

#: Of values, beside 1 + abs(f): closer ones count as equal.
TOLERANCE = 1e-5

#: How a run ended.
GLOBAL, LOCAL, NEITHER = "the global minimum", "another local minimum", "no minimum"

#: Pixels. The figure is drawn at a size in inches at which the text is legible on a page.
SIZE = (1600, 1000)
DPI = 130

_COLOURS = dict(zip(METHODS, (plots.BLUE, plots.ORANGE, plots.BLACK, plots.GREEN), strict=True))
_DASHES = dict(zip(METHODS, ("-", "--", "-.", ":"), strict=True))
_OUTCOME_COLOURS = {GLOBAL: plots.BLUE, LOCAL: plots.SKY, NEITHER: plots.VERMILLION}


@dataclass(frozen=True)
class Run:
    """One method from one start."""

    problem: Problem
    method: str
    x: NDArray[np.float64]
    f: float
    evaluations: int
    seconds: float
    outcome: str

    @property
    def solved(self) -> bool:
        """Whether it ended at a minimum of either kind."""
        return self.outcome != NEITHER


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    return run_command(_parser(), arguments, _work)


def _work(options: argparse.Namespace) -> None:
    chosen = _chosen(options.problems)
    # Vectors this short are not worth a second thread: SciPy's methods would wait for it.
    with threadpool_limits(1, user_api="blas"):
        runs = list(run_all(chosen, options.starts, options.seed))
    print(f"{format_table(runs)}\n\n{format_verdict(runs)}", flush=True)
    draw(runs, options.output)
    print(f"\nDrawn to {options.output}")


def _parser() -> argparse.ArgumentParser:
    parser = picture_parser(
        "scipy_functions",
        "Minimise fastadam's test problems with fastadam and with SciPy, all at their "
        "defaults and without a gradient.",
    )
    parser.add_argument(
        "--starts", type=positive_int, metavar="N", default=5, help="starts a problem (5)"
    )
    parser.add_argument(
        "--seed", type=whole_seed, metavar="N", default=0, help="of the random starts (0)"
    )
    parser.add_argument(
        "--problems",
        nargs="+",
        metavar="NAME",
        choices=[problem.name for problem in problems.catalogue()],
        help="only these (all)",
    )
    return parser


def _chosen(names: Sequence[str] | None) -> list[Problem]:
    """Return the problems of these names, in the catalogue's order."""
    return [p for p in problems.catalogue() if names is None or p.name in names]


def run_all(chosen: Sequence[Problem], starts: int, seed: int) -> Iterator[Run]:
    """Run every method on every problem, each from the same starts, drawn from its box.

    Parameters
    ----------
    chosen : sequence of Problem
    starts : int
        How many starts a problem has.
    seed : int
        Of the starts. Those of a problem do not depend on which others are chosen.
    """
    for problem in chosen:
        rng = np.random.default_rng([seed, *problem.name.encode()])
        # The compilation of the function is not part of a method's time.
        fastadam.minimize(problem.fun, problem.x0, options={"maxiter": 0})
        for _ in range(starts):
            x0 = problem.random_start(rng)
            for method in METHODS:
                yield run(problem, method, x0)


def run(problem: Problem, method: str, x0: NDArray[np.float64]) -> Run:
    """Minimise once, and find out what kind of point that has led to."""
    # The box is for the starts alone: BFGS knows no bounds.
    if method == OURS:
        minimize: Callable[..., Any] = fastadam.minimize
        options = {}
    else:
        minimize, options = _scipy_minimize, {"method": method}
    begin = time.perf_counter()
    result = minimize(problem.fun, x0, **options)
    seconds = time.perf_counter() - begin
    f = float(result.fun)
    outcome = classify(problem, result.x, f)
    return Run(problem, method, result.x, f, result.nfev, seconds, outcome)


def classify(problem: Problem, x: NDArray[np.float64], f: float) -> str:
    """Tell whether a point is a minimum: one that two solvers of SciPy's cannot improve on.

    A plain counts as one, since nothing there says otherwise. And where a minimum is far from
    the origin and its neighbour close, Nelder-Mead, whose first steps are 5 % of the coordinates,
    may find the neighbour the better: then it does not count.
    """
    if f <= problem.fmin + TOLERANCE * (1.0 + abs(problem.fmin)):
        return GLOBAL
    if not np.isfinite(f):
        return NEITHER
    polished = [float(_scipy_minimize(problem.fun, x, method=m).fun) for m in SCIPY[:2]]
    return LOCAL if f - np.nanmin([f, *polished]) < TOLERANCE * (1.0 + abs(f)) else NEITHER


def _scipy_minimize(fun: Callable[..., float], x0: NDArray[np.float64], method: str) -> Any:
    # Steps to where a function overflows are refused, but not without a warning.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return scipy.optimize.minimize(fun, x0, method=method)


def format_table(runs: Sequence[Run]) -> str:
    """Return a table with a row a problem and three columns a method, and the totals."""

    def row(label: str, n: object, cells: Sequence[Sequence[object]]) -> str:
        columns = [f"   {found:>3} {best:>4} {cost:>9}" for found, best, cost in cells]
        return f"{label:<25} {n:>3}" + "".join(columns)

    def counts(problem: Problem | None = None) -> list[tuple[object, ...]]:
        groups = [_select(runs, method, problem) for method in METHODS]
        return [
            (
                sum(run.solved for run in own),
                sum(run.outcome == GLOBAL for run in own),
                f"{_median_evaluations(own):,}",
            )
            for own in groups
        ]

    times = [1e3 * float(np.median([run.seconds for run in _select(runs, m)])) for m in METHODS]
    header = row("problem", "n", [("min", "glob", "evals")] * len(METHODS))
    rule = "-" * len(header)
    chosen = list(dict.fromkeys(run.problem for run in runs))
    lines = [
        f"{'':<29}" + "".join(f"   {method:^18}" for method in METHODS),
        header,
        rule,
        *(row(problem.name, problem.x0.size, counts(problem)) for problem in chosen),
        rule,
        row(f"all, of {len(_select(runs, OURS))} runs", "", counts()),
        row("median ms a run", "", [("", "", f"{ms:.2f}") for ms in times]),
        "",
        "min: runs that end at a minimum, local or global; glob: at the global one;",
        "evals: median number of evaluations of the function, differences included.",
    ]
    return "\n".join(lines)


def format_verdict(runs: Sequence[Run]) -> str:
    """Say where fastadam is worse than SciPy in these runs, and how much dearer it is."""
    lines = [
        "Ends at a minimum: " + _shares(runs, lambda run: run.solved),
        "At the global one: " + _shares(runs, lambda run: run.outcome == GLOBAL),
        *_worse(runs, "a minimum", lambda run: run.solved),
        *_worse(runs, "the global minimum", lambda run: run.outcome == GLOBAL),
    ]
    for method in SCIPY:
        ratios = cost_ratios(runs, method)
        if ratios.size:
            dearer = int(np.count_nonzero(ratios > 1.0))
            lines.append(
                f"Cost: where both end at a minimum, fastadam takes {np.median(ratios):,.1f} times "
                f"{method}'s evaluations (median); more in {dearer} of {ratios.size} runs."
            )
    return "\n".join(lines)


def cost_ratios(runs: Sequence[Run], method: str) -> NDArray[np.float64]:
    """Return how many times a method's evaluations fastadam took, where both end at a minimum."""
    pairs = zip(_select(runs, OURS), _select(runs, method), strict=True)
    return np.array([a.evaluations / b.evaluations for a, b in pairs if a.solved and b.solved])


def _shares(runs: Sequence[Run], counts: Callable[[Run], bool]) -> str:
    shares = (np.mean([counts(run) for run in _select(runs, method)]) for method in METHODS)
    return ", ".join(f"{m} {share:.0%}" for m, share in zip(METHODS, shares, strict=True)) + "."


def _worse(runs: Sequence[Run], what: str, counts: Callable[[Run], bool]) -> Iterator[str]:
    """Yield a line on the problems where one of SciPy's methods gets there more often."""
    losses = []
    for problem in dict.fromkeys(run.problem for run in runs):
        hits = {m: sum(counts(run) for run in _select(runs, m, problem)) for m in METHODS}
        best = max(SCIPY, key=lambda method: hits[method])
        if hits[best] > hits[OURS]:
            losses.append(f"{problem.name} ({hits[OURS]} against {best}'s {hits[best]})")
    yield f"Worse at reaching {what}: {', '.join(losses) or 'nowhere'}."


def _select(runs: Sequence[Run], method: str, problem: Problem | None = None) -> list[Run]:
    return [run for run in runs if run.method == method and problem in (None, run.problem)]


def _median_evaluations(runs: Sequence[Run]) -> int:
    return int(np.median([run.evaluations for run in runs]))


def draw(runs: Sequence[Run], path: Path) -> None:
    """Draw how the runs ended, problem by problem, and what share had by what cost.

    Parameters
    ----------
    runs : sequence of Run
    path : Path
        The picture; its suffix decides the format.
    """
    figure = plots.make_figure(*SIZE, DPI)
    style = {"width_ratios": [1.75, 1.0]}
    panels: Any = figure.subplot_mosaic(
        [["matrix", "any"], ["matrix", "global"]], gridspec_kw=style
    )
    _draw_matrix(panels["matrix"], runs)
    _draw_profile(panels["any"], runs, "a minimum", lambda run: run.solved)
    _draw_profile(panels["global"], runs, "the global minimum", lambda run: run.outcome == GLOBAL)
    panels["any"].tick_params(labelbottom=False)  # as below
    panels["global"].set_xlabel("evaluations of the function")
    plots.save_figure(figure, path)


def _draw_matrix(axes: Any, runs: Sequence[Run]) -> None:
    """Draw a cell a problem and method: a bar of its outcomes, and its median cost."""
    from matplotlib.patches import Patch

    chosen = list(dict.fromkeys(run.problem for run in runs))
    for column, method in enumerate(METHODS):
        for row, problem in enumerate(chosen):
            own = _select(runs, method, problem)
            left = float(column)
            for outcome, colour in _OUTCOME_COLOURS.items():
                share = sum(run.outcome == outcome for run in own) / len(own)
                axes.barh(row, 0.55 * share, left=left, height=0.72, color=colour)
                left += 0.55 * share
            text = _brief(_median_evaluations(own))
            axes.text(column + 0.6, row, text, va="center", fontsize=8)
    axes.set_yticks(range(len(chosen)), [_titled(problem) for problem in chosen], fontsize=8)
    axes.set_xticks([column + 0.28 for column in range(len(METHODS))], METHODS)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set(xlim=(-0.02, len(METHODS) - 0.1), ylim=(len(chosen) - 0.5, -0.5))
    plots.open_frame(axes, axes.spines)
    patches = [Patch(color=colour, label=name) for name, colour in _OUTCOME_COLOURS.items()]
    place = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.005), "ncols": len(patches)}
    axes.legend(handles=patches, frameon=False, fontsize=9, handlelength=1.2, **place)
    axes.set_title("where the runs end, and their median number of evaluations", fontsize=10)


def _draw_profile(axes: Any, runs: Sequence[Run], what: str, counts: Callable[[Run], bool]) -> None:
    """Draw the share of a method's runs that have ended well, over the cost."""
    limit = 1.3 * max(run.evaluations for run in runs)
    ends = {}
    for method in METHODS:
        own = _select(runs, method)
        costs = sorted(run.evaluations for run in own if counts(run))
        shares = 100 * np.arange(len(costs) + 1) / len(own)
        ends[method] = shares[-1]
        steps = [1, *costs, limit], [*shares, shares[-1]]
        style = {"color": _COLOURS[method], "linestyle": _DASHES[method]}
        width = 2.4 if method == OURS else 1.7
        axes.plot(*steps, drawstyle="steps-post", linewidth=width, **style)
    for method, height in plots.spread_labels(ends, 6.0).items():
        label = f"{method} {ends[method]:.0f} %"
        place = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 9}
        axes.annotate(label, (1.02, height), color=_COLOURS[method], **place)
    least = min(run.evaluations for run in runs)
    axes.set(xscale="log", xlim=(0.8 * least, limit), ylim=(0, 100))
    axes.set_title(f"% of the runs that have ended at {what}", fontsize=10)
    axes.grid(alpha=0.25)
    plots.open_frame(axes)


def _titled(problem: Problem) -> str:
    return f"{problem.name.replace('_', ' ')}, n = {problem.x0.size}"


def _brief(number: int) -> str:
    """Write a number with three digits: 12,345 as 12.3k."""
    if number < 1000:
        return str(number)
    size, unit = (number / 1e3, "k") if number < 999_500 else (number / 1e6, "M")
    return f"{size:.3g}{unit}"


if __name__ == "__main__":
    sys.exit(main())

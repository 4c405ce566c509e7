"""Descend into Rosenbrock's valley with seven methods: ``python -m examples.rosenbrock``.

It prints a table and draws the paths over the contours of the function, with its value against
the iterations beside them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

import fastadam
from fastadam import problems

from ._shared import plots
from ._shared.command import picture_parser, positive_int, run_command

#: Pixels. The figure is drawn at a size in inches at which the text is legible on a page.
SIZE = (1600, 700)
DPI = 160

#: The part of the plane that the contours show.
VIEW = ((-1.75, 1.65), (-0.6, 2.1))

#: After how many iterations the paths have a dot.
MILESTONE = 100

#: The contours with a label.
LABELLED = (0.1, 1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True)
class Contender:
    """One method and how it is drawn: colour, dashes or marker alone tell it from the others."""

    label: str
    #: Of `fastadam.minimize`, or "BFGS" for SciPy's.
    method: str
    lr: float | str | None
    colour: str
    dashes: Any
    marker: str


# The learning rates come from 1, 2 and 5 times powers of ten. SGD and momentum have the largest
# that work. Adam is faster with up to 0.5, on a path that is all over the place; AdamW has Adam's,
# so that they differ in the weight decay alone. A larger one would keep RMSprop farther from the
# minimum for ever, and a smaller one is slower.
CONTENDERS = (
    Contender("SGD", "sgd", 0.002, plots.ORANGE, (0, (1, 1)), "v"),
    Contender("momentum", "momentum", 0.002, plots.VERMILLION, (0, (4, 1)), "s"),
    Contender("RMSprop", "rmsprop", 0.001, plots.PURPLE, (0, (4, 1, 1, 1)), "D"),
    Contender("AdamW", "adamw", 0.1, plots.GREEN, (0, (6, 2)), "^"),
    Contender("Adam", "adam", 0.1, plots.SKY, (0, (2, 1)), "P"),
    Contender("Adam", "adam", "auto", plots.BLUE, "-", "o"),
    Contender("BFGS (SciPy)", "BFGS", None, plots.BLACK, (0, (3, 1, 1, 1, 1, 1)), "X"),
)


@dataclass(frozen=True)
class Descent:
    """What a method did."""

    contender: Contender
    #: The iterates, one a row, from the start on.
    path: NDArray[np.float64]
    #: The function at each.
    values: NDArray[np.float64]
    iterations: int
    evaluations: int
    #: The point that the method returns, and the function there.
    x: NDArray[np.float64]
    f: float
    converged: bool

    @property
    def distance(self) -> float:
        """Distance of the returned point from the minimum."""
        return float(np.linalg.norm(self.x - problems.rosenbrock().minimizers[0]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    return run_command(_parser(), arguments, _work)


def _work(options: argparse.Namespace) -> None:
    descents = [descend(contender, options.maxiter) for contender in CONTENDERS]
    print(format_table(descents))
    draw(descents, options.output)
    print(f"\nDrawn to {options.output}")


def _parser() -> argparse.ArgumentParser:
    parser = picture_parser(
        "rosenbrock",
        "Draw how Adam, AdamW, SGD, RMSprop and BFGS descend into Rosenbrock's valley.",
    )
    parser.add_argument(
        "--maxiter",
        type=positive_int,
        metavar="N",
        default=20_000,
        help="iterations that a method has at most (20000)",
    )
    return parser


def descend(contender: Contender, maxiter: int) -> Descent:
    """Minimise Rosenbrock's function from (-1.2, 1) and keep every iterate."""
    problem = problems.rosenbrock()
    options: dict[str, Any] = {"maxiter": maxiter, "return_all": True}
    if contender.method == "BFGS":
        minimize = scipy.optimize.minimize
    else:
        minimize = fastadam.minimize
        options["lr"] = contender.lr
    result = minimize(
        problem.fun_and_jac, problem.x0, method=contender.method, jac=True, options=options
    )
    path = np.array(result.allvecs)
    return Descent(
        contender,
        path,
        np.array([problem.fun(x) for x in path]),
        result.nit,
        result.nfev,
        result.x,
        float(result.fun),
        bool(result.success),
    )


def format_table(descents: Sequence[Descent]) -> str:
    """Return a table with a row a method, and what it shows."""
    header = (
        f"{'method':<18}  {'lr':>5}  {'iterations':>10}  {'evaluations':>11}  "
        f"{'f':>8}  {'distance':>8}"
    )
    lines = [header, "-" * len(header)]
    for descent in descents:
        lr = descent.contender.lr
        shown = lr if isinstance(lr, str) else "" if lr is None else f"{lr:g}"
        lines.append(
            f"{descent.contender.label:<18}  {shown:>5}  {descent.iterations:>10,}  "
            f"{descent.evaluations:>11,}  {descent.f:>8.1e}  {descent.distance:>8.1e}"
            f"{'' if descent.converged else '  not converged'}"
        )
    lines += [
        "",
        "An evaluation is one of the function with its gradient; distance is that of the best",
        "point from the minimum at (1, 1). AdamW's weight decay moves its resting point away",
        "from there; RMSprop with a constant lr circles around it, at a distance that grows",
        "with lr.",
    ]
    return "\n".join(lines)


def draw(descents: Sequence[Descent], path: Path) -> None:
    """Draw the paths over the contours, and the value against the iterations.

    Parameters
    ----------
    descents : sequence of Descent
        In the order of the legend; later ones cover earlier ones.
    path : Path
        The picture; its suffix decides the format.
    """
    figure = plots.make_figure(*SIZE, DPI)
    plane, curves = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1.12, 1.0]})
    _draw_plane(plane, descents)
    _draw_curves(curves, descents)
    plots.save_figure(figure, path)


def _draw_plane(axes: Any, descents: Sequence[Descent]) -> None:
    """Draw the contours, the paths, the start and the minimum."""
    problem = problems.rosenbrock()
    x, y = (np.linspace(*limits, 300) for limits in VIEW)
    heights = np.array([[problem.fun(np.array([u, v])) for u in x] for v in y])
    levels = np.logspace(-2, 3.5, 12)
    logs = np.log10(np.maximum(heights, levels[0] / 10))
    # Pale, so that seven colours stand out against it.
    axes.contourf(x, y, logs, np.log10(levels), cmap="Greys", vmin=-2, vmax=12, extend="both")
    labelled = axes.contour(x, y, heights, LABELLED, colors="#8a8a8a", linewidths=0.7)
    axes.clabel(labelled, fmt="%g", fontsize=8, colors="#5a5a5a")
    for descent in descents:
        contender = descent.contender
        style = {"color": contender.colour, "linestyle": contender.dashes}
        axes.plot(*descent.path.T, linewidth=1.2, **style)
    # The paths share the valley floor: where each has got to tells them apart.
    for descent in descents:
        contender = descent.contender
        there = descent.path[min(MILESTONE, descent.iterations)]
        axes.plot(
            *there,
            contender.marker,
            color=contender.colour,
            markersize=8,
            markeredgecolor="white",
            markeredgewidth=0.9,
            zorder=4,
        )
    axes.plot(*problem.x0, "s", color="white", markersize=7, zorder=5, markeredgecolor="black")
    axes.plot(
        *problem.minimizers[0], "*", color="white", markersize=13, zorder=5, markeredgecolor="black"
    )
    axes.annotate("start", problem.x0, (-7, -13), textcoords="offset points", ha="right")
    axes.annotate("minimum", problem.minimizers[0], (9, -12), textcoords="offset points")
    axes.set(xlim=VIEW[0], ylim=VIEW[1], xlabel="$x_1$", ylabel="$x_2$")
    axes.set_title(f"paths from (-1.2, 1); symbols: after {MILESTONE} iterations", fontsize=10)


def _draw_curves(axes: Any, descents: Sequence[Descent]) -> None:
    """Draw the best value so far against the iterations."""
    for descent in descents:
        contender = descent.contender
        label = contender.label
        if contender.lr is not None:
            label += f", lr {contender.lr}"
        # The value itself goes up and down by orders of magnitude: the lines would hide each
        # other. And the best point is the one that is returned.
        best = np.minimum.accumulate(descent.values)
        style = {"color": contender.colour, "marker": contender.marker}
        lines = {"linestyle": contender.dashes, "markevery": [0], "markersize": 6, "label": label}
        axes.plot(best, linewidth=1.7, **style, **lines)
        axes.plot(len(best) - 1, best[-1], markersize=6, **style)
    axes.set_xscale("symlog", linthresh=1, linscale=0.6)  # logarithmic, but shows the start, too
    axes.set(xlim=(0, None), yscale="log", xlabel="iteration", ylabel="lowest $f$ so far")
    axes.grid(alpha=0.25)
    axes.legend(
        frameon=False,
        loc="lower left",
        fontsize=8,
        handlelength=2.2,
        borderaxespad=0.2,
        title="each lr chosen\nby hand, but auto",
        title_fontsize=8,
        alignment="left",
    )
    plots.open_frame(axes)


if __name__ == "__main__":
    sys.exit(main())

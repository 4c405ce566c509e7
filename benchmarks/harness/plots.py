"""Pictures of what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .report import Row, format_seconds
from .timing import Summary

#: The palette of Okabe and Ito, whose colours colour-blind eyes tell apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

#: One look a contender, the same in every picture: colour, marker, line style.
_STYLES = {
    "fastadam": (BLUE, "o", "-"),
    "fastadam threads=1": (SKY, "v", ":"),
    "fastadam threads=all": (SKY, "^", "--"),
    "traffic probe": (BLACK, "x", "--"),
    "NumPy textbook": (GREEN, "s", "-"),
    "NumPy in place": (GREEN, "D", "--"),
    "torch fused": (VERMILLION, "P", "-"),
    "torch foreach": (ORANGE, "<", "--"),
    "torch for-loop": (PURPLE, ">", "-."),
}
_OTHER = (BLACK, "o", "-")

#: From this ratio of the largest to the smallest on, an axis is logarithmic.
_WIDE = 20.0

#: Median and quartiles.
Spread = tuple[float, float, float]


def drawable(rows: Iterable[Row]) -> list[tuple[Row, Summary, float, float]]:
    """Return the rows that a picture can show, with times and quartiles: enough runs, and right."""
    return [
        (row, row.timing, *row.timing.quartiles)
        for row in rows
        if row.timing and row.timing.quartiles
    ]


def draw_step_times(rows: Sequence[Row], title: str, path: Path) -> Path:
    """Draw time a step over the number of parameters, and how many times ours it is.

    Parameters
    ----------
    rows : sequence of Row
        All of them `drawable`, with ``details["parameters"]``, and ``ratios["fastadam"]`` for all
        but fastadam.
    title : str
    path : Path
        Where to.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.5), layout="constrained")
    for name in dict.fromkeys(row.contender for row in rows):
        own = sorted(
            (row for row in rows if row.contender == name), key=lambda r: r.details["parameters"]
        )
        colour, marker, style = _STYLES.get(name, _OTHER)
        look = {"color": colour, "marker": marker, "linestyle": style, "markersize": 6}
        if name == "fastadam":
            look |= {"linewidth": 2.5, "zorder": 5}
        sizes = [row.details["parameters"] for row in own]
        times = [(t.median, q1, q3) for _, t, q1, q3 in drawable(own)]
        spread = [
            [1e6 * (median - q1) for median, q1, _ in times],
            [1e6 * (q3 - median) for median, _, q3 in times],
        ]
        medians = [1e6 * median for median, _, _ in times]
        left.errorbar(sizes, medians, spread, label=name, capsize=3, elinewidth=1, **look)
        ratios = [row.ratios.get("fastadam") for row in own]
        if name == "fastadam":
            right.axhline(1.0, color=colour, linewidth=2.5)
        elif all(ratios):
            right.plot(sizes, [1 / ratio.median for ratio in ratios if ratio], **look)
    left.set(xscale="log", yscale="log", ylabel="time of a step (µs), median and quartiles")
    right.set(xscale="log", yscale="log", ylabel="times as long as fastadam")
    right.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for axes in (left, right):
        axes.set_xlabel("float32 parameters")
        axes.grid(True, which="major", alpha=0.3)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=9)
    figure.suptitle(title)
    return save(figure, path)


def draw_points(rows: Sequence[Row], title: str, path: Path) -> list[Path]:
    """Draw a point a row, with a line from quartile to quartile; nothing if none is drawable."""
    drawn = drawable(rows)
    if not drawn:
        return []
    figure, axes = plt.subplots(figsize=(9, 1.4 + 0.5 * len(drawn)), layout="constrained")
    draw_times(axes, rows, title)
    return [save(figure, path)]


def draw_times(axes: Axes, rows: Sequence[Row], title: str) -> None:
    """Draw the times of the rows that are drawable."""
    drawn = drawable(rows)
    for place, (row, timing, q1, q3) in enumerate(drawn):
        text = format_seconds(timing.median)
        if "accuracy" in row.details:
            text += f", {row.details['accuracy']:.2%} after {row.details['epochs']} epochs"
        draw_point(axes, place, (timing.median, q1, q3), is_ours(row.contender), text)
    name_places(axes, [row.contender for row, *_ in drawn], title)
    medians = [timing.median for _, timing, *_ in drawn]
    if max(medians) > _WIDE * min(medians):
        axes.set_xscale("log")
        axes.margins(x=0.25)
    else:
        axes.set_xlim(0.0, 1.35 * max(q3 for *_, q3 in drawn))
    axes.xaxis.set_major_formatter(lambda value, _: format_seconds(value) if value > 0 else "0")
    axes.set_xlabel("median, with a line from quartile to quartile")


def draw_point(
    axes: Axes, place: float, spread: Spread, ours: bool, text: str, *, hollow: bool = False
) -> None:
    """Draw a point with a line from quartile to quartile, and what it says beside it.

    Parameters
    ----------
    axes : Axes
    place : float
        How far down.
    spread : tuple of float
        Median and quartiles.
    ours : bool
        A blue circle, or else a black diamond.
    text : str
    hollow : bool
        Whether only its outline is drawn.
    """
    median, q1, q3 = spread
    colour, marker = (BLUE, "o") if ours else (BLACK, "D")
    axes.plot([q1, q3], [place, place], color=colour, linewidth=2.5, solid_capstyle="butt")
    face = "white" if hollow else colour
    style: dict[str, Any] = {"markerfacecolor": face, "markersize": 8, "markeredgewidth": 1.5}
    axes.plot(median, place, marker, color=colour, **style)
    beside: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 9}
    axes.annotate(text, (max(median, q3), place), (9, 0), **beside)


def name_places(axes: Axes, names: Sequence[str], title: str) -> None:
    """Write the names at the left, the first one at the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title(title, fontsize=11)
    axes.grid(axis="x", alpha=0.3)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def is_ours(contender: str) -> bool:
    """Tell whether a contender is fastadam."""
    return "fastadam" in contender or contender.startswith("multistart")


def save(figure: Figure, path: Path) -> Path:
    """Write a figure."""
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path

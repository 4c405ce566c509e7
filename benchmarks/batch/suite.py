"""`fastadam.minimize_batch` and `multistart`: speed, memory and truth of many solves at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ..harness.plots import drawable
from ..harness.report import Options, Row, SuiteResult, format_seconds
from .bad_rows import bad_rows
from .fits import fits
from .memory import memory
from .multistart import global_minima
from .snippet import snippet
from .starts import many_starts
from .uneven import uneven

PARTS = (many_starts, snippet, fits, uneven, memory, bad_rows, global_minima)


def run(options: Options) -> SuiteResult:
    """Measure all of it."""
    result = SuiteResult()
    for measure in PARTS:
        result.extend(measure(options))
    return result


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw the times of an iteration and of a fit, and who finds the global minima."""
    timed = [row for row, *_ in drawable(result.rows)]
    by_case: dict[str, list[Row]] = {}
    for row in timed:
        if {"iterations", "fits", "percent_global"} & row.details.keys():
            by_case.setdefault(row.case, []).append(row)
    if not by_case:
        return []
    figure, panels = plt.subplots(
        len(by_case), 1, figsize=(9, 3.4 * len(by_case)), layout="constrained", squeeze=False
    )
    for axes, rows in zip(panels[:, 0], by_case.values(), strict=True):
        if "percent_global" in rows[0].details:
            _draw_shares(axes, rows)
        elif "fits" in rows[0].details:
            _draw_times(axes, rows, 1e-6, "microseconds")
            axes.set_xscale("log")
        else:
            _draw_times(axes, rows, 1e-9, "nanoseconds")
    path = folder / "batch.png"
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return [path]


def _colour(name: str) -> str:
    return "#0050b0" if name.startswith(("fastadam", "multistart")) else "#777777"


def _name_bars(axes: Axes, rows: Sequence[Row]) -> None:
    axes.set_yticks(range(len(rows)), [row.contender for row in rows])
    axes.invert_yaxis()
    axes.set_title(rows[0].case, fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_times(axes: Axes, rows: Sequence[Row], unit: float, name: str) -> None:
    for place, (row, timing, *quartiles) in enumerate(drawable(rows)):
        median, q1, q3 = (t / unit for t in (timing.median, *quartiles))
        whiskers = [[median - q1], [q3 - median]]
        axes.barh(place, median, xerr=whiskers, color=_colour(row.contender), height=0.65)
        text = f"  {format_seconds(timing.median)}"
        axes.text(q3, place, text, va="center", fontsize=9)
    axes.margins(x=0.3)
    axes.set_xlabel(f"{name}, median and quartiles")
    _name_bars(axes, rows)


def _draw_shares(axes: Axes, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        if row.timing is None:
            continue
        share, evaluations = row.details["percent_global"], row.details["evaluations"]["median"]
        axes.barh(place, share, color=_colour(row.contender), height=0.65)
        text = f"{share:.0f} %, {evaluations:,.0f} evaluations, {format_seconds(row.timing.median)}"
        axes.text(share + 1.0, place, text, va="center", fontsize=9)
    axes.set_xlim(0.0, 160.0)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("% of runs that end at the lowest value found by anybody")
    _name_bars(axes, rows)

"""`fastadam.minimize_batch` and `multistart`: speed, memory and truth of many solves at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ..harness.plots import draw_point, draw_times, drawable, is_ours, name_places, save
from ..harness.report import Options, Row, SuiteResult, format_seconds
from .bad_rows import bad_rows
from .fits import fits
from .inside import inside
from .memory import memory
from .multistart import global_minima
from .peaks import two_peaks
from .snippet import snippet
from .starts import many_starts
from .uneven import uneven

# fmt: off
PARTS = (
    many_starts, snippet, fits, inside, uneven, memory, bad_rows, two_peaks, global_minima,
)
# fmt: on


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
        else:
            draw_times(axes, rows, rows[0].case)
    return [save(figure, folder / "batch.png")]


def _draw_shares(axes: Axes, rows: Sequence[Row]) -> None:
    """Draw how often each method finds the global minimum; there is one share, and no spread."""
    for place, (row, timing, *_) in enumerate(drawable(rows)):
        share, evaluations = row.details["percent_global"], row.details["evaluations"]["median"]
        text = f"{share:.0f} %, {evaluations:,.0f} evaluations, {format_seconds(timing.median)}"
        draw_point(axes, place, (share, share, share), is_ours(row.contender), text)
    name_places(axes, [row.contender for row in rows], rows[0].case)
    axes.set_xlim(0.0, 160.0)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("% of runs that end at the lowest value found by anybody")

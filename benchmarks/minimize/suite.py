"""`fastadam.minimize`: time and quality of its solutions beside others'."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ..harness.plots import drawable
from ..harness.report import Options, Row, SuiteResult, format_seconds
from .convex import accuracy
from .first_call import first_call
from .minima import PARTS, local_minima
from .solutions import solutions
from .speed import COMPILED_CASE, compiled, overhead


def run(options: Options, parts: Sequence[str] = PARTS) -> SuiteResult:
    """Measure all of it.

    Parameters
    ----------
    options : Options
        What the command line asked for.
    parts : sequence of str
        The parts of the published functions to look at, see `minimize_minima.local_minima`.
    """
    result = SuiteResult()
    result.notes.append(
        "BLAS has one thread where SciPy's methods run: more make them up to ten times slower"
    )
    for measure in (compiled, overhead, first_call):
        result.extend(measure(options))
    result.extend(local_minima(options, parts))
    for measure in (accuracy, solutions):
        result.extend(measure(options))
    return result


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw the time of an iteration, and who ends at a local minimum."""
    drawn = [row for row, *_ in drawable(result.rows)]
    speed = [row for row in drawn if row.case == COMPILED_CASE]
    quality = [row for row in drawn if "percent_at_a_local_minimum" in row.details]
    if not speed or not quality:
        return []
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.5), layout="constrained")
    _draw_speed(left, speed)
    _draw_quality(right, quality)
    path = folder / "minimize.png"
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return [path]


def _colour(name: str) -> str:
    return "#0050b0" if name.startswith("fastadam") else "#777777"


def _draw_speed(axes: Axes, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        if row.timing is None:
            continue
        median = row.timing.median
        axes.barh(place, 1e9 * median, color=_colour(row.contender), height=0.65)
        axes.text(1.1e9 * median, place, format_seconds(median), va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [row.contender for row in rows])
    axes.invert_yaxis()
    axes.margins(x=0.3)
    axes.set(xscale="log", xlabel="nanoseconds, median", title=rows[0].case)


def _draw_quality(axes: Axes, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(row.contender for row in rows))
    parts = list(dict.fromkeys(row.details["part"] for row in rows))
    height = 0.8 / len(parts)
    for row in rows:
        part = parts.index(row.details["part"])
        place = names.index(row.contender) + (part - (len(parts) - 1) / 2) * height
        share = row.details["percent_at_a_local_minimum"]
        whiskers = [
            [max(0.0, share["median"] - share["q1"])],
            [max(0.0, share["q3"] - share["median"])],
        ]
        axes.barh(
            place,
            share["median"],
            height,
            xerr=whiskers,
            color=_colour(row.contender),
            alpha=1.0 - 0.4 * part,
            capsize=3,
            edgecolor="white",
        )
        axes.text(share["q3"] + 1.0, place, f"{share['median']:.0f}", va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 108)
    axes.set_xlabel("% of runs that end at a local minimum")
    axes.set_title(f"Published functions, random starts: {', then '.join(parts)}", fontsize=11)

"""`fastadam.minimize`: time and quality of its solutions beside others'."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ..harness.plots import draw_point, draw_times, drawable, is_ours, name_places, save
from ..harness.report import Options, Row, SuiteResult
from .budget import budget, draw_budget, write_table
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
        The parts of the published functions to look at, see `minima.local_minima`.
    """
    result = SuiteResult()
    result.notes.append(
        "BLAS has one thread where SciPy's methods run: more make them up to ten times slower"
    )
    for measure in (compiled, overhead, first_call):
        result.extend(measure(options))
    for on_parts in (local_minima, budget):
        result.extend(on_parts(options, parts))
    for measure in (accuracy, solutions):
        result.extend(measure(options))
    return result


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw the time of an iteration, who ends at a local minimum, and who does with a budget."""
    drawn = [row for row, *_ in drawable(result.rows)]
    paths = []
    speed = [row for row in drawn if row.case == COMPILED_CASE]
    quality = [row for row in drawn if "percent_at_a_local_minimum" in row.details]
    if speed and quality:
        figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.5), layout="constrained")
        draw_times(left, speed, COMPILED_CASE)
        _draw_quality(right, quality)
        paths.append(save(figure, folder / "minimize.png"))
    by_part: dict[str, list[Row]] = {}
    for row in drawn:
        if "budget_part" in row.details:
            by_part.setdefault(row.details["budget_part"], []).append(row)
    for part, rows in by_part.items():
        path = folder / f"budget_{part.split()[0]}.csv"
        paths += [write_table(rows, path), draw_budget(rows, path.with_suffix(".png"), part)]
    return paths


def _draw_quality(axes: Axes, rows: Sequence[Row]) -> None:
    """Draw how many runs end at a minimum, a point for each part of the functions."""
    names = list(dict.fromkeys(row.contender for row in rows))
    parts = list(dict.fromkeys(row.details["part"] for row in rows))
    for row in rows:
        part = parts.index(row.details["part"])
        place = names.index(row.contender) + 0.3 * (part - (len(parts) - 1) / 2)
        share = row.details["percent_at_a_local_minimum"]
        spread = share["median"], share["q1"], share["q3"]
        text = f"{share['median']:.0f}"
        draw_point(axes, place, spread, is_ours(row.contender), text, hollow=bool(part))
    looks = zip(("filled", "outline"), parts, strict=False)
    name_places(axes, names, "Published functions: runs that end at a minimum")
    axes.set_xlim(0, 108)
    axes.set_xlabel("% of runs; " + ", ".join(f"{look}: {part}" for look, part in looks))

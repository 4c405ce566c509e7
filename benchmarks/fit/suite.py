"""`fastadam.curve_fit`: many decay curves beside others, one curve beside SciPy, and coverage."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from ..harness.plots import draw_times, drawable, save
from ..harness.report import Options, Row, SuiteResult
from .coverage import coverage
from .many import many_curves
from .one import one_curve

PARTS = (many_curves, one_curve, coverage)


def run(options: Options) -> SuiteResult:
    """Measure all of it."""
    result = SuiteResult()
    for measure in PARTS:
        result.extend(measure(options))
    return result


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw the times, case by case."""
    by_case: dict[str, list[Row]] = {}
    for row, *_ in drawable(result.rows):
        by_case.setdefault(row.case, []).append(row)
    if not by_case:
        return []
    figure, panels = plt.subplots(
        len(by_case), 1, figsize=(9, 2.4 * len(by_case)), layout="constrained", squeeze=False
    )
    for axes, (case, rows) in zip(panels[:, 0], by_case.items(), strict=True):
        draw_times(axes, rows, case)
    return [save(figure, folder / "fit.png")]

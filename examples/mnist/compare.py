"""The runs of ``--compare`` and the table that sets their results side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from workloads.mnist.training import EpochResult

from .settings import Settings

#: What each contender's settings have of its own.
CONTENDERS: tuple[dict[str, str | float], ...] = (
    {"optimizer": "adam", "lr": 0.001},
    {"optimizer": "sgd", "lr": 0.01},
    {"optimizer": "sgd", "lr": 0.01, "momentum": 0.9},
)


def contenders(settings: Settings) -> list[Settings]:
    """Return the settings of each contender, otherwise as `settings` are."""
    return [replace(settings, **own) for own in CONTENDERS]  # type: ignore[arg-type]


def format_table(histories: Mapping[str, Sequence[EpochResult]]) -> str:
    """Return a table with a row an epoch and three columns a run: its loss and both accuracies.

    All have the same epochs. Times are of those that were timed: a file keeps none.
    """
    margin = 10
    header = "loss  accuracy  averaged"
    widths = [max(len(label), len(header)) for label in histories]

    def row(first: str, cells: Sequence[str]) -> str:
        columns = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]
        return "   ".join([f"{first:<{margin}}", *columns])

    lines = [row("", list(histories)), row("epoch", [header] * len(histories))]
    lines.append("-" * len(lines[0]))
    for results in zip(*histories.values(), strict=True):
        cells = [
            f"{result.loss:.4f}   {result.accuracy:6.2%}   {result.averaged_accuracy:6.2%}"
            for result in results
        ]
        lines.append(row(str(results[0].epoch), cells))
    lines.append("-" * len(lines[0]))
    lines.append(row("s an epoch", [_seconds(history) for history in histories.values()]))
    return "\n".join(lines)


def _seconds(history: Sequence[EpochResult]) -> str:
    """Return the median time of an epoch, as it is printed."""
    timed = [result.seconds for result in history if not math.isnan(result.seconds)]
    return f"{np.median(timed):.2f}" if timed else "-"

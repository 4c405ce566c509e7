"""The runs of ``--compare`` and the table that sets their results side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastadam
from workloads.mnist.training import EpochResult

CONTENDERS: dict[str, Callable[[NDArray[np.float32]], Any]] = {
    "Adam, lr 0.001": lambda params: fastadam.Adam(params, lr=1e-3),
    "SGD, lr 0.01": lambda params: fastadam.SGD(params, lr=1e-2),
    "SGD, lr 0.01, momentum 0.9": lambda params: fastadam.SGD(params, lr=1e-2, momentum=0.9),
}


def format_table(histories: Mapping[str, Sequence[EpochResult]]) -> str:
    """Return a table with a row an epoch and two columns, loss and test accuracy, a run."""
    margin = 10
    widths = [max(len(label), 18) for label in histories]

    def row(first: str, cells: Sequence[str]) -> str:
        columns = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]
        return "   ".join([f"{first:<{margin}}", *columns])

    lines = [
        row("", list(histories)),
        row("epoch", ["loss  accuracy"] * len(histories)),
    ]
    lines.append("-" * len(lines[0]))
    for results in zip(*histories.values(), strict=True):
        cells = [f"{result.loss:.4f}   {result.accuracy:6.2%}" for result in results]
        lines.append(row(str(results[0].epoch), cells))
    lines.append("-" * len(lines[0]))
    seconds = [float(np.median([r.seconds for r in history])) for history in histories.values()]
    lines.append(row("s an epoch", [f"{value:.2f}" for value in seconds]))
    return "\n".join(lines)

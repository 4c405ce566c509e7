"""The rules on a GPU: speed beside its memory's limit and torch, and agreement with the CPU.

``python -m benchmarks --suite cuda`` measures all that is asked of it. Where there is no GPU, or
not what it takes to use it, the suite says in a line what is missing and is left out, as any
contender that is not installed; the command's status is 0 also then, as it is for figures that are
not reached. In ``results.json`` its rows and verdicts are then empty.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from ..harness.plots import draw_points
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from .agreement import agreement
from .device import Gpu, headline, state_line
from .fits import fits
from .steps import enqueued_steps, large_steps

PARTS = (agreement, large_steps, enqueued_steps, fits)


def run(options: Options) -> SuiteResult:
    """Measure all of it, where there is a GPU."""
    try:
        gpu = Gpu()
    except (ImportError, RuntimeError) as error:
        return SuiteResult(notes=[f"cuda left out, its figures are still to be measured: {error}"])
    return measure(gpu, options)


def measure(gpu: Any, options: Options) -> SuiteResult:
    """Measure all of it on a GPU."""
    say(headline(gpu.describe()))
    result = SuiteResult()
    for part in PARTS:
        try:
            result.extend(part(gpu, options))
        except Exception as error:  # machines with a GPU are rare: keep what the others found
            traceback.print_exc()
            note = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            what = f"cuda, {part.__name__}: errors"
            result.verdicts.append(Verdict(what, 0.0, None, note=note, failed=True))
    described = gpu.describe()  # again: by now it is known which libraries are used
    line, state = headline(described), state_line(described)
    result.notes.insert(0, f"{line}; in the end {state}" if state else line)
    for row in result.rows:
        row.details["gpu"] = described
    return result


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw the time of a step, a picture for each number of parameters."""
    paths = []
    rows = [row for row in result.rows if row.timing and row.details.get("condition")]
    for case in dict.fromkeys(row.case for row in rows):
        own = [row for row in rows if row.case == case]
        file = f"cuda_{own[0].details['condition']}_{own[0].details['parameters']}.png"
        paths += draw_points(own, case, folder / file)
    return paths

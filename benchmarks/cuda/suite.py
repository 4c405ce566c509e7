"""The rules on a GPU: speed beside its memory's limit and torch, and agreement with the CPU.

``python -m benchmarks --suite cuda`` measures all that is asked of it, in less than five minutes.
Where there is no GPU, or not what it takes to use it, the suite says in a line what is missing and
is left out, as any contender that is not installed; the command's status is 0 also then, as it is
for figures that are not reached. In ``results.json`` its rows and verdicts are then empty.
"""

from __future__ import annotations

from pathlib import Path

from ..harness.plots import draw_points
from ..harness.progress import say
from ..harness.report import Options, SuiteResult
from . import agreement, compiling, fits, forms, gaussians, lists, multistarts, steps
from .device import Gpu, headline, state_line
from .parts import Part, measure_parts

#: The cases of the last one are many and short: it takes what the others leave.
PARTS = (
    Part("steps", steps.large_cases, 45.0),
    Part("small arrays", steps.enqueue_cases, 10.0),
    Part("lists", lists.cases, 20.0),
    Part("decays", fits.cases, 45.0),
    Part("spots", gaussians.cases, 20.0),
    Part("starts", multistarts.cases, 15.0),
    Part("agreement", agreement.cases, 40.0),
    Part("forms", forms.cases, 10.0),
    Part("compiling", compiling.cases, 25.0),
    Part("rules", steps.rule_cases, 40.0),
)


def run(options: Options) -> SuiteResult:
    """Measure all of it, where there is a GPU."""
    try:
        gpu = Gpu()
    except (ImportError, RuntimeError) as error:
        return SuiteResult(notes=[f"cuda left out, its figures are still to be measured: {error}"])
    return measure(gpu, options)


def measure(gpu: Gpu, options: Options) -> SuiteResult:
    """Measure all of it on a GPU."""
    say(headline(gpu.describe()))
    result = measure_parts(PARTS, gpu, options)
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

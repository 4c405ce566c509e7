"""What a program pays before its first step: imports and compilation, in fresh processes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..harness.plots import draw_points
from ..harness.processes import run_fresh
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import make_rows
from ..harness.timing import Record
from ..harness.watch import watched

IMPORT_LIMIT = 0.35
FIRST_STEP_LIMIT = 0.1
#: The smaller runs serially; the larger is where the parallel loop comes in.
SIZES = (1_000, 1_000_000)

_IMPORT = """
from time import perf_counter
start = perf_counter()
import {module}
print("[%r]" % (perf_counter() - start))
"""

_FIRST_STEP = """
from time import perf_counter
start = perf_counter()
import fastadam
imported = perf_counter() - start
import numpy as np
params, grads = np.ones({size}, np.float32), np.full({size}, 0.5, np.float32)
start = perf_counter()
optimizer = fastadam.Adam(params, lr=0.25)
optimizer.step(grads)
stepped = perf_counter() - start
right = bool(np.allclose(params, 0.75, atol=1e-6))
print("[%r, %r, %s]" % (imported, stepped, str(right).lower()))
"""


@watched
def run(options: Options) -> SuiteResult:
    """Measure imports and first steps; the warm cache is filled by a run that is not timed."""
    rounds, cold_rounds = (2, 1) if options.quick else (15, 5)
    records: dict[str, Record] = {}
    wrong: dict[str, str] = {}

    def note(label: str, round_: int, seconds: float) -> None:
        records.setdefault(label, Record()).add(round_, seconds)

    def first_step(kind: str, size: int, round_: int, cache: str) -> None:
        program = _FIRST_STEP.format(size=size)
        imported, stepped, right = run_fresh(program, {"NUMBA_CACHE_DIR": cache})
        if kind == "warm":
            note("import fastadam", round_, imported)
        label = f"fastadam's first step, {size:,} parameters, {kind} cache"
        note(label, round_, stepped)
        if not right:
            wrong[label] = "wrong parameters after the step"

    with tempfile.TemporaryDirectory() as warm:
        for size in SIZES:  # not timed: writes bytecode, fills the cache and the disk's
            run_fresh(_FIRST_STEP.format(size=size), {"NUMBA_CACHE_DIR": warm})
        for round_ in range(rounds):
            say(f"fresh processes, round {round_ + 1} of {rounds}")
            (seconds,) = run_fresh(_IMPORT.format(module="numba"), {})
            note("import numba", round_, seconds)
            for size in SIZES:
                first_step("warm", size, round_, warm)
                if round_ < cold_rounds:
                    with tempfile.TemporaryDirectory() as cold:
                        first_step("cold", size, round_, cold)

    result = SuiteResult(make_rows("startup", records, wrong))
    numba_alone = records["import numba"].summary.median
    result.verdicts.append(
        Verdict(
            "import fastadam, fresh process",
            IMPORT_LIMIT,
            records["import fastadam"].summary,
            " s",
            note=f"numba alone: {numba_alone:.3g} s",
        )
    )
    for size in SIZES:
        label = f"fastadam's first step, {size:,} parameters, warm cache"
        failed = label in wrong
        result.verdicts.append(
            Verdict(
                label,
                FIRST_STEP_LIMIT,
                None if failed else records[label].summary,
                " s",
                note=wrong.get(label, ""),
                failed=failed,
            )
        )
    return result


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw one point for each thing waited for."""
    title = "Before the first step, fresh processes"
    return draw_points(result.rows, title, folder / "startup.png")

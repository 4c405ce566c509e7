"""What the first search on a GPU costs a process: compiled anew, and read from disk.

Each is the first call in a process of its own, beyond the imports and the GPU's own start.
"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import Any

from ..harness.processes import run_fresh
from ..harness.report import Options, SuiteResult
from ..harness.rows import fraction, make_rows
from ..harness.timing import Record
from .parts import Case

COLD, KEPT = "compiled", "read from disk"
#: Of the time that compiling takes.
LIMIT = 0.2
ROUNDS, QUICK_ROUNDS = 3, 1

PROGRAM = """
from time import perf_counter
import numpy as np
from fastadam._numba.gpu import load_cuda
from benchmarks.cuda.fits import solve
from workloads import decays

scene = decays.make_scene(100, seed=0)
starts, y = (a[:2].astype(np.float32) for a in (decays.guess(scene.y), scene.y))
load_cuda().to_device(y).copy_to_host()
begin = perf_counter()
result = solve(starts, y, device="cuda")
seconds = perf_counter() - begin
right = bool(np.all(np.abs(result.x - scene.truth[:2]) < 0.2))
print("[%r, %s]" % (seconds, str(right).lower()))
"""


def cases(options: Options) -> list[Case]:
    """Return the one case."""
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    return [Case("compiling a search", partial(compiling, rounds))]


def compiling(rounds: int, gpu: Any) -> SuiteResult:
    """Time the first calls with nothing on disk, and then with what the first has left there."""
    records, wrong = {COLD: Record(), KEPT: Record()}, {}
    for round_ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            # The driver keeps what it compiles, too.
            environment = {"NUMBA_CACHE_DIR": folder, "CUDA_CACHE_PATH": folder}
            for name, record in records.items():
                seconds, right = run_fresh(PROGRAM, environment)
                record.add(round_, seconds)
                if not right:
                    wrong[name] = "wrong result"
    case = "the first search on a GPU in a process"
    what = f"{case}, {KEPT} / {COLD}"
    result = SuiteResult(make_rows(case, records, wrong, (KEPT,)))
    result.verdicts.append(fraction(what, LIMIT, records, wrong, KEPT, COLD))
    return result

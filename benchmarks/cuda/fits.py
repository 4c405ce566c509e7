"""A million decay curves, a fit each: one GPU in float32 beside the CPU's cores in float64.

The curves are those of `batch.fits`. Both sides get the same call from arrays of the host and are
timed until the results are there, what is copied to the GPU and back included. Nothing is tuned but
the plain Adam beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from workloads import decays
from workloads.decays import LOWER, TIMES, UPPER, Scene

from ..batch import fitters
from ..batch.fits import find_wrong, select_sample
from ..batch.fitters import BOUNDED, TUNED, Curves
from ..harness.adam import Array
from ..harness.machine import describe
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, format_seconds
from ..harness.rows import divided, keeping, make_rows, speedup
from ..harness.timing import Effort, interleave
from ..harness.watch import watched

CURVES, QUICK_CURVES = 1_000_000, 20_000
#: What SciPy fits, too, to tell what is right.
SAMPLE, QUICK_SAMPLE = 200, 50
LIMIT = 20.0

#: If the CPU takes more seconds for all curves, it gets every second, third, ... one.
CPU_SECONDS = 6.0
#: The part of the curves by which that is told.
TRIAL = 50

OURS, VALUES = "fastadam, GPU, float32", "fastadam, GPU, float32, no gradient"
ADAM = "fastadam, GPU, float32, plain Adam, tuned"

#: The tolerance that was chosen is for float64: in float32 a gradient of 1e-6 is its rounding, and
#: one search in ten would go on in vain. The misfits are the same to 1e-3, which is checked.
PLAIN_OPTIONS: dict[str, Any] = {**fitters.PLAIN_OPTIONS, "gtol": 1e-5}


def solve(starts: Array, y: Array, **more: Any) -> Any:
    """Fit curves in the precision of the starts, with the gradient."""
    return fitters.fit(starts, y, **more)


def solve_values(starts: Array, y: Array, **more: Any) -> Any:
    """Fit curves as `solve` does, without the gradient."""
    return solve(starts, y, fun=decays.misfit_alone, jac=None, **more)


def on_gpu(starts: Array, y: Array) -> dict[str, Callable[[], Any]]:
    """Return the calls that fit curves on a GPU."""
    return {
        OURS: lambda: solve(starts, y, device="cuda"),
        VALUES: lambda: solve_values(starts, y, device="cuda"),
        ADAM: lambda: solve(starts, y, device="cuda", options=PLAIN_OPTIONS),
    }


def share_out(scene: Scene, starts: Array, stride: int, sample: int) -> Curves:
    """Give each ``stride``-th curve to the CPU, and draw from these what SciPy fits."""
    part = np.arange(0, len(scene.y), stride)
    drawn = np.random.default_rng(0).choice(part, min(sample, part.size), replace=False)
    return Curves(scene, starts, part, np.sort(drawn))


def choose_stride(solve_some: Callable[[int], object], total: int) -> int:
    """Return which curves the CPU gets, from the time that some take."""
    trial = max(1, total // TRIAL)
    begin = perf_counter()
    solve_some(trial)
    seconds = (perf_counter() - begin) * total / trial
    return max(1, math.ceil(seconds / CPU_SECONDS))


def find_errors(curves: Curves, found: dict[str, Array], which: dict[str, Array]) -> dict[str, str]:
    """Compare misfits on the sample, and look for the bounds in all fits."""
    sampled = {name: select_sample(curves, x, which[name]) for name, x in found.items()}
    wrong = find_wrong(curves, sampled)
    for name, x in found.items():
        broken = int(np.sum(~((x >= LOWER) & (x <= UPPER))))
        if broken:
            wrong[name] = f"{broken} parameters break the bounds"
    return wrong


@watched
def fits(gpu: Any, options: Options) -> SuiteResult:
    """Time a fit on both sides, and check both."""
    count, sample = (QUICK_CURVES, QUICK_SAMPLE) if options.quick else (CURVES, SAMPLE)
    say(f"CUDA, {count:,} decay curves")
    scene = decays.make_scene(count, seed=0)
    y, starts = scene.y, decays.guess(scene.y)
    total = len(starts)
    y32, starts32 = y.astype(np.float32), starts.astype(np.float32)
    for call in on_gpu(starts32[:1], y32[:1]).values():
        call()  # compiles
    solve(starts[:1], y[:1])
    stride = choose_stride(lambda trial: solve(starts[:trial], y[:trial]), total)
    curves = share_out(scene, starts, stride, sample)
    part = curves.part
    part_starts, part_y = starts[part], y[part]

    cores = f"fastadam, {describe()['cores']} CPU cores, float64"
    which = dict.fromkeys((OURS, VALUES, ADAM), np.arange(total))
    which |= {cores: part, BOUNDED: curves.sample}
    calls, results = keeping({**on_gpu(starts32, y32), cores: lambda: solve(part_starts, part_y)})
    calls[OURS]()  # the memory of its results is new
    records = interleave(calls, Effort(rounds=5, samples=1, budget=0.0), warmup=0)
    found = {name: np.asarray(result.x, np.float64) for name, result in results.items()}
    found[BOUNDED], _ = decays.fit_one_by_one(y, starts, curves.sample, bounded=True)
    wrong = find_errors(curves, found, which)
    each = {name: divided(record, len(which[name])) for name, record in records.items()}

    case = f"{total:,} decay curves, 3 parameters, {TIMES.size} points, a fit"
    details = {name: {"fits": len(which[name])} for name in each}
    result = SuiteResult(make_rows(case, each, wrong, (OURS,), details))
    note = "" if stride == 1 else f"the CPU fits {len(part):,} of them: from these to all"
    what = f"{total:,} decay fits, the CPU's cores / a GPU in float32"
    result.verdicts.append(speedup(what, LIMIT, each, wrong, OURS, cores, note))
    begin = perf_counter()
    solve(starts32, y32, device="cuda", options={"maxiter": 0})
    fixed = perf_counter() - begin
    result.notes.append(
        f"decay fits on a GPU: a call takes {format_seconds(records[OURS].summary.median)}, and "
        f"{format_seconds(fixed)} without an iteration; no success: "
        + ", ".join(f"{name} {np.mean(~r.success):.2%}" for name, r in results.items())
    )
    result.notes.append(f"{ADAM}: {TUNED}, gtol={PLAIN_OPTIONS['gtol']:g}")
    gpu.release()
    return result

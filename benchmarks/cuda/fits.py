"""A million decay curves, a fit each: one GPU in float32 beside the CPU's cores in float64.

The curves are those of `batch.fits`. Both sides get the same call from arrays of the host and are
timed until the results are there, what is copied to the GPU and back included; and the GPU gets it
from arrays in its memory, where it leaves the results. Nothing is tuned but the plain Adam.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
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
from ..harness.report import Options, SuiteResult, Verdict, format_seconds
from ..harness.rows import divided, keeping, make_rows, speedup
from ..harness.timing import Effort, Record, Summary, interleave
from ..harness.watch import watched
from .parts import Case

CURVES, QUICK_CURVES = 1_000_000, 20_000
#: What SciPy fits, too, to tell what is right.
SAMPLE, QUICK_SAMPLE = 200, 50
LIMIT = 20.0
#: Millions of fits a second: from the host's memory, and from the GPU's.
RATE_LIMIT, RESIDENT_RATE_LIMIT = 15.0, 40.0

#: If the CPU takes more seconds for all curves, it gets every second, third, ... one.
CPU_SECONDS = 6.0
#: The part of the curves by which that is told.
TRIAL = 50

OURS, RESIDENT = "fastadam, GPU, float32", "fastadam, GPU, float32, from its memory"
VALUES = "fastadam, GPU, float32, no gradient"
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


def waiting(gpu: Any, call: Callable[[], Any]) -> Callable[[], Any]:
    """Let a call wait until the GPU has done all that it was told."""

    def run() -> Any:
        result = call()
        gpu.synchronize()
        return result

    return run


def to_gpu(gpu: Any, array: Array) -> Any:
    """Return a copy in the GPU's memory, as a search takes it."""
    return gpu.arrays.send(array)


def on_host(gpu: Any, array: Any) -> Array:
    """Return an array of the host, copied from the GPU where it is there."""
    return array if isinstance(array, np.ndarray) else gpu.arrays.fetch(array)


def on_gpu(
    gpu: Any, starts: Array, y: Array, there: tuple[Any, Any]
) -> dict[str, Callable[[], Any]]:
    """Return the calls that fit curves on a GPU; `there` are starts and curves in its memory."""
    return {
        OURS: lambda: solve(starts, y, device="cuda"),
        RESIDENT: waiting(gpu, lambda: solve(*there, device="cuda")),
        VALUES: lambda: solve_values(starts, y, device="cuda"),
        ADAM: lambda: solve(starts, y, device="cuda", options=PLAIN_OPTIONS),
    }


def compile_calls(calls: dict[str, Callable[[], Any]]) -> dict[str, str]:
    """Make each call once; return why some are refused."""
    left_out = {}
    for name, call in calls.items():
        try:
            call()
        except (TypeError, ValueError) as error:
            left_out[name] = " ".join(str(error).split())
    return left_out


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


def cases(options: Options) -> list[Case]:
    """Return the one case."""
    count, sample = (QUICK_CURVES, QUICK_SAMPLE) if options.quick else (CURVES, SAMPLE)
    return [Case(f"{count:,} decay curves", partial(fits, count, sample))]


@watched
def fits(count: int, sample: int, gpu: Any) -> SuiteResult:
    """Time a fit on both sides, and check both."""
    scene = decays.make_scene(count, seed=0)
    y, starts = scene.y, decays.guess(scene.y)
    total = len(starts)
    y32, starts32 = y.astype(np.float32), starts.astype(np.float32)
    there = to_gpu(gpu, starts32), to_gpu(gpu, y32)
    one = starts32[:1], y32[:1]
    left_out = compile_calls(on_gpu(gpu, *one, (to_gpu(gpu, one[0]), to_gpu(gpu, one[1]))))
    solve(starts[:1], y[:1])
    stride = choose_stride(lambda trial: solve(starts[:trial], y[:trial]), total)
    curves = share_out(scene, starts, stride, sample)
    part = curves.part
    part_starts, part_y = starts[part], y[part]

    cores = f"fastadam, {describe()['cores']} CPU cores, float64"
    every = on_gpu(gpu, starts32, y32, there)
    ours = {name: call for name, call in every.items() if name not in left_out}
    which = dict.fromkeys(ours, np.arange(total)) | {cores: part, BOUNDED: curves.sample}
    calls, results = keeping({**ours, cores: lambda: solve(part_starts, part_y)})
    for name in {OURS, RESIDENT} & ours.keys():
        calls[name]()  # the memory of its results is new
    records = interleave(calls, Effort(rounds=5, samples=1, budget=0.0), warmup=0)
    found = {name: on_host(gpu, r.x).astype(np.float64) for name, r in results.items()}
    found[BOUNDED], _ = decays.fit_one_by_one(y, starts, curves.sample, bounded=True)
    wrong = find_errors(curves, found, which)
    if not np.array_equal(on_host(gpu, there[0]), starts32):
        wrong[RESIDENT] = "x0 was written to: later calls began elsewhere"
    each = {name: divided(record, len(which[name])) for name, record in records.items()}

    case = f"{total:,} decay curves, 3 parameters, {TIMES.size} points, a fit"
    details = {name: {"fits": len(which[name])} for name in each}
    result = SuiteResult(make_rows(case, each, wrong, (OURS,), details))
    note = "" if stride == 1 else f"the CPU fits {len(part):,} of them: from these to all"
    what = f"{total:,} decay fits"
    cpu = f"{what}, the CPU's cores / a GPU in float32"
    result.verdicts = [
        speedup(cpu, LIMIT, each, wrong, OURS, cores, note),
        rate_verdict(f"{what} on a GPU, from the host", RATE_LIMIT, each, wrong, OURS),
        rate_verdict(
            f"{what} on a GPU, from and to its memory",
            RESIDENT_RATE_LIMIT,
            each,
            {**left_out, **wrong},
            RESIDENT,
        ),
    ]
    result.notes += [f"{case}: {name} left out: {error}" for name, error in left_out.items()]
    result.notes += more_notes(gpu, starts32, y32, records, results)
    gpu.release()
    return result


def rate_verdict(
    what: str, limit: float, each: dict[str, Record], wrong: dict[str, str], name: str
) -> Verdict:
    """Judge millions of fits a second, from the seconds of a fit."""
    measured = None
    if name in each and name not in wrong:
        samples = each[name].rounds.values()
        measured = Summary.of(1e-6 / seconds for round_ in samples for seconds in round_)
    note, failed = wrong.get(name, ""), name in wrong and name in each
    return Verdict(what, limit, measured, " M/s", at_least=True, note=note, failed=failed)


def more_notes(
    gpu: Any, starts: Array, y: Array, records: dict[str, Record], results: dict[str, Any]
) -> list[str]:
    """Tell what a call takes without an iteration, and how many fits do not succeed."""
    begin = perf_counter()
    solve(starts, y, device="cuda", options={"maxiter": 0})
    fixed = perf_counter() - begin
    lost = (
        f"{name} {np.mean(~on_host(gpu, result.success)):.2%}" for name, result in results.items()
    )
    return [
        f"decay fits on a GPU: a call takes {format_seconds(records[OURS].summary.median)}, and "
        f"{format_seconds(fixed)} without an iteration; no success: {', '.join(lost)}",
        f"{ADAM}: {TUNED}, gtol={PLAIN_OPTIONS['gtol']:g}",
    ]

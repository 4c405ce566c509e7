"""A million images of 5 by 5 pixels, a Gaussian with 5 parameters fitted to each, on a GPU.

With all defaults, from and to the GPU's memory. Gpufit, whose models are compiled into it,
publishes its own speed with such images; it is not run here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from fastadam import minimize_batch

from ..harness.adam import Array
from ..harness.machine import describe
from ..harness.report import Options, SuiteResult
from ..harness.rows import divided, keeping, make_rows
from ..harness.timing import Effort, interleave
from ..harness.watch import watched
from . import spots
from .fits import compile_calls, on_host, rate_verdict, to_gpu, waiting
from .parts import Case

IMAGES, QUICK_IMAGES = 1_000_000, 20_000
#: Those that the CPU fits, too.
PART, QUICK_PART = 50_000, 2_000
#: Millions of fits a second.
LIMIT = 30.0
PUBLISHED = (
    "Gpufit publishes 2.47 M fits/s for 1,000,000 and 3.04 for 10,000,000, on a card that is not "
    "named (its Gpufit_Cpufit_Performance_Comparison_readme.txt)"
)

#: The spread of errors, in units of the least that is possible, in the images that the CPU fits.
SPREAD = (0.9, 1.1)
#: A fit is lost whose error is more than so many usual ones, and so many of all may be.
FAR, LOST = 8.0, 0.005
#: By which part a misfit may be above the CPU's, and the share of the fits that have to keep to it.
HIGHER, RIGHT = 1e-3, 0.99

OURS = "fastadam, GPU, float32, from its memory"


def cases(options: Options) -> list[Case]:
    """Return the one case."""
    count, part = (QUICK_IMAGES, QUICK_PART) if options.quick else (IMAGES, PART)
    return [Case(f"{count:,} Gaussian spots", partial(gaussians, count, part))]


def solve(starts: Any, images: Any, **more: Any) -> Any:
    """Fit images in the precision of the starts."""
    return minimize_batch(spots.misfit, starts, batch_args=(images,), jac="in-place", **more)


@watched
def gaussians(count: int, part: int, gpu: Any) -> SuiteResult:
    """Time the fits, and compare them with the truth and with the CPU's."""
    truth, images = spots.make_images(count, seed=0)
    starts = spots.guess(images)
    what = f"{count:,} Gaussian fits, from and to the GPU's memory"
    starts32, images32 = starts.astype(np.float32), images.astype(np.float32)
    one, there = (
        [to_gpu(gpu, array[:rows]) for array in (starts32, images32)] for rows in (1, count)
    )
    left_out = compile_calls({OURS: lambda: solve(*one, device="cuda")})
    if left_out:
        return SuiteResult(verdicts=[rate_verdict(what, LIMIT, {}, left_out, OURS)])
    solve(starts[:1], images[:1])
    cores = f"fastadam, {describe()['cores']} CPU cores, float64"
    calls, results = keeping(
        {
            OURS: waiting(gpu, partial(solve, *there, device="cuda")),
            cores: lambda: solve(starts[:part], images[:part]),
        }
    )
    calls[OURS]()  # the memory of its results is new
    records = interleave(calls, Effort(rounds=5, samples=1, budget=0.0), warmup=0)
    which = {OURS: count, cores: part}
    found = {name: on_host(gpu, result.x) for name, result in results.items()}
    wrong = {}
    for name, x in found.items():
        error = find_error(x, truth, images, found[cores])
        if error:
            wrong[name] = error
    if not np.array_equal(on_host(gpu, there[0]), starts32):
        wrong[OURS] = "x0 was written to: later calls began elsewhere"
    each = {name: divided(record, which[name]) for name, record in records.items()}
    case = f"{count:,} Gaussian spots, {len(spots.PARAMETERS)} parameters, 5x5 pixels, a fit"
    details = {name: {"fits": which[name]} for name in each}
    result = SuiteResult(make_rows(case, each, wrong, (OURS,), details))
    result.verdicts.append(rate_verdict(what, LIMIT, each, wrong, OURS))
    ours = results[OURS]
    successes, evaluations = (on_host(gpu, a).mean() for a in (ours.success, ours.nfev))
    result.notes.append(
        f"Gaussian fits on a GPU: {1.0 - successes:.2%} no success, {evaluations:.3g} evaluations "
        f"a fit; {PUBLISHED}"
    )
    gpu.release()
    return result


def find_error(x: Array, truth: Array, images: Array, cpu: Array) -> str:
    """Compare parameters with the truth, and misfits with those of the CPU's; say what is wrong."""
    errors, part = x.astype(np.float64) - truth[: len(x)], slice(len(cpu))
    least = spots.least_errors(truth[part])
    lost = np.mean(~(np.abs(errors) <= FAR * np.median(least, axis=0)).all(axis=1))
    if lost > LOST:
        return f"{lost:.2%} of the fits are far from the truth"
    # Of a normal distribution half are within 0.6745 standard deviations.
    spread = np.median(np.abs(errors[part]) / least, axis=0) / 0.6745
    for name, value in zip(spots.PARAMETERS, spread, strict=True):
        if not SPREAD[0] <= value <= SPREAD[1]:
            return f"the errors of {name} are {value:.3g} times those that are possible"
    ours, theirs = (spots.misfits(p.astype(np.float64), images[part]) for p in (x[part], cpu))
    right = np.mean(ours <= (1.0 + HIGHER) * theirs)
    return "" if right >= RIGHT else f"{1.0 - right:.2%} of the fits end higher than the CPU's"

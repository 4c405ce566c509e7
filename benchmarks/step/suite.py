"""One step of Adam: on a quiet machine, right after BLAS, on many small arrays, on subnormals."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..harness.adam import Array
from ..harness.compare import Comparison, compare
from ..harness.plots import draw_step_times, drawable
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.timing import Effort, ratio_of_means
from ..harness.watch import watched
from .contenders import select
from .subnormals import decaying_subnormals

QUIET_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000)
AFTER_BLAS_SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 16_000_000)
QUICK_SIZES = (1_000, 100_000, 1_000_000)
#: Outside of this range the figure for steps after BLAS is not asked for.
AFTER_BLAS_RANGE = (10_000, 16_000_000)

#: The figures asked for, by number of parameters: fastadam at most so many times that contender.
QUIET_LIMITS: dict[int, dict[str, float]] = {
    1_000: {"torch fused": 0.1, "NumPy textbook": 0.35},
    100_000: {"torch fused": 0.7},
    10_000_000: {"traffic probe": 1.05, "torch fused": 1.0, "NumPy textbook": 1 / 12},
    50_000_000: {"traffic probe": 1.05, "torch fused": 1.0, "NumPy textbook": 1 / 12},
}
MANY_LIMITS = {"fastadam packed": 0.15, "fastadam unpacked": 0.4}
#: At most so many times the better of the serial and the parallel loop.
CHOICE_LIMIT = 1.25

LOOPS = ("fastadam threads=1", "fastadam threads=all")
NUMPY = ("NumPy textbook", "NumPy in place")
TORCH = ("torch fused", "torch foreach", "torch for-loop")


def run(options: Options) -> SuiteResult:
    """Measure all cases; the quiet ones first, as BLAS threads spin on for 0.1 s."""
    quick = options.quick
    effort = Effort(6, 2, 0.3) if quick else Effort(64, 3, 6.0)
    after_effort = Effort(5, 6, 0.3) if quick else Effort(24, 12, 5.0)
    quiet_sizes = options.sizes or (QUICK_SIZES if quick else QUIET_SIZES)
    after_sizes = options.sizes or (QUICK_SIZES if quick else AFTER_BLAS_SIZES)
    low, high = AFTER_BLAS_RANGE

    result = SuiteResult()
    for size in quiet_sizes:
        result.extend(quiet(size, effort))
    result.extend(many_arrays(effort))
    for size in (100_000,) if quick else (100_000, 1_000_000):
        result.extend(decaying_subnormals(size, Effort(6, 1, 0.5) if quick else Effort(24, 2, 5.0)))
    for size in after_sizes:
        if low <= size <= high:
            result.extend(after_blas(size, after_effort))
    return result


def start_and_gradient(sizes: Iterable[int]) -> tuple[list[Array], list[Array]]:
    """Draw parameters and gradients from a normal distribution, the same in every run."""
    sizes = list(sizes)
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(size, dtype=np.float32) for size in sizes]
    return start, [rng.standard_normal(size, dtype=np.float32) for size in sizes]


@watched
def quiet(size: int, effort: Effort) -> SuiteResult:
    """Step one array with nothing else running."""
    case = f"quiet, {size:,} parameters"
    say(case)
    comparison = compare(
        case,
        select("fastadam", *LOOPS, "traffic probe", *NUMPY, *TORCH),
        *start_and_gradient([size]),
        effort,
        details={"condition": "quiet", "parameters": size},
    )
    result = comparison.result("fastadam")
    for peer, limit in QUIET_LIMITS.get(size, {}).items():
        what = f"{size:,} parameters, quiet / {peer}"
        result.verdicts.append(comparison.verdict(what, limit, "fastadam", peer))
    low, high = AFTER_BLAS_RANGE
    if low <= size <= high:
        result.verdicts += choice_verdicts(comparison, f"{size:,} parameters, quiet")
    return result


@watched
def after_blas(size: int, effort: Effort) -> SuiteResult:
    """Step one array, each time right after a matrix product.

    The optimisers are new ones, as a training loop would have them, and get to know the
    condition in 20 untimed steps before the first that counts.
    """
    case = f"after a matmul, {size:,} parameters"
    say(case)
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 512, 512), dtype=np.float32)
    product = np.empty_like(a)
    comparison = compare(
        case,
        select("fastadam", *LOOPS, "NumPy in place", "torch fused"),
        *start_and_gradient([size]),
        effort,
        prepare=lambda name: np.matmul(a, b, out=product),
        warmup=20,
        details={"condition": "after a matmul", "parameters": size},
    )
    result = comparison.result("fastadam")
    result.verdicts += choice_verdicts(comparison, f"{size:,} parameters, after a matmul")
    return result


def choice_verdicts(comparison: Comparison, what: str) -> list[Verdict]:
    """Judge ``threads=None`` against the better loop: by medians, and by means.

    The means have to be looked at, too: now and then the adaptive choice has to try the loop it
    does not use, and a median would not show what that costs.
    """
    records = comparison.records
    if not all(name in records for name in ("fastadam", *LOOPS)):
        return [comparison.verdict(f"{what} / better loop", CHOICE_LIMIT, "fastadam", LOOPS[0])]
    better = min(LOOPS, key=lambda name: records[name].summary.median)
    verdict = comparison.verdict(f"{what} / better loop", CHOICE_LIMIT, "fastadam", better)
    verdict.note = f"better: {better.removeprefix('fastadam ')}"
    means = Verdict(
        f"{what} / better loop, means",
        CHOICE_LIMIT,
        ratio_of_means(records["fastadam"], records[better]),
    )
    return [verdict, means]


@watched
def many_arrays(effort: Effort, count: int = 200, size: int = 1_000) -> SuiteResult:
    """Step many small arrays, one by one and packed into one."""
    case = f"quiet, {count} arrays of {size:,}"
    say(case)
    ours = tuple(MANY_LIMITS)
    comparison = compare(
        case,
        select(*ours, *TORCH),
        *start_and_gradient([size] * count),
        effort,
        details={"condition": "quiet", "parameters": count * size, "arrays": count},
    )
    result = comparison.result(*ours)
    for name, limit in MANY_LIMITS.items():
        what = f"{count} arrays of {size:,}, {name.removeprefix('fastadam ')} / torch fused"
        result.verdicts.append(comparison.verdict(what, limit, name, "torch fused"))
    return result


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw the time per step over the number of parameters, a picture for each condition."""
    paths = []
    for condition, file in (("quiet", "step_quiet.png"), ("after a matmul", "step_after_blas.png")):
        rows = [
            row
            for row, *_ in drawable(result.rows)
            if row.details["condition"] == condition and "arrays" not in row.details
        ]
        if rows:
            paths.append(draw_step_times(rows, f"One Adam step, {condition}", folder / file))
    return paths

"""A step of Adam on a GPU: large arrays by the GPU's clock, small ones by the host's."""

from __future__ import annotations

from typing import Any

from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.watch import watched
from .compare import DeviceComparison, compare_on_device, largest
from .contenders import COPIES, CUPY, KERNEL_COPY, ON_CUPY, ON_TORCH, OURS, TORCH
from .device import state_line
from .timing import DeviceEffort

SIZES, QUICK_SIZES = (100_000_000, 1_000_000_000), (10_000_000,)
#: Bytes that a step of float32 Adam moves for each parameter.
MOVED = 28
SHARE_LIMIT = 0.92
TORCH_LIMIT = 1.0

SMALL = 1_000
ENQUEUE_LIMIT = 0.5

LARGE_EFFORT = DeviceEffort(rounds=20, samples=2, least=3e-3, most=50, settle=1)
QUICK_LARGE_EFFORT = DeviceEffort(rounds=5, samples=2, least=3e-3, most=50, settle=1)
#: A sample stays short of the thousand or so launches at which a GPU's queue makes the host wait.
SMALL_EFFORT = DeviceEffort(rounds=30, samples=3, least=1e-3, most=100, settle=10)
QUICK_SMALL_EFFORT = DeviceEffort(rounds=6, samples=2, least=1e-3, most=100, settle=10)


def large_steps(gpu: Any, options: Options) -> SuiteResult:
    """Time steps that are bound by the GPU's memory."""
    result = SuiteResult()
    for size in QUICK_SIZES if options.quick else SIZES:
        result.extend(large_step(gpu, size, QUICK_LARGE_EFFORT if options.quick else LARGE_EFFORT))
    return result


def large_step(gpu: Any, asked: int, effort: DeviceEffort) -> SuiteResult:
    """Time a step of so many parameters, or of as many as fit into the memory."""
    say(f"CUDA, {asked:,} parameters")
    gpu.release()
    free = gpu.free_memory()
    size = largest((OURS, *COPIES), gpu, asked)
    note = "" if size == asked else f"{asked:,} do not fit into {free / 1e9:.1f} GB"
    what = f"{size:,} parameters on a GPU, a step"
    if not size:
        verdict = Verdict(f"{asked:,} parameters on a GPU", SHARE_LIMIT, None, "", True, note)
        return SuiteResult(verdicts=[verdict])
    comparison = compare_on_device(
        gpu,
        what,
        (OURS, *COPIES, TORCH, CUPY),
        size,
        gpu.device_clock,
        effort,
        {"condition": "large", "parameters": size, "bytes": MOVED * size},
    )
    result = comparison.result(OURS)
    measured = filter(None, (bandwidths(comparison, size), state_line(comparison.state)))
    result.notes.append(f"{what}: {'; then '.join(measured)}")
    result.verdicts = [
        share_verdict(comparison, what),
        comparison.verdict(f"{what} / {TORCH}", TORCH_LIMIT, OURS, TORCH),
    ]
    for verdict in result.verdicts:
        verdict.note = "; ".join(filter(None, (verdict.note, note)))
    gpu.release()
    return result


def faster_copy(comparison: DeviceComparison) -> str:
    """Return the copy that takes less time; the last if neither is right."""
    records = comparison.records
    right = [name for name in COPIES if name in records]
    return min(right, key=lambda name: records[name].summary.median, default=KERNEL_COPY)


def share_verdict(comparison: DeviceComparison, what: str) -> Verdict:
    """Judge the share of the copying bandwidth that our step has."""
    copy = faster_copy(comparison)
    verdict = comparison.verdict(f"{what}, share of the bandwidth of a copy", 0.0, copy, OURS)
    verdict.limit, verdict.at_least = SHARE_LIMIT, True
    verdict.failed = OURS in comparison.wrong
    if verdict.measured:
        verdict.note = f"faster: {copy}"
    return verdict


def bandwidths(comparison: DeviceComparison, size: int) -> str:
    """Tell how many bytes a second each contender moves that makes them all."""
    found = (
        f"{name} {MOVED * size / comparison.records[name].summary.median / 1e12:.3g} TB/s"
        for name in (OURS, *COPIES, TORCH)
        if name in comparison.records
    )
    return ", ".join(found)


@watched
def enqueued_steps(gpu: Any, options: Options) -> SuiteResult:
    """Time how long the host takes to ask for a step of few parameters."""
    case = f"{SMALL:,} parameters on a GPU, enqueueing a step"
    say(case)
    comparison = compare_on_device(
        gpu,
        case,
        (OURS, ON_TORCH, ON_CUPY, TORCH, CUPY),
        SMALL,
        gpu.host_clock,
        QUICK_SMALL_EFFORT if options.quick else SMALL_EFFORT,
        {"condition": "enqueue", "parameters": SMALL},
    )
    result = comparison.result(OURS)
    result.verdicts = [
        comparison.verdict(f"{case}, {arrays} / {TORCH}", ENQUEUE_LIMIT, ours, TORCH)
        for ours, arrays in ((OURS, "Numba's arrays"), (ON_TORCH, "torch's own tensors"))
    ]
    gpu.release()
    return result

"""Steps on a GPU: of large arrays, for every rule, and of an array of few parameters.

Large ones are timed by the GPU's clock, beside a copy of as many bytes; few by the host's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ..harness.report import Options, SuiteResult, Verdict
from ..harness.watch import watched
from .agreement import RULES
from .compare import DeviceComparison, compare_on_device, largest
from .contenders import (
    COPY,
    ON_CUPY,
    ON_TORCH,
    OURS,
    TORCH,
    Peer,
    beside_copy,
    on_their_arrays,
    others,
)
from .device import state_line
from .parts import Case
from .patterns import ADAM, Stepped
from .timing import DeviceEffort

SIZES, QUICK_SIZES = (100_000_000, 1_000_000_000), (10_000_000,)
#: Parameters in float64.
DOUBLE_SIZE, QUICK_DOUBLE_SIZE = 400_000_000, 4_000_000
SHARE_LIMIT = 0.97
TORCH_LIMIT = 0.88

#: Decays of the weights round once more in a step, and a centred variance is the difference of two
#: numbers that come near each other: still a thousandth of a step.
SLACK = 10.0

SMALL = 1_000
ENQUEUE_LIMIT = 0.25

LARGE_EFFORT = DeviceEffort(rounds=10, samples=2, least=3e-3, most=10, settle=1)
QUICK_LARGE_EFFORT = DeviceEffort(rounds=5, samples=2, least=3e-3, most=10, settle=1)
#: A sample stays short of the thousand or so launches at which a GPU's queue makes the host wait.
SMALL_EFFORT = DeviceEffort(rounds=30, samples=3, least=1e-3, most=100, settle=10)
QUICK_SMALL_EFFORT = DeviceEffort(rounds=6, samples=2, least=1e-3, most=100, settle=10)


def rules() -> dict[str, Stepped]:
    """Return an optimiser for each rule that has a kernel of its own, but Adam."""
    found = {ADAM.group.rule: ""}
    for name, (make, keywords) in RULES.items():
        found.setdefault(Stepped(make, keywords).group.rule, name)
    return {name: Stepped(*RULES[name], slack=SLACK) for name in found.values() if name}


def large_cases(options: Options) -> list[Case]:
    """Return the steps of Adam that are bound by the GPU's memory."""
    double = ADAM._replace(dtype=np.float64)
    sizes, double_size = (QUICK_SIZES, QUICK_DOUBLE_SIZE) if options.quick else (SIZES, DOUBLE_SIZE)
    return [
        *(large_case(options, "", ADAM, size) for size in sizes),
        large_case(options, "float64, ", double, double_size),
    ]


def rule_cases(options: Options) -> list[Case]:
    """Return the steps of all other rules, the large arrays first: they tell most."""
    return [
        large_case(options, f"{name}, ", stepped, size)
        for size in sorted(QUICK_SIZES if options.quick else SIZES, reverse=True)
        for name, stepped in rules().items()
    ]


def large_case(options: Options, name: str, stepped: Stepped, size: int) -> Case:
    """Return one of them; torch and CuPy are beside Adam in float32."""
    effort = QUICK_LARGE_EFFORT if options.quick else LARGE_EFFORT
    more = others(stepped) if stepped is ADAM else {}
    return Case(
        f"{name}{size:,} parameters", partial(large_step, name, stepped, size, more, effort)
    )


def large_step(
    name: str,
    stepped: Stepped,
    asked: int,
    more: Mapping[str, Peer],
    effort: DeviceEffort,
    gpu: Any,
) -> SuiteResult:
    """Time a step of so many parameters, or of as many as fit into the memory."""
    gpu.release()
    free, both = gpu.free_memory(), beside_copy(gpu, stepped)
    size = largest(both, gpu, asked)
    note = "" if size == asked else f"{asked:,} do not fit into {free / 1e9:.1f} GB"
    what = f"{name}{size:,} parameters on a GPU, a step"
    if not size:
        what = f"{name}{asked:,} parameters on a GPU"
        return SuiteResult(verdicts=[Verdict(what, SHARE_LIMIT, None, "", True, note)])
    details: dict[str, Any] = {"parameters": size, "bytes": stepped.moved(size)}
    if more:
        details["condition"] = "large"
    chosen = {**both, **more}
    comparison = compare_on_device(
        gpu, what, chosen, size, gpu.device_clock, effort, details, with_state=bool(more)
    )
    result = comparison.result(OURS)
    result.verdicts = [share_verdict(comparison, what)]
    if more:
        versus = comparison.verdict(f"{what} / {TORCH}", TORCH_LIMIT, OURS, TORCH)
        result.verdicts.append(versus)
        if comparison.state:
            result.notes.append(f"{what}: then {state_line(comparison.state)}")
    for verdict in result.verdicts:
        verdict.note = "; ".join(filter(None, (verdict.note, note)))
    gpu.release()
    return result


def share_verdict(comparison: DeviceComparison, what: str) -> Verdict:
    """Judge the share of the copying bandwidth that our step has."""
    verdict = comparison.verdict(f"{what}, share of the bandwidth of a copy", 0.0, COPY, OURS)
    verdict.limit, verdict.at_least = SHARE_LIMIT, True
    verdict.failed = OURS in comparison.wrong
    if verdict.measured:
        verdict.note = bandwidths(comparison)
    return verdict


def bandwidths(comparison: DeviceComparison) -> str:
    """Tell how many bytes a second each contender moves that makes them all."""
    found = (
        f"{name} {comparison.details['bytes'] / comparison.records[name].summary.median / 1e12:.3g}"
        for name in (OURS, COPY, TORCH)
        if name in comparison.records
    )
    return f"{', '.join(found)} TB/s"


def enqueue_cases(options: Options) -> list[Case]:
    """Return the step of few parameters."""
    effort = QUICK_SMALL_EFFORT if options.quick else SMALL_EFFORT
    return [Case(f"{SMALL:,} parameters", partial(enqueued_steps, effort))]


@watched
def enqueued_steps(effort: DeviceEffort, gpu: Any) -> SuiteResult:
    """Time how long the host takes to ask for a step of few parameters."""
    case = f"{SMALL:,} parameters on a GPU, enqueueing a step"
    chosen = {
        OURS: beside_copy(gpu, ADAM)[OURS],
        **on_their_arrays(ADAM),
        **others(ADAM),
    }
    details = {"condition": "enqueue", "parameters": SMALL}
    comparison = compare_on_device(gpu, case, chosen, SMALL, gpu.host_clock, effort, details)
    result = comparison.result(OURS)
    result.verdicts = [
        comparison.verdict(f"{case}, {arrays} / {TORCH}", ENQUEUE_LIMIT, ours, TORCH)
        for ours, arrays in OUR_ARRAYS.items()
    ]
    gpu.release()
    return result


#: Whose arrays ours steps.
OUR_ARRAYS = {OURS: "Numba's arrays", ON_TORCH: "torch's tensors", ON_CUPY: "CuPy's arrays"}

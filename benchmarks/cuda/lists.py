"""A step of a list of small arrays on a GPU, as those of a model are.

How long the host takes to ask for it, how long it takes until it is done, and how long a step takes
that was captured in a CUDA graph and is replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..harness.adam import BETA1, BETA2, EPS, LR, Array
from ..harness.report import Options, SuiteResult
from ..harness.watch import watched
from .arrays import Arrays, CupyArrays, Found, Search, TorchArrays
from .compare import DeviceComparison, compare_on_device
from .contenders import ON_CUPY, ON_TORCH, OURS, TORCH, Peer, Stepper
from .parts import Case
from .patterns import ADAM, Pattern
from .steps import OUR_ARRAYS
from .timing import Clock, DeviceEffort

ARRAYS, SIZE = 200, 1_000
#: Of torch fused.
LIMIT = 0.5
#: A prime: each array begins elsewhere in the pattern, so that no two hold the same.
_PERIOD = 10_007

REPLAYED, TORCH_REPLAYED = "fastadam, replayed", "torch fused, capturable, replayed"

EFFORT = DeviceEffort(rounds=20, samples=2, least=1e-3, most=50, settle=5)
QUICK_EFFORT = DeviceEffort(rounds=5, samples=2, least=1e-3, most=50, settle=5)


@dataclass
class ListStepper(Stepper):
    """Somebody's steps on a list of arrays, one after the other in the pattern."""

    def set_gradients(self, pattern: Any) -> None:
        """Fill the gradients with a pattern."""
        for grads, part in zip(self.grads, split(pattern), strict=True):
            self.arrays.assign(grads, self.arrays.send(part))

    def find_outside(self, lowest: Any, highest: Any, search: Search) -> Found:
        """Find the first parameter that is not within a pattern, on the host."""
        found = np.concatenate([self.arrays.fetch(params) for params in self.params])
        good = (found >= np.resize(lowest, found.size)) & (found <= np.resize(highest, found.size))
        index = int(np.argmin(good))
        return None if good.all() else (index, found[index])


def split(pattern: Array) -> list[Array]:
    """Return what each array holds."""
    whole = np.resize(pattern, ARRAYS * SIZE)
    return [whole[first : first + SIZE].copy() for first in range(0, whole.size, SIZE)]


@dataclass
class Replayed(ListStepper):
    """Steps of which one was captured, after the first, and is replayed."""

    def begin(self) -> None:
        """Take the first steps, and capture another."""
        super().begin()
        self.captured = self.step  # a graph does not keep the memory that it works on
        self.step = capture(self.arrays, self.captured)


def capture(arrays: Any, step: Callable[[], object]) -> Callable[[], object]:
    """Capture what a step asks of the GPU in a graph of torch; return what replays it."""
    graph = arrays.torch.cuda.CUDAGraph()
    with arrays.torch.cuda.graph(graph):
        step()
    return graph.replay


def fastadam_list(arrays: Arrays, kind: type[ListStepper] = ListStepper) -> ListStepper:
    """Step `fastadam.Adam` on arrays of any library."""
    pattern = _pattern()
    params, grads = (list(map(arrays.send, split(a))) for a in (pattern.start, pattern.gradient))
    optimizer = ADAM.make(params, **ADAM.keywords)
    return kind(partial(optimizer.step, grads), arrays, params, grads, pattern)


def torch_list(
    arrays: TorchArrays, kind: type[ListStepper] = ListStepper, **more: Any
) -> ListStepper:
    """Step `torch.optim.Adam`, fused."""
    torch, pattern = arrays.torch, _pattern()
    params = [torch.nn.Parameter(arrays.send(part)) for part in split(pattern.start)]
    grads = [arrays.send(part) for part in split(pattern.gradient)]
    for each, gradient in zip(params, grads, strict=True):
        each.grad = gradient
    optimizer = torch.optim.Adam(params, lr=LR, betas=(BETA1, BETA2), eps=EPS, fused=True, **more)
    return kind(optimizer.step, arrays, [each.detach() for each in params], grads, pattern)


def _pattern() -> Pattern:
    return ADAM.pattern(ARRAYS * SIZE, _PERIOD)


def cases(options: Options) -> list[Case]:
    """Return the clocks, and the graphs."""
    effort = QUICK_EFFORT if options.quick else EFFORT
    what = f"{ARRAYS} arrays of {SIZE:,}"
    return [
        Case(f"{what}, enqueued", partial(list_steps, "enqueueing a step", False, effort)),
        Case(f"{what}, complete", partial(list_steps, "a step, complete", True, effort)),
        Case(f"{what}, replayed", partial(replayed_steps, effort)),
    ]


@watched
def list_steps(what: str, complete: bool, effort: DeviceEffort, gpu: Any) -> SuiteResult:
    """Time a step, until the host has asked for it or until it is done."""
    makers = {
        OURS: lambda: fastadam_list(gpu.arrays),
        ON_TORCH: lambda: fastadam_list(TorchArrays()),
        ON_CUPY: lambda: fastadam_list(CupyArrays()),
        TORCH: lambda: torch_list(TorchArrays()),
    }
    case = f"{ARRAYS} arrays of {SIZE:,} on a GPU, {what}"
    clock = gpu.complete_clock if complete else gpu.host_clock
    comparison = _compare(gpu, case, makers, clock, effort)
    result = comparison.result(OURS)
    result.verdicts = [
        comparison.verdict(f"{case}, {arrays} / {TORCH}", LIMIT, ours, TORCH)
        for ours, arrays in OUR_ARRAYS.items()
    ]
    return result


@watched
def replayed_steps(effort: DeviceEffort, gpu: Any) -> SuiteResult:
    """Time a step that was captured, until it is done."""
    makers = {
        REPLAYED: lambda: fastadam_list(TorchArrays(), Replayed),
        TORCH_REPLAYED: lambda: torch_list(TorchArrays(), Replayed, capturable=True),
        TORCH: lambda: torch_list(TorchArrays()),
    }
    case = f"{ARRAYS} arrays of {SIZE:,} on a GPU, a step in a graph of torch, complete"
    comparison = _compare(gpu, case, makers, gpu.complete_clock, effort)
    result = comparison.result(REPLAYED)
    what = f"{case} / {TORCH_REPLAYED}"
    result.verdicts = [comparison.verdict(what, 1.0, REPLAYED, TORCH_REPLAYED)]
    return result


def _compare(
    gpu: Any,
    case: str,
    makers: dict[str, Callable[[], ListStepper]],
    clock: Clock,
    effort: DeviceEffort,
) -> DeviceComparison:
    total = ARRAYS * SIZE
    chosen = {
        name: Peer(lambda size, make=make: make(), ADAM.bytes)  # type: ignore[misc]
        for name, make in makers.items()
    }
    details = {"parameters": total, "arrays": ARRAYS}
    return compare_on_device(gpu, case, chosen, total, clock, effort, details)

"""One case on a GPU: who fits into its memory, who is right, who takes how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..harness.compare import Comparison
from ..harness.report import Verdict
from .contenders import Contender, Peer
from .timing import Clock, DeviceEffort, interleave_on_device

#: How much of the free memory is used; the libraries need some for themselves.
SHARE = 0.95


@dataclass
class DeviceComparison(Comparison):
    """A `Comparison` that knows why somebody is not in it, and the GPU's state right after it."""

    left_out: dict[str, str]
    state: dict[str, str]

    def verdict(self, what: str, limit: float, ours: str, theirs: str) -> Verdict:
        """Judge ``ours`` against ``limit`` times ``theirs``."""
        for name in (ours, theirs):
            if name in self.left_out:
                note = f"{name} left out: {self.left_out[name]}"
                return Verdict(what, limit, None, note=note)
        return super().verdict(what, limit, ours, theirs)


def largest(chosen: Mapping[str, Peer], gpu: Any, size: int) -> int:
    """Return the number of parameters, up to ``size``, with which contenders fit into the memory.

    It is a hundredth of ``size``, or some of them; 0 if that is too much.
    """
    free = SHARE * gpu.free_memory()
    for percent in range(100, 0, -1):
        part = size * percent // 100
        if sum(peer.bytes(part) for peer in chosen.values()) <= free:
            return part
    return 0


def compare_on_device(
    gpu: Any,
    case: str,
    chosen: Mapping[str, Peer],
    size: int,
    clock: Clock,
    effort: DeviceEffort,
    details: dict[str, Any],
    *,
    with_state: bool = False,
) -> DeviceComparison:
    """Time contenders from the same start, and check the results of the very steps timed.

    Parameters
    ----------
    gpu : Gpu
    case : str
        For people.
    chosen : mapping of str to Peer
        Whom; those who do not fit into the memory beside those before are left out.
    size : int
        The number of parameters.
    clock : callable
        See `timing`.
    effort : DeviceEffort
    details : dict
        Goes into each row.
    with_state : bool, default False
        Whether the driver's tool is asked for the GPU's state, which takes it a second.
    """
    gpu.release()
    contenders, left_out = build(gpu, chosen, size)
    wrong = {}
    for name, contender in list(contenders.items()):
        try:
            contender.begin()
            error = contender.find_error(0, gpu.outside)
        except Exception as raised:  # by one of them: the others are measured
            error = f"{type(raised).__name__}: {' '.join(str(raised).split())[:200]}"
        if error:
            wrong[name] = error
            del contenders[name]
    records = interleave_on_device(
        {name: contender.step for name, contender in contenders.items()}, clock, effort
    )
    state = gpu.state() if with_state else {}  # before the GPU rests
    for name, contender in contenders.items():
        error = contender.find_error(records[name].calls, gpu.outside)
        if error:
            wrong[name] = error
            del records[name]
    notes = [f"{case}: {name} left out: {reason}" for name, reason in left_out.items()]
    return DeviceComparison(case, records, wrong, notes, details, left_out, state)


def build(
    gpu: Any, chosen: Mapping[str, Peer], size: int
) -> tuple[dict[str, Contender], dict[str, str]]:
    """Make the contenders that can be made; return them, and why the others cannot."""
    free = SHARE * gpu.free_memory()
    contenders: dict[str, Contender] = {}
    left_out = {}
    for name, peer in chosen.items():
        bytes_ = peer.bytes(size)
        if bytes_ > free:
            left_out[name] = f"needs {bytes_ / 1e9:.1f} GB, and {free / 1e9:.1f} are left"
            continue
        try:
            contenders[name] = peer.make(size)
        except (ImportError, ValueError) as error:  # what an optimiser refuses is a ValueError
            left_out[name] = str(error)
            continue
        free -= bytes_
    return contenders, left_out

"""Timing of what a GPU does: by its own clock, or how long the host takes to ask for it.

The rounds are those of `timing.interleave`; a call returns before its work is done.
"""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter
from typing import Any

from ..harness.timing import Call, Record

#: Makes a call so many times and returns seconds a call. The call may just have been made before.
Clock = Callable[[Call, int], float]


@dataclass(frozen=True)
class DeviceEffort:
    """How much to measure.

    Parameters
    ----------
    rounds : int
        Rounds; every contender takes part in each.
    samples : int
        Samples of a contender in a round.
    least : float
        A sample takes about so many seconds or more, ...
    most : int
        ... but is of at most so many calls: the queue of a GPU is not long.
    settle : int
        Untimed calls right before each sample, at least 1.
    """

    rounds: int
    samples: int
    least: float
    most: int
    settle: int


def event_clock(make_event: Callable[[], Any]) -> Clock:
    """Return the GPU's own clock, for calls on the default stream.

    It begins when the GPU has done the call before. As long as that takes, the host has time to
    ask for more, and the GPU does not wait for the host.
    """

    def clock(call: Call, count: int) -> float:
        begin, end = make_event(), make_event()
        begin.record()
        for _ in repeat(None, count):
            call()
        end.record()
        end.synchronize()
        return 1e-3 * begin.elapsed_time(end) / count

    return clock


def enqueue_clock(synchronize: Call, now: Callable[[], float] = perf_counter) -> Clock:
    """Return the host's clock; the GPU has nothing else to do when a sample begins."""

    def clock(call: Call, count: int) -> float:
        synchronize()
        begin = now()
        for _ in repeat(None, count):
            call()
        seconds = now() - begin
        synchronize()
        return seconds / count

    return clock


def complete_clock(synchronize: Call, now: Callable[[], float] = perf_counter) -> Clock:
    """Return the host's clock until the GPU has done all that it was asked for."""

    def clock(call: Call, count: int) -> float:
        synchronize()
        begin = now()
        for _ in repeat(None, count):
            call()
        synchronize()
        return (now() - begin) / count

    return clock


def interleave_on_device(
    calls: Mapping[str, Call], clock: Clock, effort: DeviceEffort, *, warmup: int = 3, seed: int = 0
) -> dict[str, Record]:
    """Time several contenders in interleaved rounds, in a new random order in each.

    Parameters
    ----------
    calls : mapping of str to callable
        What to time, by name.
    clock : callable
        How.
    effort : DeviceEffort
        How much to measure.
    warmup : int
        Samples of one call before the first round, of each; the fastest of them tells how many
        calls make a sample.
    seed : int
        Seed of the orders.

    Returns
    -------
    dict of str to Record
        Seconds a call.
    """

    def sample(name: str, count: int) -> float:
        for _ in repeat(None, effort.settle):
            calls[name]()
        records[name].calls += effort.settle + count
        return clock(calls[name], count)

    order = random.Random(seed)
    records = {name: Record() for name in calls}
    counts = {}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()  # a collection would hit one contender and not another
    try:
        for name in calls:
            seconds = max(min(sample(name, 1) for _ in range(warmup)), 1e-9)
            counts[name] = max(1, min(effort.most, math.ceil(effort.least / seconds)))
        for round_ in range(effort.rounds):
            names = list(calls)
            order.shuffle(names)
            for name in names:
                for _ in range(effort.samples):
                    records[name].add(round_, sample(name, counts[name]))
    finally:
        if collecting:
            gc.enable()
    return records

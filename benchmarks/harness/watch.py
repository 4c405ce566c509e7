"""Was the machine quiet? Times taken on a busy one are marked as such.

That is no formality: a neighbour on one of two cores makes a parallel loop up to a hundred times
slower, ours as well as torch's, and a serial one hardly. Ratios are then far from the truth, and
mostly in favour of fastadam, which leaves the parallel loop.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import ParamSpec

from .report import SuiteResult

#: Above this share of the processors' time in other hands, times are not to be relied on.
NOISY = 0.03

P = ParamSpec("P")


class Watch:
    """Tells how much of the processors' time others had since the watch was made."""

    def __init__(self) -> None:
        self._start = self._read()

    @staticmethod
    def _read() -> tuple[float, float] | None:
        """Return seconds on the clock, and of work for others on all processors."""
        try:
            line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        except OSError:  # not Linux
            return None
        ticks = [int(field) / os.sysconf("SC_CLK_TCK") for field in line.split()[1:9]]
        user, nice, system, _idle, _wait, irq, softirq, stolen = ticks
        busy = user + nice + system + irq + softirq + stolen
        return perf_counter(), busy - sum(os.times()[:4])

    def share(self) -> float | None:
        """Return the share of other processes and virtual machines, from 0 to 1, if known."""
        now = self._read()
        if now is None or self._start is None:
            return None
        wall, others = (end - begin for begin, end in zip(self._start, now, strict=True))
        return max(0.0, others / (wall * (os.cpu_count() or 1)))


def watched(measure: Callable[P, SuiteResult]) -> Callable[P, SuiteResult]:
    """Let rows and verdicts say how busy others were while they were measured."""

    @functools.wraps(measure)
    def measure_and_watch(*args: P.args, **kwargs: P.kwargs) -> SuiteResult:
        watch = Watch()
        result = measure(*args, **kwargs)
        share = watch.share()
        for row in result.rows:
            row.details["in_other_hands"] = share
        if share is not None and share > NOISY:
            for verdict in result.verdicts:
                warning = f"NOISY: others had {share:.0%} of the machine"
                verdict.note = f"{verdict.note}; {warning}" if verdict.note else warning
        return result

    return measure_and_watch

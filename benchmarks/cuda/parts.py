"""The parts of the `cuda` suite: cases, each measured by itself, and the time they may take."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict


class Case(NamedTuple):
    """One case: what it is called, and what measures it on a GPU."""

    name: str
    measure: Callable[[Any], SuiteResult]


class Part(NamedTuple):
    """Some cases.

    Parameters
    ----------
    name : str
    cases : callable
        Of the options.
    seconds : float
        After so many, and what the parts before have left of theirs, no other case of it begins;
        nor does any after those of all parts together.
    """

    name: str
    cases: Callable[[Options], Sequence[Case]]
    seconds: float


def measure_parts(
    parts: Sequence[Part], gpu: Any, options: Options, now: Callable[[], float] = perf_counter
) -> SuiteResult:
    """Measure one part after the other; an error ends its case alone."""
    result = SuiteResult()
    took = []
    begin, before, total = now(), 0.0, sum(part.seconds for part in parts)
    for part in parts:
        start = now()
        end = min(total, part.seconds + max(before, start - begin))
        before += part.seconds
        for case in part.cases(options):
            if now() - begin > end:
                over = f"cuda, {case.name}: left out, the time of {part.name} is over"
                result.notes.append(over)
                continue
            say(f"CUDA, {case.name}")
            result.extend(_measure(case, gpu))
        took.append(f"{part.name} {now() - start:.0f} s of {part.seconds:.0f}")
    result.notes.append(f"cuda took {now() - begin:.0f} s: {', '.join(took)}")
    return result


def _measure(case: Case, gpu: Any) -> SuiteResult:
    try:
        return case.measure(gpu)
    except Exception as error:  # machines with a GPU are rare: keep what the others found
        traceback.print_exc()
        note = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        verdict = Verdict(f"cuda, {case.name}: errors", 0.0, None, note=note, failed=True)
        return SuiteResult(verdicts=[verdict])

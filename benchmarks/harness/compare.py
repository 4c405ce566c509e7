"""One case: build the contenders, check them, time them, check them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .adam import Array, Make, build
from .checks import check_first_steps, check_timed_steps
from .report import SuiteResult, Verdict
from .rows import make_rows
from .timing import Effort, Prepare, Record, Summary, interleave, pairwise


@dataclass
class Comparison:
    """What came of one case.

    Parameters
    ----------
    case : str
    records : dict of str to Record
        The times of the contenders with right results.
    wrong : dict of str to str
        What is wrong with the others.
    notes : list of str
        Who was left out, and why.
    details : dict
        Goes into each row.
    """

    case: str
    records: dict[str, Record]
    wrong: dict[str, str]
    notes: list[str]
    details: dict[str, Any]

    def result(self, *baselines: str) -> SuiteResult:
        """Rows of all contenders, with ratios of the baselines to each of the others."""
        everybody = (*self.records, *self.wrong)
        rows = make_rows(
            self.case, self.records, self.wrong, baselines, dict.fromkeys(everybody, self.details)
        )
        return SuiteResult(rows, notes=list(self.notes))

    def verdict(self, what: str, limit: float, ours: str, theirs: str) -> Verdict:
        """Judge ``ours`` against ``limit`` times ``theirs``."""
        measured: Summary | None = None
        note = ""
        if ours in self.wrong:
            note = f"{ours} is WRONG"
        elif theirs in self.wrong:
            note = f"{theirs} is WRONG"
        elif absent := [name for name in (ours, theirs) if name not in self.records]:
            note = f"{absent[0]} is not installed"
        else:
            measured = pairwise(self.records[ours], self.records[theirs])
        return Verdict(what, limit, measured, note=note, failed=ours in self.wrong)


def compare(
    case: str,
    makers: dict[str, Make],
    start: Sequence[Array],
    gradient: Sequence[Array],
    effort: Effort,
    *,
    prepare: Prepare | None = None,
    warmup: int = 3,
    details: dict[str, Any] | None = None,
) -> Comparison:
    """Time contenders from the same start, and check the results of the very steps timed.

    Parameters
    ----------
    case : str
        For people.
    makers : dict of str to callable
        Contenders by name; see `step.contenders`.
    start, gradient : sequence of array
        Float32; each contender gets copies.
    effort, prepare, warmup
        See `timing.interleave`.
    details : dict, optional
        Goes into each row.
    """
    contenders, notes = build(makers, start, gradient)
    flat_start, flat_gradient = np.concatenate(start), np.concatenate(gradient)
    wrong = check_first_steps(contenders, flat_start, flat_gradient)
    for name in wrong:
        del contenders[name]
    records = interleave(
        {name: contender.step for name, contender in contenders.items()},
        effort,
        prepare=prepare,
        warmup=warmup,
    )
    calls = {name: record.calls for name, record in records.items()}
    wrong_later = check_timed_steps(contenders, flat_start, flat_gradient, calls)
    for name in wrong_later:
        del records[name]
    return Comparison(case, records, {**wrong, **wrong_later}, notes, details or {})

"""From the times of a case's contenders to rows and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .report import OK, WRONG, Row, Verdict
from .timing import Record, pairwise

T = TypeVar("T")


def keeping(
    calls: Mapping[str, Callable[[], T]],
) -> tuple[dict[str, Callable[[], None]], dict[str, T]]:
    """Let calls leave their results in a mapping, so that what was timed can be checked."""
    results: dict[str, T] = {}

    def kept(name: str, call: Callable[[], T]) -> Callable[[], None]:
        def run() -> None:
            results[name] = call()

        return run

    return {name: kept(name, call) for name, call in calls.items()}, results


def divided(record: Record, by: float) -> Record:
    """Return the record of a part of each call."""
    rounds = {k: [seconds / by for seconds in samples] for k, samples in record.rounds.items()}
    return Record(rounds, record.calls)


def make_rows(
    case: str,
    records: Mapping[str, Record],
    wrong: Mapping[str, str],
    baselines: Sequence[str] = (),
    details: Mapping[str, dict[str, Any]] | None = None,
) -> list[Row]:
    """Make a row for each contender; those with wrong results have no time.

    Parameters
    ----------
    case : str
    records : mapping of str to Record
        By contender.
    wrong : mapping of str to str
        What is wrong with some, who may have a record or none.
    baselines : sequence of str
        Whom the others are compared with.
    details : mapping of str to dict, optional
        By contender, goes into the row.
    """
    rows = []
    for name in dict.fromkeys((*records, *wrong)):
        own = dict((details or {}).get(name, {}))
        if name in wrong:
            rows.append(Row(case, name, None, WRONG, details={**own, "error": wrong[name]}))
            continue
        ratios = {
            baseline: pairwise(records[baseline], records[name])
            for baseline in baselines
            if name not in baselines and baseline in records and baseline not in wrong
        }
        rows.append(Row(case, name, records[name].summary, OK, ratios, own))
    return rows


def speedup(
    what: str,
    limit: float,
    records: Mapping[str, Record],
    wrong: Mapping[str, str],
    ours: str,
    theirs: str,
    note: str = "",
) -> Verdict:
    """Judge how many times as long as ours theirs takes."""
    error = _find_error(records, wrong, ours, theirs)
    measured = None if error else pairwise(records[theirs], records[ours])
    return Verdict(what, limit, measured, at_least=True, note=error or note, failed=ours in wrong)


def fraction(
    what: str,
    limit: float,
    records: Mapping[str, Record],
    wrong: Mapping[str, str],
    ours: str,
    theirs: str,
) -> Verdict:
    """Judge which part of their time ours takes."""
    error = _find_error(records, wrong, ours, theirs)
    measured = None if error else pairwise(records[ours], records[theirs])
    return Verdict(what, limit, measured, note=error, failed=ours in wrong)


def _find_error(
    records: Mapping[str, Record], wrong: Mapping[str, str], ours: str, theirs: str
) -> str:
    """Say why two cannot be compared, if they cannot."""
    for name in (ours, theirs):
        if name in wrong or name not in records:
            return f"{name}: {wrong.get(name, 'left out')}"
    return ""

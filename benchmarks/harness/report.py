"""Rows, verdicts and what becomes of them: terminal tables and one JSON file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .timing import Summary

OK = "ok"
WRONG = "WRONG"


@dataclass(frozen=True)
class Options:
    """What the command line asked for.

    Parameters
    ----------
    quick : bool
        Few rounds and small sizes: shows that everything works.
    sizes : tuple of int, optional
        Numbers of parameters for the `step` suite instead of its own.
    """

    quick: bool = False
    sizes: tuple[int, ...] | None = None


@dataclass
class Row:
    """One contender in one case.

    Parameters
    ----------
    case : str
        What was timed, for people.
    contender : str
    timing : Summary, optional
        Seconds; None where the result was wrong.
    status : str
        `OK` or `WRONG`.
    ratios : dict of str to Summary
        By baseline: the baseline's time divided by this contender's, round by round.
    details : dict
        Plain values: the case taken apart (condition, size), accuracies, errors.
    """

    case: str
    contender: str
    timing: Summary | None
    status: str = OK
    ratios: dict[str, Summary] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


@dataclass
class Verdict:
    """A figure that was asked for beside the one that was measured.

    Parameters
    ----------
    what : str
    limit : float
        The figure asked for.
    measured : Summary, optional
        None if it could not be measured; ``note`` says why.
    unit : str
        What stands behind the numbers: "" for ratios, " s", " %".
    at_least : bool
        Whether more is better.
    note : str
        Anything a reader must know.
    failed : bool
        Ours gave a wrong result: not reached, however fast.
    """

    what: str
    limit: float
    measured: Summary | None
    unit: str = ""
    at_least: bool = False
    note: str = ""
    failed: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the median keeps the limit; None if nothing was measured."""
        if self.failed:
            return False
        if self.measured is None:
            return None
        if self.at_least:
            return self.measured.median >= self.limit
        return self.measured.median <= self.limit


@dataclass
class SuiteResult:
    """What a suite found."""

    rows: list[Row] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def extend(self, other: SuiteResult) -> None:
        """Append another result's rows, verdicts and notes."""
        self.rows += other.rows
        self.verdicts += other.verdicts
        self.notes += [note for note in other.notes if note not in self.notes]


def format_seconds(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def format_spread(summary: Summary, form: str = ".3g", unit: str = "") -> str:
    """Return the median, and the quartiles where there are any."""
    text = f"{summary.median:{form}}{unit}"
    if summary.quartiles:
        text += " [{:{form}} {:{form}}]".format(*summary.quartiles, form=form)
    return text


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    aligned = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [header, ["-" * width for width in widths], *lines]
    ]
    return "\n".join(aligned)


def format_rows(rows: Sequence[Row]) -> str:
    """Lay out rows as a table, case by case; ratios below 1 mean the baseline is faster."""
    lines, previous = [], None
    for row in rows:
        case = "" if row.case == previous else row.case
        previous = row.case
        if row.timing is None:
            lines.append((case, row.contender, row.status, "", "", "", row.details["error"]))
            continue
        t = row.timing
        notes = [f"{name} / it: {format_spread(ratio)}" for name, ratio in row.ratios.items()]
        if "accuracy" in row.details:
            notes.append(f"{row.details['accuracy']:.2%} test accuracy")
        lines.append(
            (
                case,
                row.contender,
                format_seconds(t.median),
                " .. ".join(map(format_seconds, t.quartiles or ())),
                format_seconds(t.mean),
                str(t.n),
                "; ".join(notes),
            )
        )
    return _table(("case", "contender", "median", "quartiles", "mean", "n", ""), lines)


def format_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Lay out verdicts as a table."""
    words = {True: "yes", False: "NO", None: "-"}
    lines = [
        (
            v.what,
            f"{'>=' if v.at_least else '<='} {v.limit:.3g}{v.unit}",
            format_spread(v.measured, unit=v.unit) if v.measured else "not measured",
            words[v.reached],
            v.note,
        )
        for v in verdicts
    ]
    return _table(("what", "asked", "measured [quartiles]", "reached", ""), lines)


def as_json(machine: dict[str, Any], results: dict[str, SuiteResult]) -> dict[str, Any]:
    """Everything that was measured, as plain values."""
    suites: dict[str, Any] = {}
    for name, result in results.items():
        suites[name] = {
            "rows": [
                {
                    "case": row.case,
                    "contender": row.contender,
                    "status": row.status,
                    "seconds": row.timing.as_dict() if row.timing else None,
                    "ratios": {f"{k} / it": r.as_dict() for k, r in row.ratios.items()},
                    **row.details,
                }
                for row in result.rows
            ],
            "verdicts": [
                {
                    "what": v.what,
                    "asked": f"{'>=' if v.at_least else '<='} {v.limit:.6g}{v.unit}",
                    "measured": v.measured.as_dict() if v.measured else None,
                    "reached": v.reached,
                    "note": v.note,
                }
                for v in result.verdicts
            ],
            "notes": result.notes,
        }
    return {"machine": machine, "suites": suites}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(unfinished, path)

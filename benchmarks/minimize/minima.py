"""How many runs on the published functions end at a local minimum, nothing tuned.

The functions that the defaults were chosen on and the others are told apart: a setting can be
fitted to the first, but not to those that nobody has looked at.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from ..functions import FUNCTIONS, Published
from ..harness.progress import say
from ..harness.report import OK, WRONG, Options, Row, SuiteResult, Verdict, format_spread
from ..harness.timing import Summary
from ..harness.watch import watched
from .trials import METHODS, OURS, Trial, trials

LIMIT = 86.0
STARTS = 3
TUNING, HELD_OUT = "tuning part", "held-out part"
PARTS = (TUNING, HELD_OUT)
#: With ``--quick``, the first of so many functions.
QUICK_STRIDE = 60


def select_functions(part: str) -> tuple[Published, ...]:
    """Return the functions of a part."""
    return tuple(f for f in FUNCTIONS if f.held_out == (part == HELD_OUT))


@watched
def local_minima(options: Options, parts: Sequence[str] = PARTS) -> SuiteResult:
    """Try all methods on the published functions.

    Parameters
    ----------
    options : Options
        With ``quick``, one start on a few functions of the tuning part.
    parts : sequence of str
        Of `PARTS`. Whoever changes a default looks at the tuning part only.
    """
    result = SuiteResult()
    for part in [TUNING] if options.quick else parts:
        functions = select_functions(part)
        if options.quick:
            functions = functions[::QUICK_STRIDE]
        # SciPy's methods hand over matrices of two rows to BLAS, whose threads make them up to
        # ten times slower.
        with threadpool_limits(1):
            result.extend(try_part(part, functions, 1 if options.quick else STARTS))
    return result


def try_part(part: str, functions: Sequence[Published], starts: int) -> SuiteResult:
    """Try all methods on some functions; return rows, notes and the verdict on ours."""
    case = f"{part}: {len(functions)} published functions, {starts} random starts each, a run"
    done: dict[str, list[Trial]] = defaultdict(list)
    for i, found in enumerate(trials(functions, starts)):
        if i % 25 == 0:
            say(f"local minima, {part}, from function {i + 1} of {len(functions)}")
        for trial in found:
            done[trial.method].append(trial)
    result = SuiteResult()
    for method in METHODS:
        own = done[method]
        share, evaluations = share_at_minimum(own), Summary.of(t.evaluations for t in own)
        errors = [f"{t.function}: {t.error}" for t in own if t.error]
        details: dict[str, Any] = {
            "part": part,
            "runs": len(own),
            "percent_at_a_local_minimum": share.as_dict(),
            "evaluations": evaluations.as_dict(),
        }
        if errors:
            details["error"] = f"{len(errors)} wrong results, {errors[0]}"
        if errors and not method.startswith("SciPy"):
            result.rows.append(Row(case, method, None, WRONG, details=details))
        else:
            seconds = Summary.of(t.seconds for t in own)
            result.rows.append(Row(case, method, seconds, OK, details=details))
        result.notes.append(
            f"{part}, {method:<24} {share.median:5.1f} % of {len(own)} runs end at a local minimum"
            f"; evaluations: {format_spread(evaluations, ',.0f')}"
            + (f"; {details['error']}" if errors else "")
        )
        if method == OURS:
            known = bool(share.quartiles) and not errors
            note = f"median of {evaluations.median:,.0f} evaluations, {len(own)} runs"
            if not share.quartiles:
                note = f"{len(own)} runs are too few to judge"
            result.verdicts.append(
                Verdict(
                    f"default settings end at a local minimum, {part}",
                    LIMIT,
                    share if known else None,
                    " %",
                    at_least=True,
                    note=details["error"] if errors else note,
                    failed=bool(errors),
                )
            )
    return result


def share_at_minimum(done: Sequence[Trial], resamples: int = 200) -> Summary:
    """Return the percentage of runs that end at a minimum; its spread is over the functions."""
    by_function: dict[str, list[float]] = defaultdict(list)
    for trial in done:
        by_function[trial.function].append(100.0 * trial.at_minimum)
    shares = [statistics.fmean(values) for values in by_function.values()]
    choose = random.Random(0)
    spread = Summary.of(
        statistics.fmean(choose.choices(shares, k=len(shares))) for _ in range(resamples)
    )
    return spread.around(statistics.fmean(shares), len(done))

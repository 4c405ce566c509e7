"""How many runs on the published functions end at a local minimum, nothing tuned.

The functions that the defaults were chosen on and the others are told apart: a setting can be
fitted to the first, but not to those that nobody has looked at.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from ..functions import FUNCTIONS, Published
from ..harness.progress import say
from ..harness.report import OK, WRONG, Options, Row, SuiteResult, Verdict, format_spread
from ..harness.timing import Summary
from ..harness.watch import watched
from .trials import METHODS, OURS, Trial, trials

#: Of the runs, in percent, and evaluations a run.
LEAST_AT_MINIMUM = 92.0
MOST_FALSE, MOST_UNSURE = 1.0, 2.0
MEDIAN_LIMIT, MEAN_LIMIT = 500.0, 2_000.0

STARTS = 3
TUNING, HELD_OUT = "tuning part", "held-out part"
PARTS = (TUNING, HELD_OUT)
#: With ``--quick``, the first of so many functions.
QUICK_STRIDE = 60


def select_functions(part: str) -> tuple[Published, ...]:
    """Return the functions of a part."""
    return tuple(f for f in FUNCTIONS if f.held_out == (part == HELD_OUT))


def select(options: Options, parts: Sequence[str]) -> Iterator[tuple[str, tuple[Published, ...]]]:
    """Yield parts with their functions: with ``quick``, a few of the tuning part only."""
    for part in [TUNING] if options.quick else parts:
        yield part, select_functions(part)[:: QUICK_STRIDE if options.quick else 1]


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
    for part, functions in select(options, parts):
        # SciPy's methods hand over matrices of two rows to BLAS, whose threads make them up to
        # ten times slower.
        with threadpool_limits(1):
            result.extend(try_part(part, functions, 1 if options.quick else STARTS))
    return result


def try_part(part: str, functions: Sequence[Published], starts: int) -> SuiteResult:
    """Try all methods on some functions; return rows, notes and the verdicts on ours."""
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
        false, unsure = share_false(own), share_unsure(own)
        error = describe_errors(own)
        details: dict[str, Any] = {
            "part": part,
            "runs": len(own),
            "percent_at_a_local_minimum": share.as_dict(),
            "percent_success_elsewhere": false.as_dict(),
            "percent_no_success_at_a_minimum": unsure.as_dict(),
            "evaluations": evaluations.as_dict(),
        }
        if error:
            details["error"] = error
        if error and not method.startswith("SciPy"):
            result.rows.append(Row(case, method, None, WRONG, details=details))
        else:
            seconds = Summary.of(t.seconds for t in own)
            result.rows.append(Row(case, method, seconds, OK, details=details))
        result.notes.append(
            f"{part}, {method:<24} {share.median:5.1f} % of {len(own)} runs end at a local minimum"
            f"; success elsewhere {false.median:.1f} %, no success at a minimum "
            f"{unsure.median:.1f} %; evaluations: {format_spread(evaluations, ',.0f')}, "
            f"mean {evaluations.mean:,.0f}" + (f"; {error}" if error else "")
        )
    result.verdicts += judge(part, done[OURS])
    return result


def judge(part: str, own: Sequence[Trial]) -> list[Verdict]:
    """Judge our runs: where they end, what they say of it, and what they take."""
    error = describe_errors(own)
    share, evaluations = share_at_minimum(own), Summary.of(t.evaluations for t in own)
    few = "" if share.quartiles else f"{len(own)} runs are too few to judge"
    judged = (
        ("default settings end at a local minimum", share, LEAST_AT_MINIMUM, " %", True),
        ("success, but not at a local minimum", share_false(own), MOST_FALSE, " %", False),
        ("at a local minimum, but no success", share_unsure(own), MOST_UNSURE, " %", False),
        ("evaluations, median", evaluations, MEDIAN_LIMIT, "", False),
        ("evaluations, mean", Summary.of([evaluations.mean]), MEAN_LIMIT, "", False),
    )
    return [
        Verdict(
            f"{what}, {part}",
            limit,
            None if few or error else measured,
            unit,
            at_least=at_least,
            note=error or few or f"{len(own)} runs",
            failed=bool(error),
        )
        for what, measured, limit, unit, at_least in judged
    ]


def describe_errors(done: Sequence[Trial]) -> str:
    """Say how many results are wrong, if any are, and what is wrong with the first."""
    errors = [f"{t.function}: {t.error}" for t in done if t.error]
    return f"{len(errors)} wrong results, {errors[0]}" if errors else ""


def share_at_minimum(done: Sequence[Trial]) -> Summary:
    """Return the percentage of runs that end at a minimum."""
    return percent((t.function, t.at_minimum) for t in done)


def share_false(done: Sequence[Trial]) -> Summary:
    """Return the percentage of runs that are no success but in name."""
    return percent((t.function, t.success and not t.at_minimum) for t in done)


def share_unsure(done: Sequence[Trial]) -> Summary:
    """Return the percentage of runs that end at a minimum and do not say so."""
    return percent((t.function, t.at_minimum and not t.success) for t in done)


def percent(outcomes: Iterable[tuple[str, bool]], resamples: int = 200) -> Summary:
    """Return the percentage of runs of which something is so; its spread is over the functions.

    Parameters
    ----------
    outcomes : iterable of (str, bool)
        A run's function, and whether it is so.
    resamples : int
        Of the functions, for the quartiles.
    """
    by_function: dict[str, list[float]] = defaultdict(list)
    for function, so in outcomes:
        by_function[function].append(100.0 * so)
    shares = [statistics.fmean(values) for values in by_function.values()]
    choose = random.Random(0)
    spread = Summary.of(
        statistics.fmean(choose.choices(shares, k=len(shares))) for _ in range(resamples)
    )
    return spread.around(statistics.fmean(shares), sum(map(len, by_function.values())))

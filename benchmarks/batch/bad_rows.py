"""Bad rows among good ones: who reports them, what they cost, and that no other row changes.

The curves of `fits`; every hundredth is bad. The good ones are compared with a run without
the bad ones, to the last bit.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import scipy.optimize

from workloads import decays
from workloads.decays import LOWER, UPPER

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import keeping, make_rows
from ..harness.timing import Effort, Summary, interleave
from ..harness.watch import watched
from .checks import find_difference, some
from .fitters import fit

CURVES, QUICK_CURVES = 20_000, 2_000
STRIDE = 100

#: The kinds of bad rows, and the status that each has to have.
KINDS = {"NaN data": 3, "NaN start": 3, "bounds without a number": 2}

WITH, WITHOUT = "with bad rows", "without them"


def bad_curves(count: int) -> tuple[dict[str, Array], Array]:
    """Return starts, data and bounds, a row each, and of which kind each row is; good ones: -1."""
    scene = decays.make_scene(count, seed=0)
    start = decays.guess(scene.y)
    size = len(start)
    kind = np.full(size, -1)
    bad = np.arange(STRIDE // 2, size, STRIDE)
    kind[bad] = np.arange(bad.size) % len(KINDS)
    y, lower, upper = scene.y.copy(), np.tile(LOWER, (size, 1)), np.tile(UPPER, (size, 1))
    y[kind == 0, 5] = np.nan
    start[kind == 1, 1] = np.nan
    lower[kind == 2, 0], upper[kind == 2, 0] = 1.0, 0.0
    return {"start": start, "y": y, "lower": lower, "upper": upper}, kind


def solve(rows: dict[str, Array], **more: Any) -> Any:
    """Fit some curves."""
    bounds = scipy.optimize.Bounds(rows["lower"], rows["upper"])
    return fit(rows["start"], rows["y"], bounds=bounds, options=more)


def find_error(mixed: Any, clean: Any, kind: Array) -> str:
    """Say what is wrong with a run with bad rows, beside one without."""
    for number, (name, status) in enumerate(KINDS.items()):
        unreported = int(np.sum(mixed.status[kind == number] != status))
        if unreported:
            return f"{unreported} rows with {name} do not have status {status}"
    return find_difference(some(mixed, np.flatnonzero(kind < 0)), clean, "a run without bad rows")


@watched
def bad_rows(options: Options) -> SuiteResult:
    """Time the fits with and without bad rows, and compare them."""
    rows, kind = bad_curves(QUICK_CURVES if options.quick else CURVES)
    good = {name: values[kind < 0] for name, values in rows.items()}
    case = f"{len(kind):,} decay curves, {np.sum(kind >= 0):,} of them bad, a call"
    say(case)
    calls, results = keeping({WITH: lambda: solve(rows), WITHOUT: lambda: solve(good)})
    solve({name: values[:1] for name, values in rows.items()})  # compiles
    records = interleave(calls, Effort(rounds=5, samples=1, budget=0.0), warmup=1)
    one = solve(rows, threads=1)
    error = find_error(results[WITH], results[WITHOUT], kind)
    error = error or find_difference(results[WITH], one, "one thread")
    wrong = {WITH: error} if error else {}
    statuses = Counter(results[WITH].status.tolist())
    details = {WITH: {"statuses": {str(k): v for k, v in sorted(statuses.items())}}}
    result = SuiteResult(make_rows(case, records, wrong, (WITHOUT,), details))
    result.notes.append(f"bad rows: {results[WITH].message}")
    different = find_difference(
        some(results[WITH], np.flatnonzero(kind < 0)), results[WITHOUT], WITHOUT
    )
    count = int(different.split()[0]) if different else 0
    result.verdicts.append(
        Verdict(
            f"good rows that {np.sum(kind >= 0):,} bad ones among them change",
            0.0,
            Summary.of([count]),
            at_least=False,
            note=error,
            failed=bool(error),
        )
    )
    return result

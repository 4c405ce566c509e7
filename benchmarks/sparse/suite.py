"""Steps of a few rows of a large table, as an embedding has them: beside torch and dense steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..harness.adam import Array, adam_from
from ..harness.checks import tolerance
from ..harness.progress import say
from ..harness.report import Options, SuiteResult
from ..harness.rows import fraction, make_rows
from ..harness.timing import Effort, Record, interleave
from ..harness.watch import watched
from .contenders import CONTENDERS, Batch, Contender

SHAPE, QUICK_SHAPE = (1_000_000, 64), (20_000, 64)
COUNTS = (100, 1_000, 10_000)
#: Rows of all batches of one size, which come over and over: a third of the table's, so that no
#: cache holds them.
POOL = 320_000
#: Rows whose results are compared.
CHECKED = 200

#: At most so many times torch's time, by the number of rows.
TORCH_LIMITS = {1_000: 0.5}
#: At most so many times the time of a tenth of the rows.
TENFOLD_LIMIT = 12.0


def run(options: Options) -> SuiteResult:
    """Measure all cases."""
    quick = options.quick
    effort = Effort(5, 2, 0.3) if quick else Effort(24, 3, 6.0)
    return rows_of_a_table(QUICK_SHAPE if quick else SHAPE, effort)


@watched
def rows_of_a_table(shape: tuple[int, int], effort: Effort) -> SuiteResult:
    """Step so many rows of one table, with everybody; then fastadam with each number of rows."""
    rng = np.random.default_rng(0)
    start = rng.standard_normal(shape, dtype=np.float32)
    result = SuiteResult()
    contenders: dict[str, Contender] = {}
    for name, make in CONTENDERS.items():
        try:
            contenders[name] = make(start.copy())
        except ImportError as error:
            result.notes.append(f"{name} left out: {error}")
    pools = {count: draw_batches(rng, shape, count) for count in COUNTS}
    cases: dict[str, dict[str, Record]] = {}
    for count, pool in pools.items():
        case = f"{count:,} of {shape[0]:,} rows of {shape[1]}"
        say(case)
        calls = {name: each.make_call(pool) for name, each in contenders.items()}
        cases[case] = interleave(calls, effort)
    say("fastadam, by number of rows")
    scaling = {
        f"{count:,} rows": contenders["fastadam"].make_call(pools[count]) for count in COUNTS
    }
    by_count = interleave(scaling, effort)

    wrong = find_wrong(contenders, start)
    for count, (case, records) in zip(COUNTS, cases.items(), strict=True):
        details = {"rows": count, "table": list(shape)}
        result.rows += make_rows(
            case, records, wrong, ("fastadam",), dict.fromkeys(records, details)
        )
        if count in TORCH_LIMITS:
            result.verdicts.append(
                fraction(
                    f"{case} / torch SparseAdam",
                    TORCH_LIMITS[count],
                    records,
                    wrong,
                    "fastadam",
                    "torch SparseAdam",
                )
            )
    wrong_ours = dict.fromkeys(by_count, wrong["fastadam"]) if "fastadam" in wrong else {}
    result.rows += make_rows("fastadam, by number of rows", by_count, wrong_ours)
    for fewer, more in zip(scaling, list(scaling)[1:], strict=False):
        result.verdicts.append(
            fraction(f"{more} / {fewer}", TENFOLD_LIMIT, by_count, wrong_ours, more, fewer)
        )
    return result


def draw_batches(rng: np.random.Generator, shape: tuple[int, int], count: int) -> list[Batch]:
    """Draw batches of so many rows, a few of them more than once."""
    return [
        Batch(
            rng.integers(0, shape[0], count),
            rng.standard_normal((count, shape[1]), dtype=np.float32),
        )
        for _ in range(max(1, min(POOL, shape[0]) // count))
    ]


def find_wrong(contenders: Mapping[str, Contender], start: Array) -> dict[str, str]:
    """Compare some rows of each table with a float64 reference; say what is wrong."""
    wrong = {}
    for name, contender in contenders.items():
        contender.finish()
        some = np.unique(np.concatenate([batch.rows for batch in contender.log[:32]]))
        some = np.union1d(some[:: max(1, some.size // CHECKED)], np.arange(5))
        expected = compute_expected(contender, start, some)
        allowed = tolerance(expected, start[some].astype(np.float64), len(contender.log) + 1)
        error = np.abs(contender.table[some] - expected)
        if not np.all(error <= allowed):  # NaN is wrong, too
            steps = len(contender.log) + 1
            worst = np.max(error / allowed)
            wrong[name] = f"off by {worst:.3g} times the tolerance after {steps} steps"
    return wrong


def compute_expected(contender: Contender, start: Array, some: Array) -> Array:
    """Compute some rows after all the steps, the first of which had a gradient of 1 everywhere."""
    reference = adam_from(start[some].astype(np.float64))
    reference.step(np.ones_like(reference.p))
    found: dict[int, tuple[Array, Array]] = {}  # by batch: the gradient, and who has none
    for batch in contender.log:
        if id(batch) not in found:
            gradient = np.zeros_like(reference.p)
            places = np.searchsorted(some, batch.rows)
            is_in = some[np.minimum(places, some.size - 1)] == batch.rows
            np.add.at(gradient, places[is_in], batch.grads[is_in])
            found[id(batch)] = gradient, np.setdiff1d(np.arange(some.size), places[is_in])
        gradient, others = found[id(batch)]
        if contender.is_lazy:
            kept = {key: getattr(reference, key)[others] for key in "pmv"}
        reference.step(gradient)
        if contender.is_lazy:
            for key, values in kept.items():
                getattr(reference, key)[others] = values
    return reference.p


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw nothing: the table says all."""
    return []

"""Training a 784-128-10 perceptron on MNIST: seconds an epoch, and what was learned.

The contenders train in one process, an epoch of each in turn, with a pause in between in which
the BLAS and OpenMP threads of the one before fall asleep. That is fair: measured on two quiet
cores, seconds an epoch alone in a process and in turns were 0.37 to 1.15 and 0.34 to 1.04
(fastadam), 0.78 to 1.69 and 0.67 to 1.47 (torch), 0.87 to 1.77 and 0.97 to 1.72 (scikit-learn).
The spread is the virtual machine's: for seconds on end it runs everything that uses both cores at
half its speed, whoever is running. Fresh processes would meet different ones of these spells;
neighbours in a round mostly meet the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np

from ..harness.plots import draw_points
from ..harness.progress import say
from ..harness.report import OK, WRONG, Options, Row, SuiteResult, Verdict
from ..harness.timing import Record, Summary, pairwise
from ..harness.watch import watched
from .contenders import CONTENDERS, Epoch

TIME_LIMIT = 0.4
ACCURACY_LIMIT = 97.6
#: Epochs after which the accuracy is compared.
EPOCHS = 5
SEEDS = 5
#: OpenBLAS's threads spin for about 0.1 s after a product, OpenMP's for some milliseconds.
PAUSE = 0.2
#: Whoever learned less than this after `EPOCHS` epochs did not do the same work.
LEAST_ACCURACY = 0.9


@watched
def run(options: Options) -> SuiteResult:
    """Train all contenders side by side, then ours again from other seeds."""
    try:
        from workloads.mnist.data import load_data
    except ImportError as error:
        return SuiteResult(notes=[f"mnist left out: {error}"])
    data = load_data(say=say)
    shape = f"{data.x_train.shape[1]}-128-{data.n_classes}"
    case = f"{shape} perceptron, {len(data.x_train):,} examples, batches of 64"
    full_size = data.x_train.shape[1] == 784
    result = SuiteResult()
    result.notes.append(
        "accuracy is that of the last weights; the verdict is on that of weights averaged over "
        "half an epoch, which the example prints beside it"
    )
    if not full_size:
        result.notes.append("no MNIST here: timed on scikit-learn's bundled digits instead")

    runs: dict[str, Iterator[Epoch]] = {}
    for name, start in CONTENDERS.items():
        try:
            runs[name] = start(data, 0)
        except ImportError as error:
            result.notes.append(f"{name} left out: {error}")
    rounds = 3 if options.quick else 21
    records, accuracies = train_in_turns(runs, rounds)

    wrong = {
        name: f"{accuracy:.2%} after the last epoch: does not learn"
        for name, accuracy in accuracies.items()
        if not accuracy >= LEAST_ACCURACY and full_size
    }
    for name, record in records.items():
        details: dict[str, Any] = {"accuracy": accuracies[name], "epochs": min(rounds, EPOCHS)}
        if name in wrong:
            details["error"] = wrong[name]
            result.rows.append(Row(case, name, None, WRONG, details=details))
            continue
        ratios = {"fastadam": pairwise(records["fastadam"], record)} if name != "fastadam" else {}
        result.rows.append(Row(case, name, record.summary, OK, ratios, details))
    result.verdicts += verdicts(records, wrong, case)
    if full_size:
        result.verdicts.append(accuracy_verdict(data, 1 if options.quick else SEEDS))
    return result


def train_in_turns(
    runs: dict[str, Iterator[Epoch]], rounds: int
) -> tuple[dict[str, Record], dict[str, float]]:
    """Train an epoch of each contender in turn.

    The first epoch counts for accuracy but not for time: it compiles and touches memory.

    Returns
    -------
    records : dict of str to Record
        Seconds an epoch.
    accuracies : dict of str to float
        After `EPOCHS` epochs, or after the last if there are fewer.
    """
    order = np.random.default_rng(0)
    records = {name: Record() for name in runs}
    accuracies: dict[str, float] = {}
    for round_ in range(rounds):
        say(f"MNIST, epoch {round_ + 1} of {rounds}")
        for name in order.permutation(list(runs)):
            seconds, accuracy, _ = next(runs[name])
            if round_:
                records[name].add(round_, seconds)
            if round_ < EPOCHS:
                accuracies[name] = accuracy
            sleep(PAUSE)
    return records, accuracies


def verdicts(records: dict[str, Record], wrong: dict[str, str], case: str) -> list[Verdict]:
    """Judge our time against torch's."""
    what = "MNIST, an epoch / torch fused"
    failed = "fastadam" in wrong
    if failed or "torch fused" in wrong or "torch fused" not in records:
        who = "fastadam" if failed else "torch fused"
        note = f"{who} is {'WRONG' if who in wrong else 'not installed'}"
        return [Verdict(what, TIME_LIMIT, None, note=note, failed=failed)]
    measured = pairwise(records["fastadam"], records["torch fused"])
    return [Verdict(what, TIME_LIMIT, measured, note=case)]


def accuracy_verdict(data: Any, seeds: int) -> Verdict:
    """Train ours from several seeds and judge the median accuracy of the averaged weights."""
    found = []
    for seed in range(seeds):
        say(f"MNIST, {EPOCHS} epochs from seed {seed}")
        run_ = CONTENDERS["fastadam"](data, seed)
        found.append(100 * [next(run_).averaged_accuracy for _ in range(EPOCHS)][-1])
    what = f"MNIST, averaged weights' accuracy after {EPOCHS} epochs, median of {seeds} seeds"
    return Verdict(what, ACCURACY_LIMIT, Summary.of(found), " %", at_least=True)


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw seconds an epoch, a point for each contender."""
    rows = result.rows
    return draw_points(rows, f"An epoch: {rows[0].case}", folder / "mnist.png") if rows else []

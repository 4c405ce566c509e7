"""The command line: ``python -m examples.mnist``."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Any

from workloads.mnist.data import Dataset, load_data
from workloads.mnist.idx import DataError
from workloads.mnist.training import EpochResult

from .._shared.command import report_errors
from .._shared.files import check_writable
from .._shared.plots import check_plottable
from .._shared.progress import progress_bar
from .arguments import build_parser, parse
from .checkpoint import Checkpoint, CheckpointError, load_checkpoints, save_checkpoints
from .compare import contenders, format_table
from .device import DeviceError, array_module
from .plots import plot_histories
from .run import Run
from .settings import Settings


class DivergedError(ArithmeticError):
    """The loss is no longer a number."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = build_parser()
    options = parse(parser, arguments)
    return report_errors(
        parser,
        lambda: start(options),
        (DataError, CheckpointError, DeviceError, DivergedError),
        smaller="--hidden or --batch-size",
    )


def start(options: argparse.Namespace) -> None:
    """Do what the command line says."""
    if options.save:
        check_writable(options.save)
    if options.plot:
        check_plottable(options.plot)
    xp = array_module(options.device)
    checkpoints = load_checkpoints(options.load) if options.load else ()
    if options.compare and len(checkpoints) == 1:
        raise CheckpointError(f"{options.load}: one run, and no comparison to go on with")
    data = load_data(options.data, say=lambda line: print(line, file=sys.stderr, flush=True))
    print(
        f"{len(data.x_train):,} training and {len(data.x_test):,} test examples, {data.name}",
        flush=True,
    )
    runs = make_runs(options, checkpoints, data, xp)
    train_all(runs, options)
    histories = {run.settings.label: run.history for run in runs}
    if len(runs) > 1:
        print(f"\n{format_table(histories)}", flush=True)
    if options.plot:
        shape = f"{data.x_train.shape[1]}-{runs[0].settings.hidden}-{data.n_classes}"
        title = f"{shape} perceptron, {len(data.x_train):,} training images"
        plot_histories(histories, options.plot, title)
        print(f"Curves drawn to {options.plot}")


def make_runs(
    options: argparse.Namespace, checkpoints: Sequence[Checkpoint], data: Dataset, xp: Any
) -> list[Run]:
    """Return the runs to train: those of a file, the contenders, or one."""
    if checkpoints:
        return [Run.resumed(options.load, each, data, xp) for each in checkpoints]
    settings = Settings(**options.settings)
    chosen = contenders(settings) if options.compare else [settings]
    return [Run(each, data, xp) for each in chosen]


def train_all(runs: Sequence[Run], options: argparse.Namespace) -> None:
    """Train one run after the other, and keep all of them after each epoch if told to.

    They end at the same epoch. One that was cut before the others did theirs catches up with them.
    """
    done = [run.epoch for run in runs]
    last = max(*done, min(done) + options.epochs)
    for run in runs:
        if run.epoch < last:
            print(run.settings, flush=True)
        for result in run.train(last, progress_bar()):
            report(result, last)
            if not math.isfinite(result.loss):
                raise DivergedError(
                    "the training diverged: try a smaller --lr or a larger --batch-size"
                )
            if options.save:
                save_checkpoints(options.save, [each.checkpoint() for each in runs])
    if options.save:
        print(f"Saved to {options.save}")


def report(result: EpochResult, last: int) -> None:
    """Print the line of one epoch."""
    print(
        f"epoch {result.epoch}/{last}   loss {result.loss:.4f}   test accuracy "
        f"{result.accuracy:.2%}, of averaged weights {result.averaged_accuracy:.2%}   "
        f"{result.seconds:.2f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())

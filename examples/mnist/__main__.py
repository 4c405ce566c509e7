"""The command line: ``python -m examples.mnist``."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from workloads.mnist.data import Dataset, load_data
from workloads.mnist.idx import DataError
from workloads.mnist.training import EpochResult, train

from .._shared.command import report_errors
from .._shared.files import check_writable
from .._shared.plots import check_plottable
from .arguments import build_parser, parse
from .checkpoint import Checkpoint, CheckpointError, load_checkpoint, restore, save_checkpoint
from .compare import CONTENDERS, format_table
from .device import DeviceError, array_module
from .plots import plot_histories
from .settings import OPTIMIZERS, Settings


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
    checkpoint = load_checkpoint(options.load) if options.load else None
    settings = checkpoint.settings if checkpoint else Settings(**options.settings)
    data = load_data(options.data, say=lambda line: print(line, file=sys.stderr, flush=True))
    print(
        f"{len(data.x_train):,} training and {len(data.x_test):,} test examples, {data.name}",
        flush=True,
    )
    if options.compare:
        histories = compare(settings, data, options.epochs, xp)
    else:
        histories = train_one(settings, data, options, checkpoint, xp)
    if options.plot:
        shape = f"{data.x_train.shape[1]}-{settings.hidden}-{data.n_classes}"
        title = f"{shape} perceptron, {len(data.x_train):,} training images"
        plot_histories(histories, options.plot, title)
        print(f"Curves drawn to {options.plot}")


def train_one(
    settings: Settings,
    data: Dataset,
    options: argparse.Namespace,
    checkpoint: Checkpoint | None,
    xp: Any,
) -> dict[str, list[EpochResult]]:
    """Train once, from the start or a checkpoint, and keep checkpoints if told to."""
    print(settings, flush=True)
    model = settings.make_model(data, xp)
    optimizer = settings.make_optimizer(model)
    done, history = 0, []
    if checkpoint:
        restore(options.load, checkpoint, model, optimizer)
        done, history = checkpoint.epoch, list(checkpoint.history)
    for result in train(
        model,
        optimizer,
        data,
        epochs=options.epochs,
        batch_size=settings.batch_size,
        seed=settings.seed,
        first_epoch=done + 1,
        progress=progress_bar(),
    ):
        report(result, done + options.epochs)
        if not math.isfinite(result.loss):
            raise DivergedError("the training diverged: try a smaller --lr")
        history.append(result)
        if options.save:
            kept = Checkpoint.of(settings, result.epoch, model, optimizer, history)
            save_checkpoint(options.save, kept)
    if options.save:
        print(f"Saved to {options.save}")
    return {OPTIMIZERS[settings.optimizer].__name__: history}


def compare(
    settings: Settings, data: Dataset, epochs: int, xp: Any
) -> dict[str, list[EpochResult]]:
    """Train with each contender in turn and print the table."""
    histories: dict[str, list[EpochResult]] = {}
    for label, make_optimizer in CONTENDERS.items():
        print(label, flush=True)
        model = settings.make_model(data, xp)
        histories[label] = []
        for result in train(
            model,
            make_optimizer(model.flat_params),
            data,
            epochs=epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            progress=progress_bar(),
        ):
            report(result, epochs)
            histories[label].append(result)
    print(f"\n{format_table(histories)}", flush=True)
    return histories


def report(result: EpochResult, last: int) -> None:
    """Print the line of one epoch."""
    print(
        f"epoch {result.epoch}/{last}   loss {result.loss:.4f}   "
        f"test accuracy {result.accuracy:.2%}   {result.seconds:.2f} s",
        flush=True,
    )


def progress_bar() -> Callable[[Iterable[int]], Iterable[int]] | None:
    """Make the function that shows an epoch's batches as a bar; None without a terminal."""
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    def wrap(batches: Iterable[int]) -> Iterator[int]:
        return tqdm(batches, unit="batch", leave=False, dynamic_ncols=True)

    return wrap


if __name__ == "__main__":
    sys.exit(main())

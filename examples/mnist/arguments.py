"""The arguments of the command line and what they may be."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from os.path import realpath

from workloads.mnist.data import ENVIRONMENT_VARIABLE

from .._shared.command import path, positive_float, positive_int, seed
from .compare import contenders
from .device import DEVICES
from .settings import DEFAULT_RATES, MOST_EPOCHS, MOST_HIDDEN, OPTIMIZERS, Settings

DEFAULTS = Settings()


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.mnist",
        description="Train a NumPy perceptron (784-128-10, ReLU) on MNIST with fastadam.",
    )
    _add_settings(parser)
    parser.add_argument(
        "--epochs",
        type=partial(positive_int, most=MOST_EPOCHS),
        metavar="N",
        default=5,
        help="epochs to train (5)",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="train from the same start, in the same order, with "
        + " / ".join(settings.label for settings in contenders(DEFAULTS)),
    )
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="cpu",
        help="where to train; cuda needs an NVIDIA GPU, CuPy and fastadam's extra of that name "
        "(cpu)",
    )
    parser.add_argument(
        "--data",
        type=path,
        metavar="DIR",
        help="folder of MNIST's four IDX files, gzipped or not "
        f"(${ENVIRONMENT_VARIABLE}, else the user's cache, else a download)",
    )
    parser.add_argument(
        "--plot", type=path, metavar="FILE", help="draw loss and accuracy curves (.png, .pdf, ...)"
    )
    parser.add_argument(
        "--save",
        type=path,
        metavar="FILE",
        help="keep the run, or all of a comparison, in FILE after each epoch (.npz)",
    )
    parser.add_argument(
        "--load",
        type=path,
        metavar="FILE",
        help="go on with a saved run or comparison, under the settings it was started with, for "
        "--epochs more epochs",
    )
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Describe what a run is started with."""
    rates = ", ".join(f"{name} {lr:g}" for name, lr in DEFAULT_RATES.items())
    # Defaults stay unset here: --load and --compare have to know what was given.
    run = parser.add_argument_group("the run", argument_default=argparse.SUPPRESS)
    run.add_argument(
        "--optimizer", choices=OPTIMIZERS, metavar="NAME", help=f"{', '.join(OPTIMIZERS)} (adam)"
    )
    run.add_argument(
        "--lr",
        type=positive_float,
        metavar="X",
        help=f"learning rate (by optimizer: {rates})",
    )
    run.add_argument(
        "--batch-size",
        type=positive_int,
        metavar="N",
        help=f"examples a step ({DEFAULTS.batch_size})",
    )
    run.add_argument(
        "--hidden",
        type=partial(positive_int, most=MOST_HIDDEN),
        metavar="N",
        help=f"width of the hidden layer ({DEFAULTS.hidden})",
    )
    run.add_argument(
        "--seed",
        type=seed,
        metavar="N",
        help=f"of the initial weights and the batch order ({DEFAULTS.seed})",
    )


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; gather what was given of the run's settings in one dict."""
    options = parser.parse_args(arguments)
    names: list[str] = [name for name in vars(DEFAULTS) if hasattr(options, name)]
    options.settings = {name: getattr(options, name) for name in names}
    if options.load and names:
        parser.error(f"--load takes {_as_flags(names)} from the file: leave that out")
    if options.save and options.plot and realpath(options.save) == realpath(options.plot):
        parser.error("--save and --plot name the same file")
    if options.compare:
        clashes = [name for name in ("optimizer", "lr") if name in names]
        if clashes:
            parser.error(f"--compare cannot be combined with {_as_flags(clashes)}")
    return options


def _as_flags(names: Iterable[str]) -> str:
    """Spell settings as they are spelt on the command line."""
    return ", ".join("--" + name.replace("_", "-") for name in names)

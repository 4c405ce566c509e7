"""Tune AdamW on MNIST with Optuna: ``python -m examples.tune_mnist``.

A search by the tree-structured Parzen estimator [1]_ for the learning rate, its schedule, both
betas and the weight decay with which the perceptron of ``examples.mnist`` gets most right of 10,000
images that are held out of the training images. Trials behind the median of those before them are
given up half-way. The test images are looked at once, at the end.

References
----------
.. [1] J. Bergstra, R. Bardenet, Y. Bengio, B. Kegl, "Algorithms for hyper-parameter optimization",
   NeurIPS 2011.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fastadam
from fastadam.schedules import Cosine, OneCycle
from workloads.mnist.data import ENVIRONMENT_VARIABLE, Dataset, load_data
from workloads.mnist.idx import DataError
from workloads.mnist.model import MLP
from workloads.mnist.training import EpochResult, train

from ._shared.command import path, positive_int, report_errors, seed
from ._shared.files import check_writable
from ._shared.plots import BLUE, ORANGE, check_plottable, make_figure, open_frame, save_figure
from ._shared.progress import progress_bar

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

BATCH = 64
#: One of so many training images is held out: 10,000 of MNIST's 60,000.
HELD_OUT = 6

#: Where each number is looked for, evenly on a logarithmic scale.
RANGES = {
    "lr": (1e-4, 3e-2),
    "1 - beta1": (1e-2, 0.5),
    "1 - beta2": (1e-4, 0.1),
    "weight decay": (1e-4, 1.0),
}
SCHEDULES: dict[str, Callable[[float, int], Any]] = {
    "constant": lambda lr, steps: lr,
    "cosine": Cosine,
    "one-cycle": OneCycle,
}
#: AdamW's own, with which the search begins: what it finds is no worse on the held-out images.
DEFAULTS = {
    "lr": 1e-3,
    "1 - beta1": 0.1,
    "1 - beta2": 1e-3,
    "weight decay": 1e-2,
    "schedule": "constant",
}

WIDTH, HEIGHT, DPI = 1500, 860, 140


class StudyError(ValueError):
    """A file is no study to go on with; the message names the file and what is wrong."""


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.tune_mnist",
        description="Tune AdamW for a NumPy perceptron (784-128-10, ReLU) on MNIST with Optuna.",
    )
    count = partial(positive_int, most=10**6)
    parser.add_argument(
        "--trials", type=count, metavar="N", default=30, help="settings to try (30)"
    )
    parser.add_argument(
        "--epochs", type=count, metavar="N", default=3, help="epochs to train each (3)"
    )
    parser.add_argument(
        "--data",
        type=path,
        metavar="DIR",
        help="folder of MNIST's four IDX files, gzipped or not "
        f"(${ENVIRONMENT_VARIABLE}, else the user's cache, else a download)",
    )
    parser.add_argument(
        "--seed",
        type=seed,
        metavar="N",
        default=0,
        help="of the search, the initial weights and the batch order (0)",
    )
    parser.add_argument(
        "--study",
        type=path,
        metavar="FILE",
        help="keep the trials in FILE, Optuna's journal, and go on with those that are there, for "
        "--trials more trials",
    )
    parser.add_argument(
        "--plot", type=path, metavar="FILE", help="draw the search (.png, .pdf, ...)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.study and options.plot and realpath(options.study) == realpath(options.plot):
        parser.error("--study and --plot name the same file")
    return report_errors(parser, lambda: start(options), (DataError, StudyError))


def start(options: argparse.Namespace) -> None:
    """Do what the command line says."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if options.study:
        check_writable(options.study)
    if options.plot:
        check_plottable(options.plot)
    storage = open_storage(options.study)
    data = load_data(options.data, say=lambda line: print(line, file=sys.stderr, flush=True))
    fitting = hold_out(data)
    shape = list(fitting.x_train.shape)
    settings = {"epochs": options.epochs, "seed": options.seed, "shape of the images": shape}
    study = open_study(options.study, storage, settings)
    n_held_out = len(fitting.x_test)
    print(f"{len(fitting.x_train):,} training and {n_held_out:,} held-out examples, {data.name}")
    search(study, fitting, options)
    best = study.best_trial
    print(f"\nBest of {len(finished(study))}: {describe(best.params)}   {best.value:.2%}")
    *_, result = run(best.params, data, options)
    print(
        f"With that, trained on all {len(data.x_train):,}: test accuracy {result.accuracy:.2%}, "
        f"of averaged weights {result.averaged_accuracy:.2%}"
    )
    if options.plot:
        draw(study, n_held_out, options.plot)
        print(f"Search drawn to {options.plot}")


def hold_out(data: Dataset) -> Dataset:
    """Return training examples without the last of them, which stand in for the test examples."""
    n = len(data.x_train) - len(data.x_train) // HELD_OUT
    if n == len(data.x_train):
        raise DataError(f"{n} training examples are too few to hold some out")
    x, y = data.x_train, data.y_train
    return dataclasses.replace(data, x_train=x[:n], y_train=y[:n], x_test=x[n:], y_test=y[n:])


def run(
    params: dict[str, Any], data: Dataset, options: argparse.Namespace
) -> Iterator[EpochResult]:
    """Train a new perceptron with such settings, and yield the result of each epoch."""
    model = MLP(data.x_train.shape[1], n_classes=data.n_classes, seed=options.seed)
    steps = options.epochs * -(-len(data.x_train) // BATCH)
    optimizer = fastadam.AdamW(
        model.flat_params,
        lr=SCHEDULES[params["schedule"]](params["lr"], steps),
        betas=(1 - params["1 - beta1"], 1 - params["1 - beta2"]),
        weight_decay=params["weight decay"],
    )
    return train(
        model,
        optimizer,
        data,
        epochs=options.epochs,
        batch_size=BATCH,
        seed=options.seed,
        progress=progress_bar(),
    )


def describe(params: dict[str, Any]) -> str:
    """Return settings as they are printed."""
    return (
        f"lr {params['lr']:<8.2g} betas {1 - params['1 - beta1']:.3f}, "
        f"{1 - params['1 - beta2']:.5f}   weight decay {params['weight decay']:<8.2g} "
        f"{params['schedule']:<9}"
    )


def open_storage(file: Path | None) -> Any:
    """Return what keeps the trials: a file, or None for the memory."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    if file is None:
        return None
    content = file.read_bytes() if file.exists() else b""
    if content and not (content.startswith(b'{"op_code"') and content.endswith(b"\n")):
        raise StudyError(f"{file}: damaged, or not a journal of Optuna's")
    name = str(file)
    try:
        return JournalStorage(JournalFileBackend(name, lock_obj=JournalFileOpenLock(name)))
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{file}: damaged ({error})") from error


def open_study(file: Path | None, storage: Any, settings: dict[str, Any]) -> Study:
    """Return a new study, or the one in the storage, if it was started with such settings."""
    import optuna

    study = optuna.create_study(
        storage=storage,
        study_name="examples.tune_mnist",
        direction="maximize",
        load_if_exists=True,
        # A rate that rises first learns late: of 20 settings trained for 3 epochs, that which was
        # best in the end was 17th after the first, and 6th after the second.
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=settings["epochs"] // 2 + 1),
    )
    for name, value in settings.items():
        kept = study.user_attrs.get(name)
        if kept is None:
            study.set_user_attr(name, value)
        elif kept != value:
            raise StudyError(f"{file}: it was started with {name} {kept}, not {value}")
    return study


def finished(study: Study) -> list[FrozenTrial]:
    """Return the trials that ended by themselves, in their order."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def search(study: Study, data: Dataset, options: argparse.Namespace) -> None:
    """Run so many trials more, and print a line for each."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    done = len(finished(study))
    last = done + options.trials
    if not done and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(DEFAULTS)
    for number in range(done, last):
        # A seed for each, so that a search can be cut anywhere and go on as if it had not been.
        own_seed = np.random.SeedSequence((options.seed, number)).generate_state(1)[0]
        study.sampler = TPESampler(seed=int(own_seed), constant_liar=False)
        trial = study.ask()
        try:
            params = suggest(trial)
            outcome = run_trial(study, trial, params, data, options)
        except BaseException:
            study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            raise
        print(f"{number + 1:>3}/{last}   {describe(params)}   {outcome}", flush=True)


def suggest(trial: Trial) -> dict[str, Any]:
    """Let Optuna choose settings."""
    params: dict[str, Any] = {
        name: trial.suggest_float(name, *ends, log=True) for name, ends in RANGES.items()
    }
    return {**params, "schedule": trial.suggest_categorical("schedule", list(SCHEDULES))}


def run_trial(
    study: Study, trial: Trial, params: dict[str, Any], data: Dataset, options: argparse.Namespace
) -> str:
    """Train with the settings of a trial, tell the study, and return the outcome in words."""
    from optuna.trial import TrialState

    for result in run(params, data, options):
        trial.report(result.accuracy, result.epoch)
        if result.epoch < options.epochs and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return f"{result.accuracy:.2%}, given up after epoch {result.epoch}"
    study.tell(trial, result.accuracy)
    return f"{result.accuracy:.2%}"


def draw(study: Study, n_held_out: int, file: Path) -> None:
    """Draw the errors of the trials in their order, and over each of the settings.

    Parameters
    ----------
    study : Study
    n_held_out : int
        The number of images that the errors are shares of.
    file : Path
        The picture; its suffix decides the format.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    trials = finished(study)
    # The scale is logarithmic: no error at all is drawn as half an image.
    errors = np.array([1 - last_accuracy(trial) for trial in trials])
    errors = 100 * np.maximum(errors, 0.5 / n_held_out)
    complete = np.array([trial.state.name == "COMPLETE" for trial in trials])
    best = [trial.number for trial in trials].index(study.best_trial.number)

    figure = make_figure(WIDTH, HEIGHT, DPI)
    panels = figure.subplots(2, 3, sharey=True).ravel()
    places = {"trial": np.arange(1, len(trials) + 1)}
    for name in DEFAULTS:
        places[name] = np.array([trial.params[name] for trial in trials])
    for axes, (name, x) in zip(panels, places.items(), strict=True):
        if name in RANGES:
            axes.set_xscale("log")
        if name == "schedule":  # in one order, whichever was tried first
            x = np.array([list(SCHEDULES).index(str(each)) for each in x])
            axes.set_xticks(range(len(SCHEDULES)), SCHEDULES)
            axes.set_xlim(-0.5, len(SCHEDULES) - 0.5)
        axes.plot(x[~complete], errors[~complete], "o", color=BLUE, mfc="white", label="given up")
        axes.plot(x[complete], errors[complete], "o", color=BLUE, label="trained to the end")
        axes.plot(x[best], errors[best], "*", color=ORANGE, markersize=15, label="best")
        axes.set_xlabel(name)
        axes.grid(alpha=0.3)
        open_frame(axes)
    so_far = np.minimum.accumulate(np.where(complete, errors, np.inf))
    panels[0].step(places["trial"], so_far, where="post", color=ORANGE, label="best so far")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    for axes in (panels[0], panels[3]):
        axes.set_ylabel("error on held-out images (%)")
    panels[0].set_yscale("log")
    panels[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panels[0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panels[0].yaxis.set_minor_formatter(NullFormatter())
    figure.suptitle(f"{len(trials)} trials of AdamW, {np.sum(~complete)} given up")
    save_figure(figure, file)


def last_accuracy(trial: FrozenTrial) -> float:
    """Return the accuracy after the last epoch that a trial was trained for."""
    return trial.intermediate_values[max(trial.intermediate_values)]


if __name__ == "__main__":
    sys.exit(main())

"""Draw the loss and accuracy curves of one run or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workloads.mnist.training import EpochResult

from .._shared.plots import BLACK, BLUE, GREEN, ORANGE, VERMILLION, make_figure, save_figure

#: Colour, marker and dashes of each run: any one of them tells the runs apart.
LOOKS = (
    (BLUE, "o", "-"),
    (ORANGE, "s", "--"),
    (GREEN, "D", "-."),
    (VERMILLION, "^", ":"),
    (BLACK, "v", (0, (5, 1))),
)
#: Whose accuracy it is, and how its markers differ.
WEIGHTS: dict[str, dict[str, Any]] = {"last": {}, "averaged": {"markerfacecolor": "white"}}


def plot_histories(
    histories: Mapping[str, Sequence[EpochResult]], path: Path, title: str = ""
) -> None:
    """Draw training loss and both test accuracies over the epochs, side by side, a colour a run.

    Parameters
    ----------
    histories : mapping of str to sequence of EpochResult
        The runs by the names they get in the legend. Where one begins later than with the first
        epoch, the picture says so.
    path : Path
        The picture; its suffix decides the format.
    title : str
        Stands above both panels.
    """
    from matplotlib.ticker import MaxNLocator

    figure = make_figure(1500, 630, 150)
    loss_axes, accuracy_axes = figure.subplots(1, 2)
    grey = {"color": "#7a7a7a", "marker": "o", "markersize": 6}
    for kind, hollow in WEIGHTS.items():
        accuracy_axes.plot([], [], **grey, **hollow, label=f"{kind} weights")
    for (label, history), (colour, marker, dashes) in zip(histories.items(), LOOKS, strict=False):
        epochs = [result.epoch for result in history]
        style: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "linestyle": dashes,
            "markersize": 6,
        }
        loss_axes.plot(epochs, [result.loss for result in history], **style, label=label)
        last = [100 * result.accuracy for result in history]
        averaged = [100 * result.averaged_accuracy for result in history]
        for accuracies, hollow in zip((last, averaged), WEIGHTS.values(), strict=True):
            accuracy_axes.plot(epochs, accuracies, **style, **hollow)
    loss_axes.set(xlabel="epoch", ylabel="mean training loss")
    accuracy_axes.set(xlabel="epoch", ylabel="test accuracy (%)")
    first = min((result.epoch for history in histories.values() for result in history), default=1)
    if first > 1:
        before = "epoch 1 is" if first == 2 else f"epochs 1 to {first - 1} are"
        note = f"{before} not shown: the loaded file has no record of them"
        loss_axes.set_title(note, fontsize=9, loc="left")
    for axes in (loss_axes, accuracy_axes):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    save_figure(figure, path)

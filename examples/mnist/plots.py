"""Draw the loss and accuracy curves of one run or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .files import OutputError, check_writable, replacing
from .training import EpochResult


def check_plottable(path: Path) -> None:
    """Raise OutputError if :func:`plot_histories` could not write `path`."""
    from matplotlib.figure import Figure

    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        raise OutputError(f"cannot draw {path}: the name has to end in .{', .'.join(known)}")
    check_writable(path)


def plot_histories(
    histories: Mapping[str, Sequence[EpochResult]], path: Path, title: str = ""
) -> None:
    """Draw training loss and test accuracy over the epochs, side by side, a line a run.

    Parameters
    ----------
    histories : mapping of str to sequence of EpochResult
        The runs by the names they get in the legend.
    path : Path
        The picture; its suffix decides the format.
    title : str
        Stands above both panels.
    """
    # Figure without pyplot: no display is needed and no global backend is touched.
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    loss_axes, accuracy_axes = figure.subplots(1, 2)
    for (label, history), marker in zip(histories.items(), "osD^v", strict=False):
        epochs = [result.epoch for result in history]
        style = {"marker": marker, "markersize": 5, "label": label}
        loss_axes.plot(epochs, [result.loss for result in history], **style)
        accuracy_axes.plot(epochs, [100 * result.accuracy for result in history], **style)
    loss_axes.set(xlabel="epoch", ylabel="mean training loss")
    accuracy_axes.set(xlabel="epoch", ylabel="test accuracy (%)")
    for axes in (loss_axes, accuracy_axes):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix.lower().removeprefix("."), dpi=150)

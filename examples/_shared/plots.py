"""How pictures look, and how they get into files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import OutputError, check_writable, replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The palette of Okabe and Ito, whose colours colour-blind eyes tell apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"


def make_figure(width: int, height: int, dpi: int, layout: Any = "constrained") -> Figure:
    """Make a figure of so many pixels; the fewer dots an inch, the smaller its text."""
    # Without pyplot: no display is needed and no global backend is touched.
    from matplotlib.figure import Figure

    return Figure(figsize=(width / dpi, height / dpi), dpi=dpi, layout=layout)


def check_plottable(path: Path) -> None:
    """Raise OutputError if `save_figure` could not write `path`."""
    from matplotlib.figure import Figure

    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        raise OutputError(f"cannot draw {path}: the name has to end in .{', .'.join(known)}")
    check_writable(path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure; the suffix of `path` decides the format."""
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix.lower().removeprefix("."), dpi=figure.dpi)


def open_frame(axes: Axes, sides: Iterable[str] = ("top", "right")) -> None:
    """Take away sides of the frame that say nothing."""
    for side in sides:
        axes.spines[side].set_visible(False)


def spread_labels(heights: dict[str, float], gap: float) -> dict[str, float]:
    """Move labels apart that would cover each other, and keep them below 100."""
    placed: dict[str, float] = {}
    limit = 100.0
    for name in sorted(heights, key=heights.__getitem__, reverse=True):
        placed[name] = min(heights[name], limit)
        limit = placed[name] - gap
    return placed

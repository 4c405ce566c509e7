"""Fit a decay in every pixel of an image in one call: ``python -m examples.fit_pixels``.

100,000 pixels, each with a noisy exponential decay of its own: amplitude, rate and offset, within
bounds. `fastadam.minimize_batch` fits them all, with all defaults and a gradient by hand;
`fastadam.curve_fit` fits them once more, with errors, and without bounds, since what a bound holds
has no error; `scipy.optimize.curve_fit` fits a sample of them, for time and accuracy. All start
from the same guesses. It prints a table, with the share of the truth that is within one standard
error, and draws the maps.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from numba import njit
from numpy.typing import NDArray

import fastadam
from workloads.decays import (
    LOWER,
    NOISE,
    PARAMETERS,
    TIMES,
    UPPER,
    Array,
    Scene,
    fit_one_by_one,
    guess,
    make_scene,
    misfit,
    model,
)

from ._shared.command import picture_parser, positive_int, run_command
from ._shared.command import seed as whole_seed
from ._shared.plots import BLUE, GREEN, ORANGE, make_figure, open_frame, save_figure

#: How many pixels `curve_fit` gets.
SAMPLE = 500

OURS, CURVES = "fastadam, gradient", "fastadam.curve_fit"
BOUNDED, FREE = "curve_fit, bounds", "curve_fit, no bounds"

#: Pixels. The figure is drawn at a size in inches at which the text is legible on a page.
SIZE = (1600, 1040)
DPI = 130

#: What the parameters are measured in: counts of the camera, and seconds.
UNITS = {"amplitude": "counts", "rate": "1/s", "offset": "counts"}

# Perceptually uniform; those for differences go to either side of their middle.
_COLOURS = {"amplitude": "viridis", "rate": "magma", "offset": "cividis"}
_COLOURS |= {"difference": "coolwarm", "error": "Greys"}


compiled_model = njit(model)


@dataclass(frozen=True)
class Fit:
    """What one method made of some of the pixels, in ascending order; `x` has a row for each."""

    method: str
    pixels: NDArray[np.intp]
    x: Array
    seconds: float
    #: Which of them did not succeed, by their own account.
    unsolved: NDArray[np.bool_]
    #: Standard errors, an array like x, where the method has them.
    stderr: Any = None

    @property
    def failed(self) -> int:
        """How many did not succeed."""
        return int(np.sum(self.unsolved))

    @property
    def seconds_each(self) -> float:
        """The time for a pixel."""
        return self.seconds / len(self.pixels)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    return run_command(_parser(), arguments, _work)


def _work(options: argparse.Namespace) -> None:
    scene = make_scene(options.pixels, options.seed)
    start = guess(scene.y)
    compiling = time.perf_counter()
    for fit in (fit_all, fit_curves):
        fit(scene.y[:1], start[:1])
    compiling = time.perf_counter() - compiling
    ours, curves = fit_all(scene.y, start), fit_curves(scene.y, start)
    rng = np.random.default_rng(options.seed)
    count = min(SAMPLE, len(start))
    sample = np.sort(rng.choice(len(start), count, replace=False))
    theirs = [fit_sample(scene.y, start, sample, method) for method in (BOUNDED, FREE)]
    table = format_table(scene, ours, curves, theirs)
    print(f"{table}\n\nCompiled in {compiling:.1f} s, not counted.")
    draw(scene, ours, curves, options.output)
    print(f"Drawn to {options.output}")


def _parser() -> argparse.ArgumentParser:
    parser = picture_parser(
        "fit_pixels",
        "Fit an exponential decay in every pixel of an image, and set time and "
        "accuracy beside those of scipy.optimize.curve_fit on a sample.",
    )
    parser.add_argument(
        "--pixels", type=positive_int, metavar="N", default=100_000, help="about so many (100000)"
    )
    parser.add_argument(
        "--seed", type=whole_seed, metavar="N", default=0, help="of shapes and noise (0)"
    )
    return parser


def fit_all(y: Array, start: Array) -> Fit:
    """Fit every pixel, in one call.

    Parameters
    ----------
    y : ndarray, shape (pixels, frames)
    start : ndarray, shape (pixels, 3)
    """
    begin = time.perf_counter()
    result = fastadam.minimize_batch(
        misfit,
        start,
        args=(TIMES,),
        batch_args=(y,),
        jac="in-place",
        bounds=scipy.optimize.Bounds(LOWER, UPPER),
    )
    seconds = time.perf_counter() - begin
    return Fit(OURS, np.arange(len(y)), result.x, seconds, ~result.success)


def fit_curves(y: Array, start: Array) -> Fit:
    """Fit every pixel by `fastadam.curve_fit`, with errors, since the noise is known."""
    begin = time.perf_counter()
    sigma = np.full(TIMES.size, NOISE)
    result = fastadam.curve_fit(compiled_model, TIMES, y, start, sigma, absolute_sigma=True)
    seconds = time.perf_counter() - begin
    return Fit(CURVES, np.arange(len(y)), result.x, seconds, ~result.success, result.stderr)


def fit_sample(y: Array, start: Array, pixels: NDArray[np.intp], method: str) -> Fit:
    """Fit some of the pixels by SciPy, one after the other; `method` is `BOUNDED` or `FREE`."""
    begin = time.perf_counter()
    x, failed = fit_one_by_one(y, start, pixels, bounded=method == BOUNDED)
    return Fit(method, pixels, x, time.perf_counter() - begin, failed)


def errors(scene: Scene, fit: Fit, pixels: NDArray[np.intp]) -> Array:
    """Return the median absolute error of each parameter in some of the pixels of a fit."""
    rows = np.searchsorted(fit.pixels, pixels)
    return np.median(abs(fit.x[rows] - scene.truth[pixels]), axis=0)


def share_within(scene: Scene, fit: Fit) -> Array:
    """Return for each parameter how often the truth is within one standard error, of 1."""
    is_within = abs(fit.x - scene.truth[fit.pixels]) < fit.stderr
    return np.asarray(np.mean(is_within[~fit.unsolved], axis=0))


def format_table(scene: Scene, ours: Fit, curves: Fit, theirs: Sequence[Fit]) -> str:
    """Return a table with a row a method, and how fast fastadam is beside the others.

    Parameters
    ----------
    scene : Scene
    ours, curves : Fit
        Of all pixels; the second with standard errors.
    theirs : sequence of Fit
        Of the same sample of them.
    """
    total, sample = len(ours.pixels), theirs[0].pixels
    header = f"{'':<21} {'fits':>7} {'failed':>6} {'us a fit':>8} {'s for all':>9}" + "".join(
        f" {name:>9}" for name in PARAMETERS
    )
    lines = [f"{'':<55}{'median absolute error':^30}".rstrip(), header, "-" * len(header)]
    for fit in (ours, curves, *theirs):
        each = fit.seconds_each
        cells = "".join(f" {error:>9.5f}" for error in errors(scene, fit, sample))
        lines.append(
            f"{fit.method:<21} {len(fit.pixels):>7,} {fit.failed:>6,} {1e6 * each:>8.1f} "
            f"{total * each:>9.2f}{cells}"
        )
    lines += [
        "",
        "Defaults of all. All start from the same guesses.",
        f"Errors: in the same {len(sample):,} pixels. s for all: {total:,} times that of a fit.",
        "failed: not a minimum, by its own account.",
    ]
    shares = ", ".join(
        f"{name} {share:.1%}"
        for name, share in zip(PARAMETERS, share_within(scene, curves), strict=True)
    )
    lines.append(f"Truth within one standard error of {CURVES}: {shares}.")
    for fit in theirs:
        ratio = fit.seconds_each / ours.seconds_each
        lines.append(f"fastadam is {ratio:,.0f} times as fast as {fit.method}, one by one.")
    return "\n".join(lines)


def draw(scene: Scene, fit: Fit, curves: Fit, path: Path) -> None:
    """Draw the true maps, the fitted ones and their errors, and the decays of three pixels.

    Parameters
    ----------
    scene : Scene
    fit, curves : Fit
        Of all pixels; the second with standard errors.
    path : Path
        The picture; its suffix decides the format.
    """
    figure = make_figure(*SIZE, DPI, "compressed")
    panels: Any = figure.subplots(4, 4, gridspec_kw={"width_ratios": [1.0, 1.0, 1.0, 0.85]})
    for column, name in enumerate(PARAMETERS):
        arrays = (scene.truth, fit.x, curves.stderr)
        maps = (values[:, column].reshape(scene.shape) for values in arrays)
        _draw_maps(figure, panels[:, column], name, *maps)
        _mark_unsolved(panels[2, column], scene, fit)
    for row, label in enumerate(("true", "fitted", "fitted - true", "error, no bounds")):
        panels[row, 0].set_ylabel(label, fontsize=12)
    unsolved = f"x: {fit.failed:,} of {len(fit.pixels):,} fits did not succeed"
    panels[2, 0].set_xlabel(unsolved, loc="left")
    for row, (name, pixel) in enumerate(zip("ABC", shown(scene), strict=True)):
        _draw_decay(panels[row, 3], scene, fit, pixel, name)
        y, x = divmod(pixel, scene.shape[1])
        disc = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "none"}
        place = {"ha": "center", "va": "center", "fontsize": 8, "fontweight": "bold"}
        panels[1, 0].text(x, y, name, bbox=disc, **place)
    _draw_shares(panels[3, 3], scene, curves)
    save_figure(figure, path)


def shown(scene: Scene) -> list[int]:
    """Return three pixels: a slow decay, a middling one and a fast one, none of them dim."""
    bright = np.argsort(scene.truth[:, 0])[-max(1, len(scene.truth) // 5) :]
    by_rate = bright[np.argsort(scene.truth[bright, 1])]
    return [int(by_rate[int(part * (len(by_rate) - 1))]) for part in (0.05, 0.5, 0.95)]


def _draw_maps(
    figure: Any, panels: Any, name: str, true: Array, fitted: Array, stderr: Array
) -> None:
    """Draw a column: both on one scale, and differences and errors, for all but a hundredth."""
    reach = float(np.percentile(abs(fitted - true), 99.0))
    known = stderr[np.isfinite(stderr)]
    least, most = np.percentile(known, (1.0, 99.0)) if known.size else (0.0, 1.0)
    both = {"vmin": true.min(), "vmax": true.max(), "cmap": _COLOURS[name]}
    around_0 = {"vmin": -reach, "vmax": reach, "cmap": _COLOURS["difference"]}
    errors = {"vmin": least, "vmax": most, "cmap": _COLOURS["error"]}
    contents = [(true, both), (fitted, both), (fitted - true, around_0), (stderr, errors)]
    for axes, (values, style) in zip(panels, contents, strict=True):
        image = axes.imshow(values, **style)
        axes.set(xticks=[], yticks=[])
        bar = figure.colorbar(image, ax=axes, aspect=16, pad=0.02, fraction=0.06)
        bar.set_label(UNITS[name], fontsize=10)
        bar.ax.tick_params(labelsize=9)
        bar.outline.set_visible(False)
        open_frame(axes, axes.spines)
    panels[0].set_title(name, fontsize=12)


def _mark_unsolved(axes: Any, scene: Scene, fit: Fit) -> None:
    """Mark the pixels whose fits did not succeed."""
    rows, columns = np.divmod(fit.pixels[fit.unsolved], scene.shape[1])
    axes.plot(columns, rows, "x", color="black", markersize=4, markeredgewidth=0.8)


def _draw_decay(axes: Any, scene: Scene, fit: Fit, pixel: int, name: str) -> None:
    """Draw the frames of a pixel, the fit and the truth."""
    t = np.linspace(TIMES[0], TIMES[-1], 200)
    axes.plot(TIMES, scene.y[pixel], "o", markersize=3.5, color="#7a7a7a", label="data")
    axes.plot(t, model(t, *scene.truth[pixel]), color=ORANGE, linewidth=3.5, label="true")
    fitted = {"color": BLUE, "linewidth": 1.4, "linestyle": "--", "label": "fitted"}
    axes.plot(t, model(t, *fit.x[pixel]), **fitted)
    a, r, c = fit.x[pixel]
    place = {"transform": axes.transAxes, "ha": "right", "va": "bottom", "fontsize": 9.5}
    axes.text(0.99, 1.03, f"{name}, fitted: {a:.2f} exp(-{r:.2f} t) + {c:.2f}", **place)
    axes.set_ylim(-0.1, 1.15 * scene.y[pixel].max())
    axes.tick_params(labelsize=9, labelbottom=name == "C")
    axes.set_ylabel("counts", fontsize=10)
    if name == "A":
        axes.legend(frameon=False, fontsize=9, loc="upper right", bbox_to_anchor=(1.0, 1.0))
    if name == "C":
        axes.set_xlabel("t (s)", fontsize=10, labelpad=0)
    open_frame(axes)


def _draw_shares(axes: Any, scene: Scene, curves: Fit) -> None:
    """Draw how far off the truth is in standard errors, beside the normal distribution."""
    z = np.linspace(-4.0, 4.0, 81)
    off = ((curves.x - scene.truth) / curves.stderr)[~curves.unsolved]
    for k, (name, colour) in enumerate(zip(PARAMETERS, (BLUE, ORANGE, GREEN), strict=True)):
        axes.hist(off[:, k], bins=z, density=True, histtype="step", color=colour, label=name)
    axes.axvspan(-1.0, 1.0, color="#dddddd", linewidth=0)
    normal = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    axes.plot(z, normal, color="black", linewidth=0.9, label="normal")
    share = f"truth within 1: {np.mean(share_within(scene, curves)):.1%}"
    place = {"transform": axes.transAxes, "ha": "right", "va": "bottom", "fontsize": 9.5}
    axes.text(0.99, 1.03, share, **place)
    axes.set_xlabel("off by (standard errors)", fontsize=10, labelpad=0)
    axes.set(xlim=(-4.0, 8.0), xticks=(-3, -1, 1, 3), yticks=())
    axes.tick_params(labelsize=9)
    axes.legend(frameon=False, fontsize=8, loc="upper right", handlelength=1.0)
    open_frame(axes, ("top", "right", "left"))


if __name__ == "__main__":
    sys.exit(main())

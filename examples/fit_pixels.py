"""Fit a decay in every pixel of an image in one call: ``python -m examples.fit_pixels``.

100,000 pixels, each with a noisy exponential decay of its own: amplitude, rate and offset, within
bounds. `fastadam.minimize_batch` fits them all, with a gradient by hand and a step size that were
chosen for these curves (see `OPTIONS`); `scipy.optimize.curve_fit` fits a sample of them from the
same starts, guessed from the data, for time and accuracy. It prints a table and draws the maps.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from numba import njit
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import fastadam

from .command import picture_parser, run_command
from .mnist.arguments import positive_int
from .mnist.arguments import seed as whole_seed
from .mnist.files import replacing

Array = NDArray[np.float64]

PARAMETERS = ("amplitude", "rate", "offset")
LOWER, UPPER = np.array([0.0, 0.05, 0.0]), np.array([4.0, 6.0, 1.0])

#: When the frames were taken, and the standard deviation of their noise.
TIMES = np.linspace(0.0, 4.0, 24)
NOISE = 0.03

#: Tuned for these curves, by trying. The defaults, ``lr="auto"``, find the same minima in five
#: times as many iterations, since they cannot know that the starts are near. Plain Adam with a step
#: as small as a start's usual error, 0.02 to 0.13, does; less momentum halves what is left of them.
#: What the tolerance leaves out is a thousandth of the error that comes from the noise.
OPTIONS = {"lr": 0.015, "betas": (0.75, 0.999), "gtol": 1e-6, "maxiter": 500}
TUNED = f"plain Adam within bounds, lr={OPTIONS['lr']}, betas={OPTIONS['betas']}, gradient by hand"

#: How many pixels `curve_fit` gets.
SAMPLE = 500

OURS, BOUNDED, FREE = "fastadam, tuned", "curve_fit, bounds", "curve_fit, no bounds"

#: Pixels. The figure is drawn at a size in inches at which the text is legible on a page.
SIZE = (1600, 780)
DPI = 130

# Perceptually uniform; the last, for differences, on either side of its middle.
_COLOURS = {"amplitude": "viridis", "rate": "magma", "offset": "cividis", "difference": "coolwarm"}


@dataclass(frozen=True)
class Scene:
    """An image with a decay in each pixel.

    Attributes
    ----------
    shape : tuple of int
        Height and width.
    truth : ndarray, shape (pixels, 3)
        Amplitude, rate and offset of each pixel, row by row of the image.
    y : ndarray, shape (pixels, frames)
        What the camera saw.
    """

    shape: tuple[int, int]
    truth: Array
    y: Array


@dataclass(frozen=True)
class Fit:
    """What one method made of some of the pixels, in ascending order; `x` has a row for each."""

    method: str
    pixels: NDArray[np.intp]
    x: Array
    seconds: float
    failed: int

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
    fit_all(scene.y[:1], start[:1])
    compiling = time.perf_counter() - compiling
    ours = fit_all(scene.y, start)
    rng = np.random.default_rng(options.seed)
    count = min(SAMPLE, len(start))
    sample = np.sort(rng.choice(len(start), count, replace=False))
    theirs = [fit_sample(scene.y, start, sample, method) for method in (BOUNDED, FREE)]
    print(f"{format_table(scene, ours, theirs)}\n\nCompiled in {compiling:.1f} s, not counted.")
    draw(scene, ours, options.output)
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


def make_scene(pixels: int, seed: int) -> Scene:
    """Make an image, 8 by 5, of round cells on a dim ground.

    Parameters
    ----------
    pixels : int
        About how many it is to have.
    seed : int
        Of the cells and the noise.
    """
    rng = np.random.default_rng(seed)
    width = round(math.sqrt(1.6 * pixels))
    height = max(1, round(pixels / width))
    v, u = np.meshgrid(
        (np.arange(height) + 0.5) / height, 1.6 * (np.arange(width) + 0.5) / width, indexing="ij"
    )
    amplitude, rate = np.full(u.shape, 0.5), 0.6 + 0.3 * u
    for _ in range(22):
        cover, depth = _cell(rng, u, v)
        amplitude += cover * (rng.uniform(0.6, 1.4) * np.sqrt(depth) + 0.3 - amplitude + 0.3)
        rate += cover * (rng.uniform(0.7, 2.4) * (1.0 - 0.3 * depth) - rate)
    # Cut off at 0: over a third of the image the lower bound is the truth.
    offset = np.maximum(0.0, 0.12 + 0.2 * np.sin(4.0 * u + 1.0) * np.cos(5.0 * v - 1.0))
    truth = np.stack([amplitude, rate, offset], axis=-1).reshape(-1, 3)
    a, r, c = truth.T[:, :, None]
    y = a * np.exp(-r * TIMES) + c + rng.normal(0.0, NOISE, (len(truth), TIMES.size))
    return Scene((height, width), truth, y)


def _cell(rng: np.random.Generator, u: Array, v: Array) -> tuple[Array, Array]:
    """Return where an ellipse is, with a soft edge, and how far from the edge: 1 in the middle."""
    angle, long, short = rng.uniform(0.0, math.pi), *rng.uniform((0.10, 0.07), (0.20, 0.13))
    du, dv = u - rng.uniform(0.0, 1.6), v - rng.uniform(0.0, 1.0)
    along = (du * math.cos(angle) + dv * math.sin(angle)) / long
    across = (dv * math.cos(angle) - du * math.sin(angle)) / short
    distance = np.hypot(along, across)
    return 0.5 - 0.5 * np.tanh(12.0 * (distance - 1.0)), np.maximum(0.0, 1.0 - distance**2)


def guess(y: Array) -> Array:
    """Return starts from the data: the last frames, the first one, and the area between them."""
    offset = y[:, -4:].mean(axis=1)
    amplitude = y[:, 0] - offset
    area = np.trapezoid(y - offset[:, None], TIMES, axis=1)
    rate = amplitude / np.maximum(area, 1e-3)
    return np.clip(np.stack([amplitude, rate, offset], axis=1), LOWER, UPPER)


@njit(error_model="numpy")
def misfit(p, grad, t, y):  # type: ignore[no-untyped-def]  # Numba finds the types
    """Return the mean square of the residuals; fill `grad`."""
    amplitude, rate, offset = p
    f = by_amplitude = by_rate = by_offset = 0.0
    for i in range(t.size):
        decay = math.exp(-rate * t[i])
        residual = amplitude * decay + offset - y[i]
        f += residual * residual
        by_amplitude += residual * decay
        by_rate -= residual * amplitude * t[i] * decay
        by_offset += residual
    grad[0] = 2.0 * by_amplitude / t.size
    grad[1] = 2.0 * by_rate / t.size
    grad[2] = 2.0 * by_offset / t.size
    return f / t.size


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
        options=OPTIONS,
    )
    seconds = time.perf_counter() - begin
    return Fit(OURS, np.arange(len(y)), result.x, seconds, int(np.sum(~result.success)))


def fit_sample(y: Array, start: Array, pixels: NDArray[np.intp], method: str) -> Fit:
    """Fit some of the pixels by SciPy, one after the other; `method` is `BOUNDED` or `FREE`.

    Parameters
    ----------
    y : ndarray, shape (pixels, frames)
    start : ndarray, shape (pixels, 3)
    pixels : ndarray of int
        Which ones.
    method : str
        `BOUNDED` or `FREE`.
    """
    bounds = (LOWER, UPPER) if method == BOUNDED else (-np.inf, np.inf)
    found = start[pixels]
    failed = 0
    # Matrices this small are not worth a second thread: SciPy would wait for it. And a step
    # without bounds may overflow, or leave no covariance, which nobody asks for here.
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", scipy.optimize.OptimizeWarning)
        begin = time.perf_counter()
        for i, k in enumerate(pixels):
            try:
                found[i], _ = scipy.optimize.curve_fit(model, TIMES, y[k], start[k], bounds=bounds)
            except RuntimeError:  # no convergence: the start remains
                failed += 1
        seconds = time.perf_counter() - begin
    return Fit(method, pixels, found, seconds, failed)


def model(t: Array, amplitude: float, rate: float, offset: float) -> Array:
    """Return the decay, in the form that `curve_fit` wants."""
    return amplitude * np.exp(-rate * t) + offset


def errors(scene: Scene, fit: Fit, pixels: NDArray[np.intp]) -> Array:
    """Return the median absolute error of each parameter in some of the pixels of a fit."""
    rows = np.searchsorted(fit.pixels, pixels)
    return np.median(abs(fit.x[rows] - scene.truth[pixels]), axis=0)


def format_table(scene: Scene, ours: Fit, theirs: Sequence[Fit]) -> str:
    """Return a table with a row a method, and how fast fastadam is beside the others.

    Parameters
    ----------
    scene : Scene
    ours : Fit
        Of all pixels.
    theirs : sequence of Fit
        Of the same sample of them.
    """
    total, sample = len(ours.pixels), theirs[0].pixels
    header = f"{'':<21} {'fits':>7} {'failed':>6} {'us a fit':>8} {'s for all':>9}" + "".join(
        f" {name:>9}" for name in PARAMETERS
    )
    lines = [f"{'':<55}{'median absolute error':^30}".rstrip(), header, "-" * len(header)]
    for fit in (ours, *theirs):
        each = fit.seconds_each
        cells = "".join(f" {error:>9.5f}" for error in errors(scene, fit, sample))
        lines.append(
            f"{fit.method:<21} {len(fit.pixels):>7,} {fit.failed:>6,} {1e6 * each:>8.1f} "
            f"{total * each:>9.2f}{cells}"
        )
    lines += [
        "",
        f"tuned: {TUNED}.",
        "All start from the same guesses.",
        f"Errors: in the same {len(sample):,} pixels. s for all: {total:,} times that of a fit.",
        "failed: short of the tolerance when the iterations or evaluations were used up.",
    ]
    for fit in theirs:
        ratio = fit.seconds_each / ours.seconds_each
        lines.append(f"fastadam is {ratio:,.0f} times as fast as {fit.method}, one by one.")
    return "\n".join(lines)


def draw(scene: Scene, fit: Fit, path: Path) -> None:
    """Draw the true maps, the fitted ones and their differences, and the decays of three pixels.

    Parameters
    ----------
    scene : Scene
    fit : Fit
        Of all pixels.
    path : Path
        The picture; its suffix decides the format.
    """
    # Figure without pyplot: no display is needed and no global backend is touched.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE[0] / DPI, SIZE[1] / DPI), dpi=DPI, layout="compressed")
    panels: Any = figure.subplots(3, 4, gridspec_kw={"width_ratios": [1.0, 1.0, 1.0, 0.85]})
    for column, name in enumerate(PARAMETERS):
        _draw_maps(figure, panels[:, column], name, *_maps(scene, fit, column))
    for row, label in enumerate(("true", "fitted", "fitted - true")):
        panels[row, 0].set_ylabel(label, fontsize=11)
    for row, (name, pixel) in enumerate(zip("ABC", shown(scene), strict=True)):
        _draw_decay(panels[row, 3], scene, fit, pixel, name)
        y, x = divmod(pixel, scene.shape[1])
        disc = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "none"}
        place = {"ha": "center", "va": "center", "fontsize": 7, "fontweight": "bold"}
        panels[1, 0].text(x, y, name, bbox=disc, **place)
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix.lower().removeprefix("."), dpi=DPI)


def shown(scene: Scene) -> list[int]:
    """Return three pixels: a slow decay, a middling one and a fast one, none of them dim."""
    bright = np.argsort(scene.truth[:, 0])[-max(1, len(scene.truth) // 5) :]
    by_rate = bright[np.argsort(scene.truth[bright, 1])]
    return [int(by_rate[int(part * (len(by_rate) - 1))]) for part in (0.05, 0.5, 0.95)]


def _maps(scene: Scene, fit: Fit, column: int) -> tuple[Array, Array]:
    return scene.truth[:, column].reshape(scene.shape), fit.x[:, column].reshape(scene.shape)


def _draw_maps(figure: Any, panels: Any, name: str, true: Array, fitted: Array) -> None:
    """Draw a column: both on one scale, and the difference, on one for all but a hundredth."""
    reach = float(np.percentile(abs(fitted - true), 99.0))
    both = {"vmin": true.min(), "vmax": true.max(), "cmap": _COLOURS[name]}
    around_0 = {"vmin": -reach, "vmax": reach, "cmap": _COLOURS["difference"]}
    contents = [(true, both), (fitted, both), (fitted - true, around_0)]
    for axes, (values, style) in zip(panels, contents, strict=True):
        image = axes.imshow(values, **style)
        axes.set(xticks=[], yticks=[])
        bar = figure.colorbar(image, ax=axes, aspect=16, pad=0.02, fraction=0.06)
        bar.ax.tick_params(labelsize=8)
        for edges in (bar.outline, *axes.spines.values()):
            edges.set_visible(False)
    panels[0].set_title(name, fontsize=11)


def _draw_decay(axes: Any, scene: Scene, fit: Fit, pixel: int, name: str) -> None:
    """Draw the frames of a pixel, the fit and the truth."""
    t = np.linspace(TIMES[0], TIMES[-1], 200)
    axes.plot(TIMES, scene.y[pixel], "o", markersize=3.5, color="#7a7a7a", label="data")
    axes.plot(t, model(t, *scene.truth[pixel]), color="#E69F00", linewidth=3, label="true")
    axes.plot(t, model(t, *fit.x[pixel]), color="#0072B2", linewidth=1.3, label="fitted")
    a, r, c = fit.x[pixel]
    place = {"transform": axes.transAxes, "ha": "right", "va": "top", "fontsize": 9}
    axes.text(0.99, 1.0, f"{name}: {a:.2f} exp(-{r:.2f} t) + {c:.2f}", **place)
    axes.set_ylim(-0.1, 1.1 * scene.y[pixel].max())
    axes.tick_params(labelsize=8, labelbottom=name == "C")
    if name == "A":
        axes.legend(frameon=False, fontsize=8, loc="upper right", bbox_to_anchor=(1.0, 0.9))
    if name == "C":
        axes.set_xlabel("t", fontsize=9, labelpad=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    sys.exit(main())

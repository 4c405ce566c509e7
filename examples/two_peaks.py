"""Two peaks that overlap, in a spectrum at 1550 nm: ``python -m examples.two_peaks``.

The axis begins far from 0, the peaks differ in size by a factor of 3, and the noise is that of
counted photons. `fastadam.minimize` finds the parameters, by name, one of them fixed;
`fastadam.uncertainty` has their errors, which `scipy.optimize.curve_fit` has, too. It prints both,
and draws the spectrum with what is left of it, in standard deviations.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from numba import njit
from numpy.typing import NDArray

import fastadam

from ._shared.command import picture_parser, run_command
from ._shared.command import seed as whole_seed
from ._shared.plots import BLUE, GREEN, ORANGE, make_figure, open_frame, save_figure

Array = NDArray[np.float64]

#: Nanometres.
WAVELENGTHS = np.linspace(1547.0, 1553.0, 241)
#: Heights and the dark counts in photons; centres and widths, which are standard deviations, in nm;
#: the tilt of the background in photons a nm.
TRUTH = {
    "height 1": 900.0, "centre 1": 1549.6, "width 1": 0.35,
    "height 2": 300.0, "centre 2": 1550.6, "width 2": 0.50,
    "tilt": 4.0, "dark": 40.0,
}  # fmt: skip
#: What one sees by eye.
START = {
    "height 1": 700.0, "centre 1": 1549.5, "width 1": 0.5,
    "height 2": 200.0, "centre 2": 1551.0, "width 2": 0.5,
    "tilt": 0.0, "dark": 40.0,
}  # fmt: skip
BOUNDS = {name: (0.0, None) for name in START if name.startswith(("height", "width"))}
#: Measured with the shutter closed.
FIXED = "dark"

#: Pixels.
SIZE = (1400, 900)
DPI = 140


@dataclass(frozen=True)
class Spectrum:
    """Counted photons, and their standard deviations."""

    counts: Array
    sigma: Array


@dataclass(frozen=True)
class Fit:
    """What was found, and the errors."""

    result: Any
    errors: Any


@njit
def peak(x, height, centre, width):  # type: ignore[no-untyped-def]  # Numba finds the types
    """Return a Gaussian peak."""
    return height * np.exp(-0.5 * ((x - centre) / width) ** 2)


@njit
def background(x, tilt, dark):  # type: ignore[no-untyped-def]
    """Return a line whose value is `dark` at 1550 nm."""
    return dark + tilt * (x - 1550.0)


@njit
def model(x, p):  # type: ignore[no-untyped-def]
    """Return the spectrum for parameters in the order of `START`."""
    first, second = peak(x, p[0], p[1], p[2]), peak(x, p[3], p[4], p[5])
    return first + second + background(x, p[6], p[7])


@njit
def misfit(p, x, counts, sigma):  # type: ignore[no-untyped-def]
    """Return chi-squared."""
    return np.sum(((model(x, p) - counts) / sigma) ** 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    return run_command(_parser(), arguments, _work)


def _work(options: argparse.Namespace) -> None:
    spectrum = simulate(options.seed)
    found = fit(spectrum)
    print(f"{fastadam.report(found.result, found.errors)}\n")
    print(format_table(found, *fit_by_scipy(spectrum)))
    draw(spectrum, found, options.output)
    print(f"\nDrawn to {options.output}")


def _parser() -> argparse.ArgumentParser:
    parser = picture_parser(
        "two_peaks",
        "Fit two overlapping peaks by name, and set errors beside those of "
        "scipy.optimize.curve_fit.",
    )
    parser.add_argument("--seed", type=whole_seed, metavar="N", default=0, help="of the noise (0)")
    return parser


def simulate(seed: int) -> Spectrum:
    """Count photons; their variance is their number, or 1 if there is none."""
    expected = model(WAVELENGTHS, np.array(list(TRUTH.values())))
    counts = np.random.default_rng(seed).poisson(expected).astype(np.float64)
    return Spectrum(counts, np.sqrt(np.maximum(counts, 1.0)))


def fit(spectrum: Spectrum) -> Fit:
    """Fit by fastadam: defaults, no derivatives."""
    args = (WAVELENGTHS, spectrum.counts, spectrum.sigma)
    result = fastadam.minimize(misfit, START, args=args, bounds=BOUNDS, fixed=FIXED)
    errors = fastadam.uncertainty(misfit, result, args=args, bounds=BOUNDS, kind="chi2")
    return Fit(result, errors)


def fit_by_scipy(spectrum: Spectrum) -> tuple[Array, Array]:
    """Fit by SciPy, from the same start; return parameters and errors, without what is fixed."""

    def free(x: Array, *p: float) -> Array:
        return np.asarray(model(x, np.array([*p, START[FIXED]])))

    start = [value for name, value in START.items() if name != FIXED]
    x, covariance = scipy.optimize.curve_fit(
        free, WAVELENGTHS, spectrum.counts, start, spectrum.sigma, absolute_sigma=True
    )
    return x, np.sqrt(np.diag(covariance))


def format_table(found: Fit, x: Array, stderr: Array) -> str:
    """Return a table with a row for each parameter that is free.

    Parameters
    ----------
    found : Fit
    x, stderr : ndarray
        SciPy's.
    """
    header = f"{'':<9} {'true':>9} {'fastadam':>20} {'curve_fit':>20} {'off by':>13}"
    lines = [header, "-" * len(header)]
    free = [name for name in START if name != FIXED]
    for name, value, error in zip(free, x, stderr, strict=True):
        ours, own = found.result.params[name], found.errors.errors[name]
        off = f"{(ours - TRUTH[name]) / own:+.2f} sigma"
        lines.append(
            f"{name:<9} {TRUTH[name]:>9g} {ours:>11.4f} +-{own:>7.4f} {value:>11.4f} "
            f"+-{error:>7.4f} {off:>13}"
        )
    return "\n".join(lines)


def draw(spectrum: Spectrum, found: Fit, path: Path) -> None:
    """Draw the spectrum and its parts, and below it the residuals in standard deviations.

    Parameters
    ----------
    spectrum : Spectrum
    found : Fit
    path : Path
        The picture; its suffix decides the format.
    """
    figure = make_figure(*SIZE, DPI)
    top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
    p = found.result.x
    fitted, line = model(WAVELENGTHS, p), background(WAVELENGTHS, *p[6:])
    top.errorbar(
        WAVELENGTHS, spectrum.counts, spectrum.sigma, fmt=".", color="#7a7a7a", markersize=4,
        elinewidth=0.7, label="photons, 1 standard deviation",
    )  # fmt: skip
    for label, colour, part in (("peak 1", ORANGE, p[:3]), ("peak 2", GREEN, p[3:6])):
        curve = line + peak(WAVELENGTHS, *part)
        top.fill_between(WAVELENGTHS, line, curve, color=colour, alpha=0.35, linewidth=0)
        top.plot(WAVELENGTHS, curve, color=colour, linewidth=1.2, label=label)
    top.plot(WAVELENGTHS, fitted, color=BLUE, linewidth=1.6, label="fit")
    top.set_ylabel("photons")
    top.legend(frameon=False, loc="upper right")
    bottom.axhspan(-1.0, 1.0, color="#dddddd", linewidth=0)
    residuals = (spectrum.counts - fitted) / spectrum.sigma
    bottom.plot(WAVELENGTHS, residuals, ".", color="#4a4a4a", markersize=4)
    bottom.axhline(0.0, color=BLUE, linewidth=1.2)
    reach = 1.1 * max(3.0, float(np.abs(residuals).max()))
    bottom.set(ylim=(-reach, reach), xlabel="wavelength (nm)", ylabel="residual\n(standard dev.)")
    bottom.xaxis.get_major_formatter().set_useOffset(False)
    for axes in (top, bottom):
        open_frame(axes)
    save_figure(figure, path)


if __name__ == "__main__":
    sys.exit(main())

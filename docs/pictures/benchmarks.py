"""Draw the README's pictures from the tables: ``python docs/pictures/benchmarks.py``."""

import csv
import re
from pathlib import Path

from matplotlib.figure import Figure

DOCS = Path(__file__).parents[1]
UNITS = {"ns": 1e-3, "µs": 1.0, "ms": 1e3}  # of microseconds
OURS, THEIRS = "#0072B2", "#D55E00"  # of Okabe and Ito
#: By contender of ``budget.csv``, in its order: colour and marker.
STYLES = [(OURS, "o"), (THEIRS, "D"), ("#E69F00", "s"), ("#009E73", "^"), ("#CC79A7", "v")]

#: Labels, and which rows of the tables they are.
FITS = {
    "ndoptimize, gradient": ("fits", "ndoptimize, Levenberg-Marquardt, with the gradient"),
    "ours, gradient": ("fits", "``minimize_batch``, with the gradient"),
    "ours, plain Adam, tuned": ("fits", "tuned: ``minimize_batch``"),
    "ours": ("fits", "``minimize_batch``, no gradient"),
    "optimistix, vmap, no bounds": ("fits", "optimistix, Levenberg-Marquardt, ``vmap``, no bounds"),
    "curve_fit, no bounds": ("fits", "the same, no gradient, no bounds"),
    "L-BFGS-B, compiled, gradient": (
        "fits",
        "SciPy L-BFGS-B, one by one, compiled misfit and gradient",
    ),
    "curve_fit": ("fits", "``curve_fit``, one by one"),
}
ITERATIONS = {
    "Numba, for this function only": (
        "iteration",
        "Numba, a loop written and compiled for this function only",
    ),
    "ours, in place": ("iteration", '``minimize``, compiled, ``jac="in-place"``'),
    "ours, jac=True": ("iteration", "``minimize``, compiled, ``jac=True``"),
    "NumPy": ("iteration", "NumPy loop over ``scipy.optimize.rosen``"),
    "torch.optim.Adam": ("iteration", "``torch.optim.Adam``, in another run"),
}


def read(table, row, column):
    """Return the median and the quartiles, in microseconds."""
    with open(DOCS / "benchmarks" / f"{table}.csv", encoding="utf-8") as file:
        cell = next(cells[column] for cells in csv.reader(file) if cells[0] == row)
    median, unit, low, high = re.fullmatch(r"([\d.]+) (\w+) \(([\d.]+)–([\d.]+)\)", cell).groups()
    return [float(value) * UNITS[unit] for value in (median, low, high)]


def draw(axes, rows, column, title):
    """Draw a point for each row, with a line from quartile to quartile."""
    for y, (label, (table, row)) in enumerate(rows.items()):
        median, low, high = read(table, row, column)
        ours = label.startswith("ours")
        colour, marker = (OURS, "o") if ours else (THEIRS, "D")
        axes.plot([low, high], [y, y], color=colour)
        axes.plot(median, y, marker, color=colour, markersize=7)
        value = f"{median * 1e3:.3g} ns" if median < 1 else f"{median:.3g} µs"
        value = f"{median / 1e3:.3g} ms" if median >= 1e3 else value
        axes.annotate(value, (median, y), (0, 7), textcoords="offset points", ha="center", size=8)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xscale="log", ylim=(len(rows) - 0.5, -0.8), xlabel="time (µs)")
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.margins(x=0.12)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)


def draw_budget(axes):
    """Draw the share that is solved over the evaluations allowed, a line for each contender."""
    with open(DOCS / "benchmarks" / "budget.csv", encoding="utf-8") as file:
        (_, *names), *rows = csv.reader(file)
    budgets, *shares = zip(*(map(float, row) for row in rows))
    for name, share, (colour, marker) in zip(names, shares, STYLES):
        wide = 2.5 if colour == OURS else 1.4
        axes.plot(budgets, share, marker=marker, color=colour, lw=wide, label=name)
    axes.set(xscale="log", xlabel="evaluations allowed / (n + 1)", ylabel="solved (%)")
    axes.set_xticks(budgets, [f"{budget:,.0f}" for budget in budgets])
    axes.minorticks_off()
    axes.set_title("published functions that end at a minimum, defaults, no gradient", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


figure = Figure(figsize=(9.6, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
draw(left, FITS, 2, "a fit of a noisy decay, on 2 cores")
draw(right, ITERATIONS, 1, "an iteration of plain Adam, n = 2")
figure.savefig(DOCS / "_static" / "benchmarks.png", dpi=120)

figure = Figure(figsize=(8, 4), layout="constrained")
draw_budget(figure.subplots())
figure.savefig(DOCS / "_static" / "budget.png", dpi=110)

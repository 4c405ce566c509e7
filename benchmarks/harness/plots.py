"""Pictures of what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from .report import Row, format_seconds
from .timing import Summary

#: One look a contender, the same in every picture: colour (told apart by colour-blind eyes,
#: too), marker, line style. Ours are blue, torch's red and brown, NumPy's green.
_STYLES = {
    "fastadam": ("#0050b0", "o", "-"),
    "fastadam threads=1": ("#56a0e8", "v", ":"),
    "fastadam threads=all": ("#56a0e8", "^", "--"),
    "traffic probe": ("#777777", "x", "--"),
    "NumPy textbook": ("#006b3c", "s", "-"),
    "NumPy in place": ("#5ab98a", "D", "-"),
    "torch fused": ("#c8102e", "P", "-"),
    "torch foreach": ("#e98a5b", "<", "-"),
    "torch for-loop": ("#8c4a2f", ">", "-"),
}
_OTHER = ("#777777", "o", "-")


def drawable(rows: Iterable[Row]) -> list[tuple[Row, Summary, float, float]]:
    """Return the rows that a picture can show, with times and quartiles: enough runs, and right."""
    return [
        (row, row.timing, *row.timing.quartiles)
        for row in rows
        if row.timing and row.timing.quartiles
    ]


def draw_step_times(rows: Sequence[Row], title: str, path: Path) -> Path:
    """Draw time a step over the number of parameters, and how many times ours it is.

    Parameters
    ----------
    rows : sequence of Row
        All of them `drawable`, with ``details["parameters"]``, and ``ratios["fastadam"]`` for all
        but fastadam.
    title : str
    path : Path
        Where to.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.5), layout="constrained")
    for name in dict.fromkeys(row.contender for row in rows):
        own = sorted(
            (row for row in rows if row.contender == name), key=lambda r: r.details["parameters"]
        )
        colour, marker, style = _STYLES.get(name, _OTHER)
        look = {"color": colour, "marker": marker, "linestyle": style, "markersize": 6}
        if name == "fastadam":
            look |= {"linewidth": 2.5, "zorder": 5}
        sizes = [row.details["parameters"] for row in own]
        times = [(t.median, q1, q3) for _, t, q1, q3 in drawable(own)]
        spread = [
            [1e6 * (median - q1) for median, q1, _ in times],
            [1e6 * (q3 - median) for median, _, q3 in times],
        ]
        medians = [1e6 * median for median, _, _ in times]
        left.errorbar(sizes, medians, spread, label=name, capsize=3, elinewidth=1, **look)
        ratios = [row.ratios.get("fastadam") for row in own]
        if name == "fastadam":
            right.axhline(1.0, color=colour, linewidth=2.5)
        elif all(ratios):
            right.plot(sizes, [1 / ratio.median for ratio in ratios if ratio], **look)
    left.set(xscale="log", yscale="log", ylabel="time of a step (µs), median and quartiles")
    right.set(xscale="log", yscale="log", ylabel="times as long as fastadam")
    right.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for axes in (left, right):
        axes.set_xlabel("float32 parameters")
        axes.grid(True, which="major", alpha=0.3)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=9)
    figure.suptitle(title)
    return _save(figure, path)


def draw_bars(rows: Sequence[Row], title: str, path: Path) -> list[Path]:
    """Draw a bar a row, with whiskers from quartile to quartile; nothing if no row is drawable."""
    drawn = drawable(rows)
    if not drawn:
        return []
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.55 * len(drawn)), layout="constrained")
    longest = max(q3 for *_, q3 in drawn)
    for place, (row, timing, q1, q3) in enumerate(drawn):
        colour = _STYLES["fastadam"][0] if "fastadam" in row.contender else _OTHER[0]
        whiskers = [[timing.median - q1], [q3 - timing.median]]
        axes.barh(place, timing.median, color=colour, xerr=whiskers, capsize=4, height=0.65)
        text = format_seconds(timing.median)
        if "accuracy" in row.details:
            text += f", {row.details['accuracy']:.2%} after {row.details['epochs']} epochs"
        axes.text(q3 + 0.015 * longest, place, text, va="center", fontsize=9)
    axes.set_yticks(range(len(drawn)), [row.contender for row, *_ in drawn])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.35 * longest)
    axes.set_xlabel("seconds, median and quartiles")
    axes.set_title(title, fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return [_save(figure, path)]


def _save(figure: matplotlib.figure.Figure, path: Path) -> Path:
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path

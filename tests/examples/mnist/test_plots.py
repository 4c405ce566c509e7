import os
import sys

import pytest
from matplotlib.figure import Figure

from examples._shared.files import OutputError, check_writable
from examples._shared.plots import check_plottable
from examples.mnist.plots import plot_histories
from workloads.mnist.training import EpochResult

HISTORIES = {
    "good": [EpochResult(n, 1 / n, 1 - 0.5 / n, 1 - 0.4 / n, 0.1) for n in (1, 2, 3, 4)],
    "lost": [EpochResult(n, float("nan"), 0.1, 0.1, 0.1) for n in (1, 2, 3, 4)],
}


@pytest.fixture
def drawn(monkeypatch):
    """Return the list of the figures that are saved."""
    figures = []
    savefig = Figure.savefig

    def keep(figure, *args, **kwargs):
        figures.append(figure)
        savefig(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def test_both_panels_show_every_run(drawn, tmp_path):
    plot_histories(HISTORIES, tmp_path / "curves.png", "the title")
    (figure,) = drawn
    assert figure.get_suptitle() == "the title"
    loss, accuracy = figure.axes
    assert "loss" in loss.get_ylabel()
    assert "accuracy" in accuracy.get_ylabel()
    named = ["good", "lost"], ["last weights", "averaged weights"]
    for axes, names in zip((loss, accuracy), named, strict=True):
        assert axes.get_xlabel() == "epoch"
        assert [text.get_text() for text in axes.get_legend().get_texts()] == names
        assert all(float(tick).is_integer() for tick in axes.get_xticks())
    drawn = [line for line in (*loss.lines, *accuracy.lines) if len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in drawn] == [[1, 2, 3, 4]] * 6
    last, averaged = drawn[2:4]
    assert list(last.get_ydata()) == pytest.approx([50.0, 75.0, 250 / 3, 87.5])
    assert list(averaged.get_ydata()) == pytest.approx([60.0, 80.0, 260 / 3, 90.0])
    keys = accuracy.get_legend().get_lines()
    for line, key in zip((last, averaged), keys, strict=True):
        assert (line.get_markerfacecolor() == "white") == (key.get_markerfacecolor() == "white")
    assert last.get_markerfacecolor() != averaged.get_markerfacecolor()


@pytest.mark.parametrize(
    ("first", "note"), [(1, ""), (2, "epoch 1 is not shown"), (4, "epochs 1 to 3 are not shown")]
)
def test_epochs_that_are_not_known_are_named(drawn, tmp_path, first, note):
    history = HISTORIES["good"][first - 1 :]
    plot_histories({"Adam": history}, tmp_path / "curves.png")
    title = drawn[0].axes[0].get_title(loc="left")
    assert title.startswith(note)
    assert bool(title) == bool(note)


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".PDF", b"%PDF"), (".svg", b"<?xml")]
)
def test_the_suffix_decides_the_format(tmp_path, suffix, start):
    path = tmp_path / f"curves{suffix}"
    check_plottable(path)
    plot_histories(HISTORIES, path)
    assert path.read_bytes().startswith(start)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["curves", "curves.doc"])
def test_unknown_formats_are_refused(tmp_path, name):
    with pytest.raises(OutputError, match=r"curves.*has to end in \..*\.png"):
        check_plottable(tmp_path / name)


def test_no_window_system_is_needed(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    plot_histories(HISTORIES, tmp_path / "curves.png")
    assert "matplotlib.pyplot" not in sys.modules


def test_devices_and_folders_are_no_files_to_write(tmp_path):
    for path in (tmp_path, tmp_path / "missing" / "file"):
        with pytest.raises(OutputError) as caught:
            check_writable(path)
        assert str(path) in str(caught.value)


@pytest.mark.skipif(not os.path.exists(os.devnull), reason="no null device")
def test_a_device_is_not_replaced(tmp_path):
    link = tmp_path / "null"
    link.symlink_to(os.devnull)
    with pytest.raises(OutputError, match="not a file"):
        check_writable(link)


def test_checking_leaves_nothing_behind(tmp_path):
    (tmp_path / "old").write_text("kept")
    check_writable(tmp_path / "old")
    check_writable(tmp_path / "new")
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old").read_text() == "kept"

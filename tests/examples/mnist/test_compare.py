"""``--compare``: three runs side by side, printed, kept and gone on with."""

import re
from types import SimpleNamespace

import numpy as np

from examples.mnist import __main__ as cli
from examples.mnist import run as run_module
from examples.mnist.__main__ import main
from examples.mnist.compare import contenders
from examples.mnist.settings import Settings
from tests.examples.mnist.printed import EPOCH_LINE, SMALL, assert_same_files, epochs_in
from workloads.mnist.training import EpochResult

LABELS = [settings.label for settings in contenders(Settings())]


def table_in(out):
    return out[out.index("\n\n") :].strip("\n").splitlines()


def test_compare_prints_the_table(capsys):
    assert main([*SMALL, "--compare", "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    assert epochs_in(out) == [(1, 2), (2, 2)] * 3
    table = table_in(out)
    for label in LABELS:
        assert label in table[0]
    assert table[1].split() == ["epoch", *["loss", "accuracy", "averaged"] * 3]
    by_run = [EPOCH_LINE.findall(part) for part in re.split(r"\n\w+, lr.*\n", out)[1:]]
    for number in (1, 2):
        cells = table[2 + number].split()
        expected = [str(number)]
        for run in by_run:
            _, _, loss, accuracy, averaged = run[number - 1]
            expected += [loss, f"{accuracy}%", f"{averaged}%"]
        assert cells == expected
    assert table[-1].startswith("s an epoch")
    assert len(table[-1].split()) == 3 + 3


def test_a_comparison_that_was_cut_goes_on_to_where_it_would_have_ended(
    monkeypatch, capsys, tmp_path
):
    whole, cut, picture = tmp_path / "whole.npz", tmp_path / "cut.npz", tmp_path / "curves.png"
    arguments = [*SMALL, "--compare", "--seed", "4", "--epochs", "2"]
    assert main([*arguments, "--save", str(whole)]) == 0
    table = table_in(capsys.readouterr().out)

    lines = []

    def interrupt(result, last, report=cli.report):
        lines.append(result)
        if len(lines) == 4:  # the second epoch of the second of three
            raise KeyboardInterrupt
        report(result, last)

    with monkeypatch.context() as patch:
        patch.setattr(cli, "report", interrupt)
        assert main([*arguments, "--save", str(cut)]) == 130
    capsys.readouterr()
    drawn = []
    monkeypatch.setattr(cli, "plot_histories", lambda *arguments: drawn.append(arguments))
    files = ["--load", str(cut), "--save", str(cut), "--plot", str(picture)]
    assert main(["--compare", "--epochs", "2", *files]) == 0
    out = capsys.readouterr().out
    assert epochs_in(out) == [(2, 2), (1, 2), (2, 2)]
    assert_same_files(whole, cut)
    assert table_in(out)[:-2] == table[:-1]  # the last two: times, and what was drawn
    ((histories, *_),) = drawn
    assert {name: [r.epoch for r in history] for name, history in histories.items()} == {
        label: [1, 2] for label in LABELS
    }
    assert main(["--load", str(cut), "--epochs", "1"]) == 0
    assert epochs_in(capsys.readouterr().out) == [(3, 3)] * 3


def test_one_run_is_no_comparison_to_go_on_with(capsys, tmp_path):
    path = str(tmp_path / "run.npz")
    main([*SMALL, "--epochs", "1", "--save", path])
    capsys.readouterr()
    assert main(["--compare", "--load", path]) == 1
    assert "run.npz: one run, and no comparison to go on with" in capsys.readouterr().err


def test_the_contenders_are_what_their_names_say():
    described = {}
    for settings in contenders(Settings(hidden=8, seed=3)):
        assert (settings.hidden, settings.seed) == (8, 3)
        optimizer = settings.make_optimizer(SimpleNamespace(flat_params=np.zeros(3)))
        (group,) = optimizer.param_groups
        described[settings.label] = (type(optimizer).__name__, group["lr"], group.get("momentum"))
    assert described == {
        "Adam, lr 0.001": ("Adam", 0.001, None),
        "SGD, lr 0.01": ("SGD", 0.01, 0.0),
        "SGD, lr 0.01, momentum 0.9": ("SGD", 0.01, 0.9),
    }


def test_compare_starts_all_from_the_same_parameters_in_the_same_order(monkeypatch, capsys):
    starts, seeds = [], []

    def train(model, optimizer, data, *, epochs, seed, **rest):
        starts.append(model.flat_params.copy())
        seeds.append(seed)
        yield EpochResult(1, 1.0, 0.5, 0.5, 0.1)

    monkeypatch.setattr(run_module, "train", train)
    assert main([*SMALL, "--compare", "--seed", "6", "--epochs", "1"]) == 0
    assert seeds == [6, 6, 6]
    np.testing.assert_array_equal(starts[0], starts[1])
    np.testing.assert_array_equal(starts[0], starts[2])

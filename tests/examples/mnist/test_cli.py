import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.mnist import __main__ as cli
from examples.mnist import run as run_module
from examples.mnist.__main__ import main
from examples.mnist.settings import OPTIMIZERS
from tests.examples.mnist.printed import EPOCH_LINE, SMALL, assert_same_files, epochs_in


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_line_an_epoch(capsys, optimizer):
    assert main([*SMALL, "--epochs", "2", "--optimizer", optimizer]) == 0
    out, err = capsys.readouterr()
    assert epochs_in(out) == [(1, 2), (2, 2)]
    assert "1,437 training and 360 test examples" in out
    assert f"{OPTIMIZERS[optimizer].__name__}, lr" in out
    assert err.count("\n") == 1
    assert "8x8" in err


def test_the_named_folder_is_trained_on(capsys, mnist_folder):
    assert main([*SMALL, "--epochs", "1", "--data", str(mnist_folder)]) == 0
    out, err = capsys.readouterr()
    assert "40 training and 12 test examples" in out
    assert err == ""


def test_settings_reach_the_run(capsys):
    arguments = ["--lr", "0.25", "--batch-size", "100", "--seed", "3"]
    assert main([*SMALL, *arguments, "--optimizer", "sgd", "--epochs", "1"]) == 0
    assert "SGD, lr 0.25, batches of 100, seed 3\n" in capsys.readouterr().out


def test_seeds_decide_the_run(capsys):
    lines = []
    for seed in ("1", "1", "2"):
        main([*SMALL, "--epochs", "1", "--seed", seed])
        lines.append(EPOCH_LINE.search(capsys.readouterr().out)[3])
    assert lines[0] == lines[1] != lines[2]


def test_save_and_load_go_on_where_the_run_stopped(capsys, tmp_path):
    whole, cut = tmp_path / "whole.npz", tmp_path / "cut.npz"
    start = [*SMALL, "--seed", "4", "--batch-size", "50"]
    assert main([*start, "--epochs", "3", "--save", str(whole)]) == 0
    assert main([*start, "--epochs", "1", "--save", str(cut)]) == 0
    capsys.readouterr()
    assert main(["--load", str(cut), "--epochs", "2", "--save", str(cut)]) == 0
    out = capsys.readouterr().out
    assert epochs_in(out) == [(2, 3), (3, 3)]
    assert f"Saved to {cut}" in out
    assert_same_files(whole, cut)


def test_a_resumed_run_draws_its_whole_history(monkeypatch, capsys, tmp_path):
    path, drawn = str(tmp_path / "run.npz"), []
    monkeypatch.setattr(cli, "plot_histories", lambda *arguments: drawn.append(arguments))
    main([*SMALL, "--epochs", "2", "--save", path])
    main(["--load", path, "--epochs", "2", "--plot", str(tmp_path / "curves.png")])
    printed = EPOCH_LINE.findall(capsys.readouterr().out)
    ((histories, *_),) = drawn
    ((label, history),) = histories.items()
    assert label == "Adam, lr 0.001"
    assert [
        f"{r.epoch} {r.loss:.4f} {r.accuracy:.2%} {r.averaged_accuracy:.2%}" for r in history
    ] == [
        f"{epoch} {loss} {accuracy}% {averaged}%" for epoch, _, loss, accuracy, averaged in printed
    ]
    assert len(history) == 4


@pytest.mark.parametrize("extra", [[], ["--compare"]], ids=["one", "compare"])
def test_plot_draws_a_picture(capsys, tmp_path, extra):
    path = tmp_path / "curves.png"
    assert main([*SMALL, *extra, "--epochs", "2", "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert f"Curves drawn to {path}" in capsys.readouterr().out


# One row a case: an argument that argparse refuses, and what it says.
BAD_ARGUMENTS = [
    (["--epochs", "0"], "--epochs: expected an integer of 1 or more, got '0'"),
    (["--epochs", "2.5"], "--epochs: expected an integer of 1 or more, got '2.5'"),
    (["--batch-size", "-1"], "--batch-size: expected an integer of 1 or more"),
    (["--hidden", "many"], "--hidden: expected an integer of 1 or more, got 'many'"),
    (["--lr", "0"], "--lr: expected a finite number above 0, got '0'"),
    (["--lr", "nan"], "--lr: expected a finite number above 0"),
    (["--lr", "inf"], "--lr: expected a finite number above 0"),
    (["--seed", "-1"], "--seed: expected an integer from 0"),
    (["--seed", str(2**63)], "--seed: expected an integer from 0"),
    (["--optimizer", "lion"], "--optimizer: invalid choice: 'lion'"),
    (["--compare", "--lr", "1"], "--compare cannot be combined with --lr"),
    (["--compare", "--optimizer", "sgd", "--lr", "1"], "combined with --optimizer, --lr"),
    (["--load", "f", "--batch-size", "64"], "--load takes --batch-size from the file"),
    (["--load", "f", "--seed", "0", "--hidden", "8"], "--load takes --hidden, --seed from"),
    (["--hidden", "999999999999"], "--hidden: expected at most 100,000, got '999999999999'"),
    (["--epochs", "9" * 20], "--epochs: expected at most 1,000,000,000"),
    (["--batch-size", str(2**63)], "--batch-size: expected at most 9,223,372,036,854,775,807"),
    (["--save", "\udcff"], "--save: expected a name in UTF-8, got '\\udcff'"),
    (["--save", "a.png", "--plot", "./a.png"], "--save and --plot name the same file"),
]


@pytest.mark.parametrize(("arguments", "problem"), BAD_ARGUMENTS)
def test_bad_arguments_are_refused(capsys, arguments, problem):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err


def write(path, content):
    path.write_bytes(content)
    return str(path)


def loop(folder):
    """Return a link that leads to itself."""
    (folder / "loop").symlink_to(folder / "loop")
    return str(folder / "loop")


def pipe(folder):
    """Return a pipe that nobody writes into."""
    os.mkfifo(folder / "pipe")
    return str(folder / "pipe")


# One row a case: the arguments, made in a folder, and what the error says.
FAILURES = [
    ("no data", lambda p: ["--data", str(p / "nowhere")], "nowhere does not exist"),
    ("empty data", lambda p: ["--data", str(p)], "missing train-images-idx3-ubyte, train-labels"),
    ("save nowhere", lambda p: ["--save", str(p / "a" / "b")], "there is no folder"),
    ("save folder", lambda p: ["--save", str(p)], "exists and is not a file"),
    ("plot nowhere", lambda p: ["--plot", str(p / "a" / "b.png")], "there is no folder"),
    ("plot suffix", lambda p: ["--plot", str(p / "curves.doc")], "has to end in"),
    ("load nothing", lambda p: ["--load", str(p / "none.npz")], "none.npz"),
    ("save long", lambda p: ["--save", str(p / ("n" * 256))], "File name too long"),
    ("save loop", lambda p: ["--save", loop(p)], "symbolic links"),
    ("plot loop", lambda p: ["--plot", loop(p) + "/a.png"], "symbolic links"),
    ("load loop", lambda p: ["--load", loop(p)], "symbolic links"),
    ("load pipe", lambda p: ["--load", pipe(p)], "not a file"),
    ("data loop", lambda p: ["--data", loop(p)], "does not exist"),
    ("data user", lambda p: ["--data", "~no such user/x"], "data folder ~no such user/x"),
    ("load text", lambda p: ["--load", write(p / "x.npz", b"text")], "x.npz: damaged"),
]


@pytest.mark.parametrize(
    ("arguments", "problem"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_failures_are_one_line_before_any_training(
    monkeypatch, capsys, tmp_path, arguments, problem
):
    def not_called(*args, **kwargs):
        raise AssertionError("training began")

    monkeypatch.setattr(run_module, "train", not_called)
    assert main(arguments(tmp_path)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("python -m examples.mnist: error: ")
    assert err.count("\n") == 1
    assert problem in err


@pytest.mark.fault(number=33)
@pytest.mark.parametrize("option", ["--save", "--plot"])
def test_the_longest_names_can_be_written(capsys, tmp_path, option):
    path = tmp_path / ("n" * 251 + ".png")
    assert main([*SMALL, "--epochs", "1", option, str(path)]) == 0
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.fault(number=33)
def test_too_little_memory_is_one_line(monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise MemoryError("Unable to allocate 5 TiB")

    monkeypatch.setattr(np, "zeros", fail)
    assert main(SMALL) == 1
    assert "not enough memory (Unable to allocate 5 TiB)" in capsys.readouterr().err


def test_a_run_on_other_images_cannot_be_resumed(capsys, tmp_path, mnist_folder):
    path = str(tmp_path / "digits.npz")
    main([*SMALL, "--epochs", "1", "--save", path])
    capsys.readouterr()
    assert main(["--load", path, "--data", str(mnist_folder)]) == 1
    assert "digits.npz: its weights are" in capsys.readouterr().err


def test_divergence_is_an_error_and_is_not_saved(capsys, tmp_path):
    path = tmp_path / "run.npz"
    arguments = [*SMALL, "--optimizer", "sgd", "--lr", "1e30", "--save", str(path)]
    assert main(arguments) == 1
    assert "diverged" in capsys.readouterr().err
    assert not path.exists()


def test_an_interrupted_run_keeps_its_last_epoch(monkeypatch, capsys, tmp_path):
    path = tmp_path / "run.npz"
    report = cli.report

    def interrupt(result, last):
        report(result, last)
        if result.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli, "report", interrupt)
    assert main([*SMALL, "--save", str(path)]) == 130
    assert capsys.readouterr().err.endswith("\ninterrupted\n")
    with np.load(path) as kept:
        assert kept["0/epoch"] == 1


def test_a_missing_package_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["--plot", "curves.png"]) == 1
    assert "matplotlib is not installed: pip install" in capsys.readouterr().err


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_progress_bar_is_for_terminals(monkeypatch, capsys, is_terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    assert main([*SMALL, "--epochs", "1"]) == 0
    assert ("batch/s" in capsys.readouterr().err) == is_terminal


def test_the_command_runs_as_it_is_written():
    command = [sys.executable, "-m", "examples.mnist", "--help"]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m examples.mnist")
    assert done.stderr == ""

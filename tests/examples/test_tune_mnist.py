"""``python -m examples.tune_mnist``: trials, and a study that is kept and gone on with."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples import tune_mnist
from examples.tune_mnist import DEFAULTS, RANGES, SCHEDULES, main
from workloads.mnist import data
from workloads.mnist.data import load_bundled_digits

optuna = pytest.importorskip("optuna", reason="needs Optuna")

PRUNED = optuna.trial.TrialState.PRUNED
SMALL = ["--epochs", "3", "--seed", "5"]
TRIAL = re.compile(r"^ *(\d+)/(\d+)   (lr .*)   (\d+\.\d\d)%(, given up after epoch \d)?$", re.M)


@pytest.fixture(autouse=True)
def bundled_digits(monkeypatch):
    def fail(say):
        raise data.DownloadError("no connection")

    monkeypatch.setattr(data, "fetch_mnist", fail)


def trials_in(out):
    return [(number, *outcome) for number, _, *outcome in TRIAL.findall(out)]


def last_lines(out):
    return out[out.index("\nBest of") :]


# After ten trials the estimator chooses, before them chance; from the sixth on some are given up.
@pytest.mark.parametrize("trials", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_a_search_that_was_cut_goes_on_as_if_it_had_not_been(monkeypatch, capsys, tmp_path, trials):
    whole, cut = str(tmp_path / "whole"), str(tmp_path / "cut")
    assert main([*SMALL, "--trials", str(trials), "--study", whole]) == 0
    out = capsys.readouterr().out
    expected = trials_in(out)
    assert [int(number) for number, *_ in expected] == list(range(1, trials + 1))
    assert any(given_up for *_, given_up in expected) == (trials == 12)
    assert expected[0][1].split() == [
        *("lr", "0.001", "betas", "0.900,", "0.99900", "weight", "decay", "0.01", "constant")
    ]

    left = [trials // 2]

    def interrupt(*arguments, run_trial=tune_mnist.run_trial):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return run_trial(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(tune_mnist, "run_trial", interrupt)
        assert main([*SMALL, "--trials", str(trials), "--study", cut]) == 130
    captured = capsys.readouterr()
    assert captured.err.endswith("\ninterrupted\n")
    found = trials_in(captured.out)
    assert len(found) == trials // 2
    assert main([*SMALL, "--trials", str(trials - trials // 2), "--study", cut]) == 0
    rest = capsys.readouterr().out
    assert found + trials_in(rest) == expected
    assert last_lines(rest) == last_lines(out)


def test_the_best_is_trained_on_all_and_tested(capsys):
    assert main([*SMALL, "--trials", "2"]) == 0
    out = capsys.readouterr().out
    assert "1,198 training and 239 held-out examples" in out
    best = max(float(accuracy) for _, _, accuracy, _ in trials_in(out))
    assert re.search(rf"^Best of 2: lr .*   {best:.2f}%$", out, re.M)
    assert re.search(r"trained on all 1,437: test accuracy \d\d\.\d+%, of averaged weights", out)


def test_what_is_held_out_is_no_part_of_the_training():
    digits = load_bundled_digits()
    held_out = tune_mnist.hold_out(digits)
    np.testing.assert_array_equal(
        np.concatenate([held_out.x_train, held_out.x_test]), digits.x_train
    )
    np.testing.assert_array_equal(
        np.concatenate([held_out.y_train, held_out.y_test]), digits.y_train
    )


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_settings_reach_the_optimiser(monkeypatch, schedule):
    made = []

    def train(model, optimizer, data, *, epochs, batch_size, **rest):
        steps = epochs * int(np.ceil(len(data.x_train) / batch_size))
        (group,) = optimizer.param_groups
        made.append((steps, group))
        return iter(())

    monkeypatch.setattr(tune_mnist, "train", train)
    options = tune_mnist.build_parser().parse_args(SMALL)
    tune_mnist.run({**DEFAULTS, "lr": 0.5, "schedule": schedule}, load_bundled_digits(), options)
    ((steps, group),) = made
    assert group["betas"] == (0.9, 0.999)
    assert group["weight_decay"] == 0.01
    rate = group["lr"] if callable(group["lr"]) else lambda step: group["lr"]
    rates = [rate(step) for step in range(1, steps + 1)]
    assert max(rates) == pytest.approx(0.5, rel=1e-2)
    assert (rates[0] == 0.5, rates[-1] < 1e-4) == {
        "constant": (True, False),
        "cosine": (True, True),
        "one-cycle": (False, True),
    }[schedule]


def test_the_defaults_lie_where_is_looked():
    assert all(low < DEFAULTS[name] < high for name, (low, high) in RANGES.items())
    assert DEFAULTS["schedule"] in SCHEDULES


def test_a_trial_behind_the_others_is_given_up(monkeypatch):
    accuracies = iter([0.9, 0.9, 0.9, 0.9, 0.9, 0.5])
    results = []

    def run(params, data, options):
        accuracy = next(accuracies)
        for epoch in (1, 2, 3, 4):
            results.append(epoch)
            yield type("Result", (), {"epoch": epoch, "accuracy": accuracy})

    monkeypatch.setattr(tune_mnist, "run", run)
    options = tune_mnist.build_parser().parse_args(["--epochs", "4", "--trials", "6"])
    study = tune_mnist.open_study(None, None, {"epochs": 4})
    tune_mnist.search(study, None, options)
    assert results == [1, 2, 3, 4] * 5 + [1, 2, 3]
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 5 + ["PRUNED"]


def test_the_picture_shows_every_trial(tmp_path):
    study = optuna.create_study(direction="maximize")
    for number, lr in enumerate((1e-3, 1e-2, 2e-2)):
        study.enqueue_trial({**DEFAULTS, "lr": lr})
        trial = study.ask()
        tune_mnist.suggest(trial)
        trial.report(accuracy := 1.0 - 0.1 * number, 1)
        study.tell(trial, accuracy) if number < 2 else study.tell(trial, state=PRUNED)
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tune_mnist, "save_figure", lambda figure, file: drawn.append((figure, file)))
        tune_mnist.draw(study, 50, tmp_path / "search.png")
    ((figure, file),) = drawn
    assert file == tmp_path / "search.png"
    assert [axes.get_xlabel() for axes in figure.axes] == ["trial", *DEFAULTS]
    given_up, ended, best, *_ = figure.axes[1].lines
    for line, rates, errors in (
        (given_up, [2e-2], [20]),
        (ended, [1e-3, 1e-2], [1, 10]),  # none wrong is drawn as half of one in 50
        (best, [1e-3], [1]),
    ):
        np.testing.assert_allclose(line.get_xdata(), rates)
        np.testing.assert_allclose(line.get_ydata(), errors)


def written(path, content):
    path.write_bytes(content)
    return str(path)


# One row a case: the arguments, made in a folder, and what the error says.
FAILURES = [
    ("text", lambda p: ["--study", written(p / "s", b"text")], "s: damaged, or not a journal"),
    ("cut", lambda p: ["--study", written(p / "s", b'{"op_code":0,"stu')], "s: damaged, or not"),
    ("other", lambda p: ["--study", written(p / "s", b'{"op_code":99}\n')], "s: damaged ("),
    ("nowhere", lambda p: ["--study", str(p / "a" / "s")], "there is no folder"),
    ("plot", lambda p: ["--plot", str(p / "a.doc")], "has to end in"),
    ("data", lambda p: ["--data", str(p / "nowhere")], "nowhere does not exist"),
]


@pytest.mark.parametrize(
    ("arguments", "problem"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_failures_are_one_line_before_any_training(
    monkeypatch, capsys, tmp_path, arguments, problem
):
    made = arguments(tmp_path)
    capsys.readouterr()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(tune_mnist, "search", None)
    assert main(made) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("python -m examples.tune_mnist: error: ")
    assert problem in err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_study_goes_on_under_the_settings_it_was_started_with(capsys, tmp_path):
    study = ["--study", str(tmp_path / "study")]
    assert main(["--epochs", "1", "--trials", "1", *study]) == 0
    for changed, problem in (
        (["--epochs", "2"], "it was started with epochs 1, not 2"),
        (["--epochs", "1", "--seed", "1"], "it was started with seed 0, not 1"),
    ):
        assert main([*study, *changed]) == 1
        assert problem in capsys.readouterr().err


def test_the_study_is_not_overwritten_by_its_picture(capsys):
    with pytest.raises(SystemExit):
        main(["--study", "a.png", "--plot", "./a.png"])
    assert "--study and --plot name the same file" in capsys.readouterr().err


def test_a_missing_package_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main([]) == 1
    err = capsys.readouterr().err
    assert "optuna is not installed: pip install -e '.[tuning]'" in err


def test_the_command_runs_as_it_is_written():
    command = [sys.executable, "-m", "examples.tune_mnist", "--help"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m examples.tune_mnist")
    assert done.stderr == ""

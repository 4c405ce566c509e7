"""What the examples that draw one picture have in common."""

import subprocess
import sys
from pathlib import Path

import pytest

from examples import fit_pixels, rosenbrock, scipy_functions, sparse_text, two_peaks

# Each with arguments for little work, its first piece of work and one in the middle.
PROGRAMS = {
    "rosenbrock": (rosenbrock, [], "descend", "descend"),
    "scipy_functions": (
        scipy_functions,
        ["--problems", "booth", "three_hump_camel", "--starts", "2"],
        "run",
        "run",
    ),
    "fit_pixels": (fit_pixels, ["--pixels", "60"], "make_scene", "fit_sample"),
    "two_peaks": (two_peaks, [], "simulate", "fit_by_scipy"),
    "sparse_text": (sparse_text, ["--words", "99", "--documents", "9"], "generate", "make_steps"),
}
each_program = pytest.mark.parametrize("program", PROGRAMS)


@pytest.mark.parametrize(
    ("program", "arguments", "problem"),
    [
        ("rosenbrock", ["--maxiter", "0"], "--maxiter: expected an integer of 1 or more, got '0'"),
        (
            "rosenbrock",
            ["--maxiter", "2.5"],
            "--maxiter: expected an integer of 1 or more, got '2.5'",
        ),
        ("rosenbrock", ["--output"], "--output: expected one argument"),
        ("rosenbrock", ["picture.png"], "unrecognized arguments: picture.png"),
        (
            "scipy_functions",
            ["--starts", "0"],
            "--starts: expected an integer of 1 or more, got '0'",
        ),
        ("scipy_functions", ["--seed", "-1"], "--seed: expected an integer from 0"),
        (
            "scipy_functions",
            ["--problems", "booth", "banana"],
            "--problems: invalid choice: 'banana'",
        ),
        ("scipy_functions", ["--problems"], "--problems: expected at least one argument"),
        ("scipy_functions", ["picture.png"], "unrecognized arguments: picture.png"),
        ("fit_pixels", ["--pixels", "0"], "--pixels: expected an integer of 1 or more, got '0'"),
        ("fit_pixels", ["--seed", "-1"], "--seed: expected an integer from 0"),
        ("two_peaks", ["--seed", "1.5"], "--seed: expected an integer from 0"),
        ("sparse_text", ["--words", "0"], "--words: expected an integer of 1 or more, got '0'"),
        ("fit_pixels", ["picture.png"], "unrecognized arguments: picture.png"),
    ],
)
def test_bad_arguments_are_refused(capsys, program, arguments, problem):
    module, *_ = PROGRAMS[program]
    with pytest.raises(SystemExit) as caught:
        module.main(arguments)
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err


@each_program
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "exists and is not a file"),
        ("missing/picture.png", "there is no folder"),
        ("picture.doc", "has to end in"),
    ],
)
def test_a_picture_that_cannot_be_written_is_one_line_before_any_work(
    monkeypatch, capsys, tmp_path, program, name, problem
):
    module, small, work, _ = PROGRAMS[program]
    (tmp_path / "folder.png").mkdir()
    monkeypatch.setattr(module, work, None)
    assert module.main([*small, "--output", str(tmp_path / (name or "folder.png"))]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"python -m examples.{program}: error: ")
    assert err.count("\n") == 1
    assert problem in err


@each_program
def test_an_interrupted_run_draws_nothing(monkeypatch, capsys, tmp_path, program):
    def interrupt(*args):
        raise KeyboardInterrupt

    module, small, _, work = PROGRAMS[program]
    monkeypatch.setattr(module, work, interrupt)
    assert module.main([*small, "--output", str(tmp_path / "picture.png")]) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"
    assert list(tmp_path.iterdir()) == []


@each_program
def test_a_missing_package_is_named(monkeypatch, capsys, program):
    module, small, *_ = PROGRAMS[program]
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert module.main(small) == 1
    assert "matplotlib is not installed: pip install" in capsys.readouterr().err


@each_program
def test_the_command_runs_as_it_is_written(program):
    command = [sys.executable, "-m", f"examples.{program}", "--help"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: python -m examples.{program}")
    assert done.stderr == ""

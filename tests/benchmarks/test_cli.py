"""``python -m benchmarks``, end to end on small sizes."""

import gzip
import json
import struct

import numpy as np
import pytest

from benchmarks import __main__ as cli
from benchmarks.__main__ import main
from benchmarks.harness import processes
from benchmarks.harness.plots import draw_points
from benchmarks.harness.report import Options, Row, SuiteResult, format_seconds
from benchmarks.harness.timing import Record, Summary
from benchmarks.mnist import suite as mnist
from benchmarks.startup import suite as startup
from benchmarks.suites import SUITES, Suite

SUMMARY = {"median", "q1", "q3", "min", "mean", "n"}
PNG = b"\x89PNG"


def run(folder, *arguments):
    """Run the command line quickly; return the JSON's suites after checking what all share."""
    assert main(["--quick", "--output", str(folder), *arguments]) == 0
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    machine = content["machine"]
    assert {"cpu", "cores", "python", "packages", "blas", "date", "command"} <= machine.keys()
    assert machine["packages"]["numba"]
    for suite in content["suites"].values():
        assert suite["rows"]
        for row in suite["rows"]:
            if row["status"] == "ok":
                seconds = row["seconds"]
                assert seconds.keys() == SUMMARY
                assert 0 < seconds["min"] <= seconds["median"]
                if seconds["n"] < 5:
                    assert seconds["q1"] is seconds["q3"] is None
                else:
                    assert seconds["min"] <= seconds["q1"] <= seconds["median"] <= seconds["q3"]
            else:
                assert row["seconds"] is None
            assert all(ratio.keys() == SUMMARY for ratio in row["ratios"].values())
        for verdict in suite["verdicts"]:
            assert verdict.keys() == {"what", "asked", "measured", "reached", "note"}
            assert (verdict["measured"] is None) == (verdict["reached"] is None)
    return content["suites"]


@pytest.mark.slow
def test_step_suite(tmp_path, capsys, hasty, one_thread):
    suites = run(tmp_path / "results", "--suite", "step", "--sizes", "1e3,1e4")
    assert suites.keys() == {"step"}
    rows = suites["step"]["rows"]
    assert [row for row in rows if row["status"] != "ok"] == []
    cases = {row["case"] for row in rows}
    assert cases == {
        "quiet, 1,000 parameters",
        "quiet, 10,000 parameters",
        "quiet, 200 arrays of 1,000",
        "64 steps on decaying state, 100,000 parameters",
        "after a matmul, 10,000 parameters",
    }
    ours = {row["case"] for row in rows if row["contender"] == "fastadam"}
    assert {case for case in cases if case.endswith("0 parameters") and "64" not in case} == ours
    textbook = next(row for row in rows if row["contender"] == "NumPy textbook")
    assert textbook["ratios"].keys() == {"fastadam / it"}
    asked = {verdict["what"]: verdict["asked"] for verdict in suites["step"]["verdicts"]}
    assert asked["1,000 parameters, quiet / NumPy textbook"] == "<= 0.35"
    assert asked["10,000 parameters, after a matmul / better loop"] == "<= 1.25"
    for name in ("step_quiet.png", "step_after_blas.png"):
        assert (tmp_path / "results" / name).read_bytes().startswith(PNG)
    printed = capsys.readouterr().out
    assert all(case in printed for case in cases)
    assert all(what in printed for what in asked)
    assert "WRONG" not in printed


@pytest.mark.slow
def test_startup_suite(tmp_path, monkeypatch):
    monkeypatch.setattr(startup, "SIZES", (1_000,))
    (suite,) = run(tmp_path, "--suite", "startup").values()
    labels = {row["contender"] for row in suite["rows"]}
    steps = {f"fastadam's first step, 1,000 parameters, {kind} cache" for kind in ("cold", "warm")}
    assert labels == {"import numba", "import fastadam", *steps}
    assert [verdict["asked"] for verdict in suite["verdicts"]] == ["<= 0.35 s", "<= 0.1 s"]
    assert not (tmp_path / "startup.png").exists()  # of two runs, and of one


def test_startup_reports_a_wrong_first_step(monkeypatch):
    monkeypatch.setattr(startup, "_FIRST_STEP", "print('[0.1, 0.1, false]') # {size}")
    monkeypatch.setattr(startup, "_IMPORT", "print('[0.1]') # {module}")
    result = startup.run(Options(quick=True))
    statuses = {row.contender: row.status for row in result.rows}
    assert statuses["fastadam's first step, 1,000 parameters, warm cache"] == "WRONG"
    assert statuses["import fastadam"] == "ok"
    assert [verdict.reached for verdict in result.verdicts] == [True, False, False]


def test_failing_process_is_an_error_with_its_words():
    with pytest.raises(processes.ProcessError, match="ZeroDivisionError"):
        processes.run_fresh("1 / 0", {})


def _write_idx(folder, name, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    with gzip.open(folder / f"{name}.gz", "wb") as file:
        file.write(header + array.astype(np.uint8).tobytes())


def _write_images(folder, *, learnable):
    """Write 28x28 images of noise, with a bright bar at the label's place if learnable."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 1_280), ("t10k", 200)):
        labels = rng.integers(0, 10, count)
        images = rng.integers(0, 64, (count, 28, 28))
        if learnable:
            for image, label in zip(images, labels, strict=True):
                image[:, 2 * label : 2 * label + 2] = 255
        _write_idx(folder, f"{part}-images-idx3-ubyte", images)
        _write_idx(folder, f"{part}-labels-idx1-ubyte", labels)


@pytest.fixture
def no_pause(monkeypatch, one_thread):
    monkeypatch.setattr(mnist, "PAUSE", 0.0)


def test_mnist_suite(tmp_path, monkeypatch, no_pause):
    _write_images(tmp_path, learnable=True)
    monkeypatch.setenv("FASTADAM_DATA", str(tmp_path))
    (suite,) = run(tmp_path / "results", "--suite", "mnist").values()
    rows = {row["contender"]: row for row in suite["rows"]}
    assert {"fastadam", "scikit-learn"} <= rows.keys()
    assert {row["status"] for row in rows.values()} == {"ok"}
    assert min(row["accuracy"] for row in rows.values()) > 0.9
    assert rows["scikit-learn"]["ratios"].keys() == {"fastadam / it"}
    accuracy = suite["verdicts"][-1]
    assert accuracy["asked"] == ">= 97.6 %"
    assert accuracy["reached"] == (accuracy["measured"]["median"] >= 97.6)
    assert not (tmp_path / "results" / "mnist.png").exists()  # of two epochs


def test_mnist_contender_that_does_not_learn_is_wrong(tmp_path, monkeypatch, no_pause):
    _write_images(tmp_path, learnable=False)
    monkeypatch.setenv("FASTADAM_DATA", str(tmp_path))
    result = mnist.run(Options(quick=True))
    assert {row.status for row in result.rows} == {"WRONG"}
    assert {row.timing for row in result.rows} == {None}
    assert [verdict.reached for verdict in result.verdicts] == [False, False]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--suite", "nonsense"], "nonsense"),
        (["--sizes", "1e3,many"], "1e3,many"),
        (["--sizes", "0"], "'0'"),
        (["--sizes", "1.5"], "1.5"),
        (["--sizes", "nan"], "nan"),
        (["--sizes", "inf"], "inf"),
    ],
)
def test_bad_arguments(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as info:
        main(arguments)
    assert info.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.fault(number=22)
def test_points_of_few_runs_are_not_drawn(tmp_path):
    rows = [Row("case", f"of {n}", Summary.of([2.0] * n)) for n in (3, 7)]
    path = tmp_path / "points.png"
    assert draw_points(rows[:1], "", path) == []
    assert not path.exists()
    assert draw_points(rows, "", path) == [path]
    assert path.read_bytes().startswith(PNG)


@pytest.mark.fault(number=22)
def test_quick_promises_no_time(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "minute" not in capsys.readouterr().out


@pytest.mark.fault(number=22)
def test_an_absent_torch_is_absent():
    ours = Record({0: [1.0], 1: [1.0]})
    (verdict,) = mnist.verdicts({"fastadam": ours}, {}, "case")
    assert (verdict.reached, verdict.note) == (None, "torch fused is not installed")
    both = {"fastadam": ours, "torch fused": ours}
    (verdict,) = mnist.verdicts(both, {"torch fused": "bad"}, "case")
    assert (verdict.reached, verdict.note) == (None, "torch fused is WRONG")


def test_every_suite_is_run_by_default(tmp_path, monkeypatch):
    seen = []
    fakes = {
        name: Suite(lambda options, name=name: seen.append(name) or SuiteResult(), lambda *_: [])
        for name in SUITES
    }
    monkeypatch.setattr(cli, "SUITES", fakes)
    assert main(["--output", str(tmp_path)]) == 0
    assert seen == [
        "step", "sparse", "training", "mnist", "startup", "minimize", "batch", "fit", "cuda",
        "torch",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (0.0345, "34.5 ms"), (2.5e-6, "2.5 µs"), (3.21e-7, "321 ns")],
)
def test_format_seconds(seconds, text):
    assert format_seconds(seconds) == text

"""The `cuda` suite over NumPy in place of a GPU: what it reports, and that it can be left out."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.cuda import suite as cuda
from benchmarks.cuda.contenders import COPIES, CUPY, ON_TORCH, OURS, TORCH
from benchmarks.harness.report import OK, Options
from fastadam._numba import gpu as target
from tests.benchmarks.cuda.stand_in import StandIn, make_small


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture
def gpu(monkeypatch):
    """Let NumPy take the GPU's place."""
    monkeypatch.setattr(cuda, "Gpu", StandIn)
    return StandIn()


@pytest.mark.usefixtures("gpu", "one_thread")
def test_quick_suite(tmp_path, capsys):
    assert main(["--quick", "--suite", "cuda", "--output", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    suite = content["suites"]["cuda"]
    assert {row["status"] for row in suite["rows"]} == {OK}
    assert {row["gpu"]["driver_version"] for row in suite["rows"]} == {"570.1"}
    verdicts = {verdict["what"]: verdict for verdict in suite["verdicts"]}
    assert [verdict["asked"] for verdict in verdicts.values()] == [
        "<= 1e-12",
        "<= 2e-06",
        ">= 0.92",
        "<= 1",
        "<= 0.5",
        "<= 0.5",
        ">= 20",
    ]
    left_out = [verdict for verdict in verdicts.values() if verdict["measured"] is None]
    assert {verdict["note"].split(";")[0] for verdict in left_out} == {
        f"{TORCH} left out: there is no torch",
        f"{ON_TORCH} left out: there is no torch",
    }
    assert len(left_out) == 3
    large = "2,000 parameters on a GPU, a step"
    rows = {row["contender"]: row for row in suite["rows"] if row["case"] == large}
    assert rows.keys() == {OURS, *COPIES, CUPY}
    share = verdicts[f"{large}, share of the bandwidth of a copy"]
    faster = rows[share["note"].removeprefix("faster: ")]
    ratio = faster["ratios"]["fastadam / it"]["median"]
    assert share["measured"]["median"] == pytest.approx(1 / ratio)
    printed = capsys.readouterr().out
    assert "No GPU, compute capability 9.0, 16.0 GiB, 8.0 free, driver 570.1 (CUDA 12.9)" in printed
    assert "toolkit 12.8, numba-cuda 0.30.4, CuPy 14.0; in the end P0, SM clock 1980 MHz" in printed
    assert f"note: {large}: {TORCH} left out: there is no torch" in printed
    assert f"note: {large}: fastadam " in printed
    assert "all bit-identical" in printed
    assert "WRONG" not in printed
    for name in ("cuda_large_2000.png", "cuda_enqueue_1000.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("error", [ImportError, RuntimeError])
def test_without_a_gpu_one_line_says_what_is_missing(error, tmp_path, monkeypatch, capsys):
    def missing():
        raise error("CUDA needs this and that")

    monkeypatch.setattr(target, "load_cuda", missing)
    assert main(["--suite", "cuda", "--output", str(tmp_path)]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note")]
    assert notes == [
        "note: cuda left out, its figures are still to be measured: CUDA needs this and that"
    ]
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert content["suites"]["cuda"]["verdicts"] == []


def test_an_error_in_one_part_is_a_failure_and_leaves_the_others(monkeypatch, gpu, capsys):
    def broken(gpu, options):
        raise ArithmeticError("what a\n  pity")

    monkeypatch.setattr(cuda, "PARTS", (broken, cuda.agreement))
    failed, *others = cuda.measure(gpu, Options(quick=True)).verdicts
    assert (failed.what, failed.reached) == ("cuda, broken: errors", False)
    assert failed.note == "ArithmeticError: what a pity"
    assert [verdict.reached for verdict in others] == [True, True]
    assert "in broken" in capsys.readouterr().err


@pytest.mark.gpu
def test_the_quick_suite_on_a_real_gpu(monkeypatch, tmp_path, capsys):
    if not target.is_available() or target.is_simulated():
        pytest.skip("needs a GPU")
    monkeypatch.undo()
    assert main(["--quick", "--suite", "cuda", "--output", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    suite = content["suites"]["cuda"]
    assert {row["status"] for row in suite["rows"]} == {OK}
    assert [verdict["reached"] for verdict in suite["verdicts"][:2]] == [True, True]
    assert "errors" not in capsys.readouterr().out

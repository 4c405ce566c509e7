"""The `cuda` suite over NumPy in place of a GPU: what it reports, and that it can be left out."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.cuda import steps as cuda_steps
from benchmarks.cuda import suite as cuda
from benchmarks.cuda.contenders import COPY, CUPY, ON_TORCH, OURS, TORCH
from benchmarks.cuda.lists import REPLAYED
from benchmarks.harness.report import OK
from fastadam._numba import gpu as target
from tests.benchmarks.cuda.stand_in import StandIn, few_rules, make_small


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture
def gpu(monkeypatch):
    """Let NumPy take the GPU's place."""
    monkeypatch.setattr(cuda, "Gpu", StandIn)
    return StandIn()


@pytest.mark.slow
@pytest.mark.usefixtures("gpu", "one_thread")
def test_quick_suite(tmp_path, capsys):
    assert main(["--quick", "--suite", "cuda", "--output", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    suite = content["suites"]["cuda"]
    assert {row["status"] for row in suite["rows"]} == {OK}
    assert {row["gpu"]["driver_version"] for row in suite["rows"]} == {"570.1"}
    verdicts = {verdict["what"]: verdict for verdict in suite["verdicts"]}
    assert [verdict["asked"] for verdict in verdicts.values()] == [
        *(">= 0.97", "<= 0.88", ">= 0.97"),  # of Adam: the copy, torch; and in float64
        *("<= 0.25",) * 3,  # enqueued
        *("<= 0.5",) * 6,  # lists, enqueued and complete
        "<= 1",  # replayed
        *(">= 20", ">= 15 M/s", ">= 40 M/s", ">= 30 M/s"),
        ">= 1",  # starts
        *("<= 1e-12", "<= 2e-06"),
        "<= 0.2",  # from disk
        *(">= 0.97",) * len(few_rules()),
    ]
    left_out = [verdict for verdict in verdicts.values() if verdict["measured"] is None]
    assert {verdict["note"].split(";")[0] for verdict in left_out} == {
        f"{name} left out: there is no torch" for name in (TORCH, ON_TORCH, REPLAYED)
    }
    assert len(left_out) == 11
    large = "2,000 parameters on a GPU, a step"
    rows = {row["contender"]: row for row in suite["rows"] if row["case"] == large}
    assert rows.keys() == {OURS, COPY, CUPY}
    share = verdicts[f"{large}, share of the bandwidth of a copy"]
    ratio = rows[COPY]["ratios"]["fastadam / it"]["median"]
    assert share["measured"]["median"] == pytest.approx(1 / ratio)
    printed = capsys.readouterr().out
    assert "No GPU, compute capability 9.0, 16.0 GiB, 8.0 free, driver 570.1 (CUDA 12.9)" in printed
    assert "toolkit 12.8, numba-cuda 0.30.4, CuPy 14.0; in the end P0, SM clock 1980 MHz" in printed
    assert f"note: {large}: {TORCH} left out: there is no torch" in printed
    assert "note: cuda took " in printed
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


def test_all_ends_within_five_minutes():
    """With pictures; the last part has the shortest cases, of a second or two."""
    assert sum(part.seconds for part in cuda.PARTS) <= 270.0
    assert cuda.PARTS[-1].cases == cuda_steps.rule_cases


@pytest.mark.gpu
def test_the_quick_suite_on_a_real_gpu(monkeypatch, tmp_path, capsys):
    if not target.is_available() or target.is_simulated():
        pytest.skip("needs a GPU")
    monkeypatch.undo()
    assert main(["--quick", "--suite", "cuda", "--output", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    suite = content["suites"]["cuda"]
    assert {row["status"] for row in suite["rows"]} == {OK}
    agreed = [v["reached"] for v in suite["verdicts"] if "GPU from CPU" in v["what"]]
    assert agreed == [True, True]
    assert "errors" not in capsys.readouterr().out

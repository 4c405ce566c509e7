"""The `cuda` suite in the simulator, and its kernels compiled for a GPU that is not there."""

import json
import re

import pytest

from benchmarks.batch import snippet
from benchmarks.cuda import fits as cuda_fits
from benchmarks.cuda.contenders import COPIES, OURS
from benchmarks.cuda.device import copy_function
from tests.gpu import ptx
from tests.processes import run_python
from workloads import decays


def test_the_whole_suite():
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    code = "from tests.benchmarks.cuda.simulated import main; main()"
    found = json.loads(run_python(code, NUMBA_ENABLE_CUDASIM="1"))
    rows, reached = found["rows"], found["reached"]
    assert all(row.endswith(": ok") for row in rows)
    assert rows[f"{OURS}: ok"] == 2
    assert {
        f"{name}: ok" for name in (*COPIES, cuda_fits.OURS, cuda_fits.VALUES, cuda_fits.ADAM)
    } <= rows.keys()
    assert len(reached) == 7
    agreed = [what for what in reached if "GPU from CPU" in what]
    assert [reached[what] for what in agreed] == [True, True]
    assert found["notes"][:2] == ["all bit-identical"] * 2
    assert "no times" in found["refused"]


def test_the_copying_kernel_compiles(monkeypatch):
    ptx.require_toolkit()
    text = ptx.compile_ptx(*copy_function(), monkeypatch)
    assert re.search(r"ld\.global\S*\.[bf]32", text)
    assert re.search(r"st\.global\S*\.[bf]32", text)


def test_the_misfit_is_in_float32_on_a_gpu():
    """Another is not: where a constant is float64, so is what it meets."""
    ptx.require_toolkit()
    from numba import cuda, types

    vector = types.Array(types.float32, 1, "C")

    def compiled(misfit, arguments=4):
        return cuda.compile(misfit.py_func, (vector,) * arguments, device=True, cc=(9, 0))[0]

    assert ".f64" not in compiled(decays.misfit)
    assert ".f64" not in compiled(decays.misfit_alone, 3)
    assert ".f64" in compiled(snippet.misfit_in_place)

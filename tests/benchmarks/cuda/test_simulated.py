"""The `cuda` suite in the simulator, and its kernels compiled for a GPU that is not there."""

import json
import re

import numpy as np
import pytest

from benchmarks.batch import snippet
from benchmarks.cuda import fits as cuda_fits
from benchmarks.cuda import spots
from benchmarks.cuda.compiling import COLD, KEPT
from benchmarks.cuda.contenders import COPY, OURS
from benchmarks.cuda.device import search_function
from tests.benchmarks.cuda.stand_in import few_rules
from tests.gpu import ptx
from tests.processes import run_python
from workloads import decays


def test_the_whole_suite():
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    code = "from tests.benchmarks.cuda.simulated import main; main()"
    found = json.loads(run_python(code, NUMBA_ENABLE_CUDASIM="1"))
    rows, verdicts = found["rows"], found["verdicts"]
    assert all(row.endswith(": ok") for row in rows)
    assert rows[f"{OURS}: ok"] >= 6 + len(few_rules())
    assert {
        f"{name}: ok"
        for name in (COPY, cuda_fits.OURS, cuda_fits.VALUES, cuda_fits.ADAM, COLD, KEPT)
    } <= rows.keys()
    agreed = [verdict for what, verdict in verdicts.items() if "GPU from CPU" in what]
    assert agreed == [[True, "all bit-identical"]] * 2
    assert not any("errors" in what for what in verdicts)
    assert "no times" in found["refused"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_searching_kernel_compiles(dtype, monkeypatch):
    ptx.require_toolkit()
    text = ptx.compile_ptx(*search_function(np.dtype(dtype)), monkeypatch)
    assert re.search(rf"ld\.global\S*\.[bf]{dtype[-2:]}", text)
    assert re.search(r"\.min\.s64", text)


def test_misfits_are_in_float32_on_a_gpu():
    """Another is not: where a constant is float64, so is what it meets."""
    ptx.require_toolkit()
    from numba import cuda, types

    vector, image = (types.Array(types.float32, ndim, "C") for ndim in (1, 2))

    def compiled(misfit, *arguments):
        return cuda.compile(misfit.py_func, arguments, device=True, cc=(9, 0))[0]

    assert ".f64" not in compiled(decays.misfit, *(vector,) * 4)
    assert ".f64" not in compiled(decays.misfit_alone, *(vector,) * 3)
    assert ".f64" not in compiled(spots.misfit, vector, vector, image)
    assert ".f64" in compiled(snippet.misfit_in_place, *(vector,) * 4)

"""Kernels of a GPU on disk, compiled where there is none."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap

import numba
import numpy as np
import pytest
from numba import types

from fastadam._numba import gpu_cache
from fastadam._rules.adam import ADAM
from fastadam._rules.sgd import PLAIN_SGD
from tests.processes import ROOT

from . import ptx

# Every child prints what the compiler was called for, and what the kernels are.
CHILD = """
import hashlib, json, sys, warnings
import numba, numpy as np, pytest
from numba import types
from tests.gpu import ptx
ptx.stand_in(pytest.MonkeyPatch())
from numba.cuda.cudadrv import nvvm
from fastadam._cuda import kernels, searches
from fastadam._numba.gpu_cache import load_gpu_kernel
from fastadam._rules.sgd import PLAIN_SGD
compiled, compile_ir = [], nvvm.compile_ir
def noting(irs, **options):
    compiled.append(name)
    return compile_ir(irs, **options)
nvvm.compile_ir = noting
@numba.njit
def helper(x):
    return 2.0 * x
def fun(x, a):
    return helper(x[0]) - a
task = searches.Task(PLAIN_SGD, False, "float32", fun, "2-point", 0, types.Tuple(()),
                     types.Tuple((types.Array(types.float32, 1, "C"),)))
found = {}
with warnings.catch_warnings(record=True) as caught:
    for name, load in (
        ("search", lambda: searches.search_kernel(task)),
        ("step", lambda: load_gpu_kernel(
            *kernels.make_step_function(PLAIN_SGD, np.dtype("float32")))),
    ):
        (overload,) = load().overloads.values()
        code = hashlib.sha256(overload.library.get_cubin().code).hexdigest()
        found[name] = [overload.entry_name, code]
found.update(compiled=compiled, warnings=[str(each.message) for each in caught])
print(json.dumps(found))
"""


def run_child(folder):
    child = subprocess.run(
        [sys.executable, "-W", "always", "-c", textwrap.dedent(CHILD)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    return found.pop("compiled"), found.pop("warnings"), found


def test_another_process_compiles_nothing_that_is_there(tmp_path):
    """But what is damaged."""
    ptx.require_toolkit()
    compiled, warned, first = run_child(tmp_path)
    assert (compiled, warned) == (["search", "step"], [])
    compiled, warned, second = run_child(tmp_path)
    assert (compiled, warned) == ([], [])
    assert second == first
    (step,) = tmp_path.rglob("fastadam-sgd_*.kernel")
    content = step.read_bytes()
    step.write_bytes(content[:-1])
    compiled, (warning,), _ = run_child(tmp_path)
    assert compiled == ["step"]
    assert "is damaged" in warning
    assert len(step.read_bytes()) >= len(content) - 64  # whole again


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return how the file of a kernel is found."""
    ptx.require_toolkit()
    ptx.stand_in(monkeypatch)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def find(rule=PLAIN_SGD, dtype="float32", code=b"", **options):
        from fastadam._cuda.kernels import make_step_function

        given = make_step_function(rule, np.dtype(dtype))
        return gpu_cache.KeptKernel(*given, code, **options)

    return find


def test_what_a_file_is_named_by(place, monkeypatch):
    files = {place()._file}
    files.add(place(ADAM)._file)
    files.add(place(dtype="float64")._file)
    files.add(place(code=b"other")._file)
    files.add(place(max_registers=64)._file)
    monkeypatch.setattr(gpu_cache, "find_target", lambda: (8, 0, 12090))
    files.add(place()._file)
    monkeypatch.setattr(gpu_cache, "digest_sources", lambda room: "other")
    files.add(place()._file)
    monkeypatch.setattr(gpu_cache, "_find_versions", lambda: "other")
    files.add(place()._file)
    monkeypatch.setattr(gpu_cache.load_compiler().config, "OPT", 0)
    files.add(place()._file)
    assert len({path for path, _ in files}) == len(files) == 9


def test_tasks_with_one_name_and_one_signature():
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    from fastadam._cuda.searches import Task, _identify

    def fun(x):
        return 1.0

    def other(x):
        return 2.0

    def given(fun, jac, automatic=False, length=0):
        none = types.Tuple(())
        return _identify(Task(ADAM, automatic, "float32", fun, jac, length, none, none))

    tasks = [
        (fun, "2-point"), (fun, "3-point"), (fun, True), (fun, fun), (fun, other), (other, fun),
        (fun, True, True), (fun, True, False, 3),
    ]  # fmt: skip
    assert len({given(*task) for task in tasks}) == len(tasks)
    assert given(lambda x: place, "2-point") is None  # nothing is certain


def test_a_kernel_of_what_is_not_known_is_not_kept(place):
    kept = place(code=None)
    assert kept.load() is None
    kept.save(None)


def test_a_file_that_holds_something_else(place, tmp_path):
    """Whole, but not what the driver takes: compiled anew, with one warning."""
    from fastadam._numba import kernel_files, private

    kept = place()
    path, identity = kept._file
    kernel_files.write(path, identity, hashlib.sha256(b"").digest() + b"\xff")
    private._warned.discard("kernels")
    with pytest.warns(RuntimeWarning, match="holds no kernel"):
        assert kept.load() is None
    private._warned.discard("kernels")

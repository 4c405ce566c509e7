"""Every kernel of the optimisers, compiled for a GPU that is not there, read and run as PTX."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec

import numpy as np
import pytest

from fastadam._backend import Form
from fastadam._cuda.kernels import make_step_function
from fastadam._cuda.list_kernels import make_list_function
from fastadam._rules.table import RULES
from tests.rules import LATER, slow_if

from . import ptx

EACH_RULE = [pytest.param(rule, id=rule.name, marks=slow_if(rule.name in LATER)) for rule in RULES]
DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]


pytestmark = pytest.mark.usefixtures("toolkit")


@pytest.fixture(scope="module")
def toolkit():
    ptx.require_toolkit()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("rule", [*EACH_RULE, pytest.param(None, id="first_nonfinite")])
def test_each_operation_is_rounded_once_and_to_nearest(rule, dtype, monkeypatch):
    text = ptx.kernel_ptx(rule, dtype, monkeypatch)
    kind = {4: "f32", 8: "f64"}[dtype.itemsize]
    other = {4: "f64", 8: "f32"}[dtype.itemsize]
    assert f".{other}" not in text.replace(f".param .{other}", "")
    assert not re.search(r"\b(fma|mad)\.|\.approx|\.full|\.ftz|\.rz|rsqrt|rcp", text)
    assert ".local" not in text
    assert "call" not in text
    if rule is None:
        return
    kind = {4: "f32", 8: "f64"}[dtype.itemsize]
    wide = f".global.v{16 // dtype.itemsize}.{kind}"
    states = len(rule.state)
    assert text.count(f"ld{wide}") >= 2 + states  # once, or in each branch of a rule's
    assert text.count(f"st{wide}") >= 1 + states
    assert f"mul.rn.{kind}" in text
    has_root = rule.name not in ("adamax", "sgd", "momentum", "lion")
    assert (f"sqrt.rn.{kind}" in text) == has_root
    assert (f"div.rn.{kind}" in text) == (has_root or rule.name == "adamax")


#: Of three state arrays, and with as many coefficients as any.
LARGEST = next(rule for rule in RULES if rule.name == "ademamix")
FULL = Form(is_clipped=True, is_averaged=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_list_kernel_loads_as_wide_and_rounds_as_often(dtype, monkeypatch):
    text = ptx.named_ptx(*make_list_function(LARGEST, dtype, FULL), monkeypatch)
    wide = f".global.v{16 // dtype.itemsize}.{ {4: 'f32', 8: 'f64'}[dtype.itemsize] }"
    assert text.count(f"ld{wide}") == 6  # parameters, gradient, three of state, average
    assert text.count(f"st{wide}") == 5
    assert "ld.global.v2.u64" in text  # the table
    assert not re.search(r"\b(fma|mad)\.f|\.approx|\.full|\.ftz|\.local|\bcall", text)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("make", [make_step_function, make_list_function])
def test_nothing_is_spilled(make, dtype, monkeypatch, tmp_path):
    places = find_spec("nvidia").submodule_search_locations if find_spec("nvidia") else ()
    folders = [os.environ["PATH"], *[f"{place}/cuda_nvcc/bin" for place in places]]
    assembler = shutil.which("ptxas", path=os.pathsep.join(folders))
    if assembler is None:
        pytest.skip("needs the toolkit's assembler, ptxas")
    file = tmp_path / "kernel.ptx"
    file.write_text(ptx.named_ptx(*make(LARGEST, dtype, FULL), monkeypatch), encoding="utf-8")
    command = [assembler, "-arch=sm_90", "-v", "-o", os.devnull, str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in told
    registers = int(re.search(r"Used (\d+) registers", told)[1])
    assert registers <= 128  # two blocks of a multiprocessor's 65,536, or more


def test_without_the_switch_products_and_sums_are_contracted(monkeypatch):
    """What `uncontracted` is for; and that the test above can fail."""
    from contextlib import nullcontext

    from fastadam._numba import gpu as target

    monkeypatch.setattr(target, "uncontracted", nullcontext)
    text = ptx.compile_ptx(*make_step_function(RULES[0], DTYPES[0]), monkeypatch)
    assert "fma.rn.f32" in text


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("rule", EACH_RULE)
def test_arguments_are_those_that_the_kernel_declares(rule, dtype, monkeypatch):
    from fastadam._cuda.kernels import make_step_arguments

    program = ptx.Program(ptx.kernel_ptx(rule, dtype, monkeypatch))
    arguments = make_step_arguments(rule, dtype, 5)
    kind = {4: "f32", 8: "f64"}[dtype.itemsize]
    declared = [kind for kind, _ in program.parameters]
    assert declared == ["u64"] * len(arguments.words) + [kind] * len(arguments.scalars)

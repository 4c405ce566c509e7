"""The kernels of norms, narrow numbers and rows, compiled for a GPU that is not there, and read."""

import re

import numpy as np
import pytest

from fastadam._backend import PLAIN, Form
from fastadam._rules.table import METHODS

from . import ptx

FLOAT32, FLOAT64, BFLOAT16 = map(np.dtype, (np.float32, np.float64, np.uint16))
ADAM = METHODS["adam"]
ALL = Form(is_clipped=True, needs_norm=True, is_averaged=True)

#: A name, the module, its function and the arguments.
KERNELS = {
    "norms of float32": ("norms", "make_norm_function", [FLOAT32]),
    "norms of float64": ("norms", "make_norm_function", [FLOAT64]),
    "norms of bfloat16": ("norms", "make_norm_function", [BFLOAT16]),
    "clip_norm": ("norms", "make_clip_function", []),
    "all in float64": ("forms", "make_form_function", [ADAM, FLOAT64, ALL]),
    "bfloat16 state": ("forms", "make_form_function", [ADAM, FLOAT32, Form(state="bfloat16")]),
    "bfloat16": ("forms", "make_form_function", [ADAM, BFLOAT16, PLAIN]),
    "uint8 state": (
        "forms",
        "make_form_function",
        [ADAM.variants["amsgrad"], BFLOAT16, ALL._replace(is_averaged=False, state="uint8")],
    ),
    "rows": ("rows", "make_rows_function", [ADAM, FLOAT32]),
    "catch_up": ("rows", "make_catch_up_function", [METHODS["sgd"], FLOAT32]),
}

#: How often an instruction is there: loads and stores of several numbers at once, barriers.
EXPECTED = {
    "all in float64": {"ld.global.v2.f64": 5, "st.global.v2.f64": 4},
    "bfloat16 state": {"ld.global.v4.f32": 2, "ld.global.v4.u16": 2, "st.global.v4.u16": 2},
    "bfloat16": {"ld.global.v4.u16": 2, "ld.global.v4.f32": 2, "st.global.v4.u16": 1},
    "uint8 state": {"atom.shared.max.u32": 3, "bar.sync": 2},
}


@pytest.mark.parametrize("name", KERNELS)
def test_nothing_is_contracted_or_approximate_or_spilled(name, monkeypatch):
    ptx.require_toolkit()
    from importlib import import_module

    module, make, arguments = KERNELS[name]
    made = getattr(import_module(f"fastadam._cuda.{module}"), make)(*arguments)
    text = ptx.compile_ptx(*made, monkeypatch)
    assert not re.search(r"\b(fma|mad)\.rn|\.approx|\.full|\.ftz|rsqrt|rcp", text)
    assert ".local" not in text
    assert "call" not in text
    for instruction, count in EXPECTED.get(name, {}).items():
        assert text.count(instruction) == count, instruction

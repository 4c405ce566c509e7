"""The searches' kernels, compiled for a GPU that is not there."""

import re
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from numba import types
from numba.np.numpy_support import from_dtype

from fastadam._rules.adam import ADAM, ADAMAX, ADAMW_AMSGRAD, NADAM, RADAM
from fastadam._rules.sgd import MOMENTUM, PLAIN_SGD, RMSPROP
from tests.gpu.batches import FORMS, decay, misfit

from . import ptx


@pytest.fixture(autouse=True)
def _hopper(monkeypatch):
    """Stand in for the current GPU: users' functions are compiled for it on their own."""
    ptx.require_toolkit()
    from numba.cuda import dispatcher

    monkeypatch.setattr(
        dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=(9, 0))
    )


def task(fun, jac, rule=ADAM, dtype="float32", length=2, automatic=False):
    """Return what a kernel for lines is compiled for."""
    from fastadam._cuda.searches import Task
    from fastadam._objective.cuda import find_source

    real = from_dtype(np.dtype(dtype))
    vector, matrix = (types.Array(real, ndim, "C") for ndim in (1, 2))
    args, rows = types.Tuple((vector,)), types.Tuple((vector, matrix))
    jac = find_source("jac", jac) if callable(jac) else jac
    return Task(rule, automatic, dtype, find_source("fun", fun), jac, length, args, rows)


def compiled(given, monkeypatch):
    """Return the PTX; it takes some 2 s, and is kept."""
    from fastadam._cuda.searches import search_function

    if given not in _texts:
        _texts[given] = ptx.compile_ptx(*search_function(given), monkeypatch)
    return _texts[given]


_texts = {}


def entry(text):
    """Return the kernel alone, without the functions of CUDA's library that it calls."""
    return text[text.index(".visible .entry") :].split("\n}")[0]


def assert_exact(text):
    """Require roots and quotients to be rounded correctly.

    CUDA's own ``exp``, ``log`` and ``pow`` ask for approximations, and for fused products, to
    start from or to correct: these are in float64, or of a power of 2.
    """
    assert not re.search(r"(sqrt|div|rsqrt)\.(approx|full)|rcp\.approx(\.ftz)?\.f32", text)
    assert not re.search(r"\b(add|sub|mul|div|sqrt)(\.r[zmp])?\.f(32|64)", text)  # .rn is said


# Each rule, dtype and form once.
@pytest.mark.parametrize(
    ("rule", "dtype", "form"),
    [
        (NADAM, "float64", "in-place"),
        (RADAM, "float32", "in-place"),
        (PLAIN_SGD, "float64", "3-point"),
        (MOMENTUM, "float32", "true"),
        (ADAMW_AMSGRAD, "float32", "callable"),
        (ADAMAX, "float32", "2-point"),
        (RMSPROP, "float32", "cs"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_kernels_compile(rule, dtype, form, monkeypatch):
    text = compiled(task(*FORMS[form], rule, dtype), monkeypatch)
    assert_exact(text)
    assert "sqrt.rn.f64" in text  # of `clipping`
    if dtype == "float32":
        assert ("sqrt.rn.f32" in text) == ("v" in rule.state)
        assert entry(text).count("fma.rn.f32") == 0
    else:
        assert not re.search(r"\b(add|sub|mul|div|sqrt)\.rn\.f32", text)


def test_all_gears_compile(monkeypatch):
    assert_exact(compiled(task(misfit, "2-point", automatic=True), monkeypatch))


def steps(text, kind):
    """Return how many products of a kind a kernel has."""
    return len(re.findall(rf"\bmul\.rn\.{kind}\b", text))


def test_float32_searches_step_in_float32(monkeypatch):
    """One float64 among the factors would have the whole step in float64."""
    texts = {
        dtype: entry(compiled(task(decay_of, "in-place", ADAM, dtype), monkeypatch))
        for dtype in ("float32", "float64")
    }
    assert steps(texts["float64"], "f32") == 0
    # The products of the sweep have moved; those of the coefficients have not.
    moved = steps(texts["float64"], "f64") - steps(texts["float32"], "f64")
    assert steps(texts["float32"], "f32") >= moved >= 10
    assert "sqrt.rn.f32" in texts["float32"]
    assert "div.rn.f32" in texts["float32"]
    roots = {dtype: text.count("sqrt.rn.f64") for dtype, text in texts.items()}
    assert roots["float64"] - roots["float32"] == texts["float32"].count("sqrt.rn.f32") > 0


def decay_of(x, grad, t, a, y):
    """Without products of its own."""
    grad[0] = x[0] - a
    grad[1] = x[1] - y[0]
    return t[0]


def test_searches_are_in_registers(monkeypatch):
    """The record of a search is not in memory while it runs."""
    text = entry(compiled(task(misfit, "2-point", ADAMAX), monkeypatch))
    assert not re.search(r"\b(ld|st)\.local", text)
    assert "__local_depot" not in text


def test_each_thread_has_its_vectors(monkeypatch):
    """Run as PTX: the places of a thread are numbers, and no other's."""
    from fastadam._numba.gpu import load_compiler, make_thread_view

    cuda, view = load_compiler(), make_thread_view((3, 5), 4)

    def kernel(memory):
        own = view(memory, cuda.grid(1))
        for i in range(5):
            own[2, i] = own[0, i] * own[1, 4]

    text = ptx.compile_ptx(kernel, types.void(types.Array(types.float32, 4, "C")), monkeypatch)
    memory = np.random.default_rng(0).normal(size=(3, 3, 5, 4)).astype(np.float32)
    expected = memory.copy()
    expected[:2, 2] = memory[:2, 0] * memory[:2, 1, 4:]
    expected[2, 2, :, :3] = memory[2, 0, :, :3] * memory[2, 1, 4, :3]
    words = [0, 0, memory.size, 4, memory.ctypes.data, *memory.shape, *memory.strides]
    words = np.array(words, dtype=np.uint64)
    addresses = words.ctypes.data + 8 * np.arange(words.size, dtype=np.uint64)
    ptx.Program(text).run(addresses.ctypes.data, 1, 11)
    np.testing.assert_array_equal(memory, expected)
    assert "div" not in text
    assert text.count("mul.lo") == 1  # of the group of threads


@pytest.mark.fault(number=4)
def test_the_clock_is_read_after_each_point(monkeypatch):
    """At the start, and in the loop, from which nothing may move it."""
    text = entry(compiled(task(decay_of, "in-place", ADAM, "float64"), monkeypatch))
    assert len(re.findall(r"mov\.u64\s+%\w+, %globaltimer;", text)) >= 2
    last = text.rindex("%globaltimer")
    assert re.search(r"\bbra\b", text[last:])


@numba.njit(fastmath=True)
def fast(x, t, a, y):
    return a / (1.0 + x[0]) + t[0] * y[0] + t[1]


def test_options_of_the_cpu_are_left_there(monkeypatch):
    text = compiled(task(fast, "2-point"), monkeypatch)
    assert_exact(text)
    assert entry(text).count("fma.rn.f32") == 0


def test_contraction_is_what_is_switched_off(monkeypatch):
    """That the tests above can fail."""
    from contextlib import nullcontext

    from fastadam._numba import gpu as target

    monkeypatch.setattr(target, "uncontracted", nullcontext)
    _texts.clear()
    text = entry(compiled(task(decay_of, "in-place"), monkeypatch))
    _texts.clear()
    assert "fma.rn.f32" in text


def allocates(x, t, a, y):
    return np.zeros(2)[0] + x[0]


def helper(x):
    return 2.0 * x


def calls(x, t, a, y):
    return helper(x[0])


def three(x, t, a, y):
    return 1.0, 2.0, 3.0


@pytest.mark.parametrize(
    ("fun", "jac", "problem"),
    [
        (allocates, "2-point", r"fun cannot be compiled for the GPU with .*zeros.*allocate no"),
        (
            calls,
            "2-point",
            "fun cannot be compiled for the GPU with .*Untyped global name 'helper'",
        ),
        (misfit, allocates, "jac cannot be compiled for the GPU"),
        (misfit, three, r"jac must return a tuple of 2 numbers \(or it fills the gradient"),
        (three, True, "fun must return a real number and a tuple of 2 numbers"),
        (three, "3-point", r"fun must return a real number on a GPU, and returns UniTuple"),
        (decay, "in-place", "fun cannot be compiled for the GPU with .*Signature mismatch"),
    ],
)
def test_functions_that_cannot_be_compiled(fun, jac, problem, monkeypatch):
    with pytest.raises(ValueError, match=problem) as caught:
        compiled(task(fun, jac), monkeypatch)
    message = str(caught.value)
    assert len(message) < 600
    assert "\n" not in message
    assert "\x1b" not in message

"""List kernels: the bits of the step kernels, however the arrays lie in the slices."""

import numba
import numpy as np
import pytest

from fastadam._cpu.kernels import make_step_kernel
from fastadam._cpu.lists import SLICE, make_list_kernel
from fastadam._cpu.threads import run_parallel
from fastadam._rules.table import METHODS
from tests.processes import ROOT, run_python

SIZES = 1_000, 1, 0, SLICE, 7, 3 * SLICE + 5, 0, SLICE - 8, 33


def make_arrays(rule, dtype):
    rng = np.random.default_rng(0)
    params, grads = ([rng.standard_normal(n).astype(dtype) for n in SIZES] for _ in range(2))
    return params, grads, [np.zeros((len(rule.state), n), dtype) for n in SIZES]


def step_by_step(rule, dtype, begun):
    """Take three steps, array by array, of which some have taken steps before."""
    params, grads, states = make_arrays(rule, dtype)
    kernel = make_step_kernel(rule, dtype)
    for p, g, state, taken in zip(params, grads, states, begun, strict=True):
        hyper = rule.make_hyper(rule.defaults)
        for t in range(taken + 1, taken + 4):
            kernel(p, g, state, hyper, t)
            if rule.carried:
                hyper = (*hyper[:-1], rule.carried[0].carry(hyper, float(t)))
    return [array.tobytes() for array in params + states]


def step_in_lists(rule, dtype, begun, parallel, threads=None):
    params, grads, states = make_arrays(rule, dtype)
    scalars = np.array([(taken, 1.0) for taken in begun], np.float64)
    rows = [
        (p.size, *(each.ctypes.data for each in (p, g, state, scalar, scalar[1:])))
        for p, g, state, scalar in zip(params, grads, states, scalars, strict=True)
    ]
    table, hyper = np.array(rows, np.int64), rule.make_hyper(rule.defaults)
    kernel = make_list_kernel(rule, dtype, parallel)
    for _ in range(3):
        if parallel:
            assert run_parallel(kernel, (table, hyper), threads)
        else:
            kernel(table, hyper)
    assert np.array_equal(scalars[:, 0], np.add(begun, 3))
    return [array.tobytes() for array in params + states]


@pytest.mark.parametrize(
    ("rule", "dtype"),
    [  # those of PyTorch, each in one of the dtypes: compilation is what takes long
        pytest.param(rule, np.dtype(f"float{32 + i % 2 * 32}"), marks=pytest.mark.slow)
        for i, rule in enumerate(METHODS.values())
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_list_gives_the_bits_of_its_arrays(rule, dtype):
    begun = [place % 3 for place in range(len(SIZES))]
    expected = step_by_step(rule, dtype, begun)
    assert step_in_lists(rule, dtype, begun, parallel=False) == expected
    for threads in range(1, numba.config.NUMBA_NUM_THREADS + 1):
        assert step_in_lists(rule, dtype, begun, True, threads) == expected


@pytest.mark.parametrize("parallel", [False, True])
def test_no_arrays_are_no_work(parallel):
    rule = METHODS["adam"]
    kernel = make_list_kernel(rule, np.dtype(np.float32), parallel)
    kernel(np.empty((0, 6), np.int64), rule.make_hyper(rule.defaults))


CHILD = """
import sys
import numpy as np
from tests.rooms.cpu.test_lists import METHODS, step_by_step, step_in_lists

begun = [0] * 9
for name in sys.argv[1:]:
    method, dtype = name.split("/")
    each = METHODS[method], np.dtype(dtype), begun
    assert step_in_lists(*each, False) == step_by_step(*each), name
"""


@pytest.mark.slow
def test_kernels_from_disk_and_compiled_ones_are_not_mixed_up(tmp_path):
    """The linker took one's function for the other's: Numba gave both the same name."""
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    run_python(CHILD, "adam/float32", cwd=ROOT, **cache)
    run_python(CHILD, "adam/float32", "adam/float64", "adamw/float32", cwd=ROOT, **cache)

"""The norm's kernels, block for block and bit for bit as on the CPU."""

import math

import numpy as np
import pytest

from fastadam._cpu import kernels as cpu
from fastadam._cpu.norms import make_clip_kernel, make_norm_kernel
from fastadam._cuda import norms
from fastadam._forms.norms import BLOCK, count_blocks
from fastadam._numba import gpu as target


def run(made, blocks, threads, *arguments):
    function, signature = made
    target.compile_gpu_kernel(function, signature)[blocks, threads](*arguments)


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.uint16], ids=lambda each: each.__name__
)
def test_norms_of_blocks(dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(BLOCK + 3 * 128 + 77)
    if dtype == np.float64:
        x[BLOCK:] *= 1e-250  # scaled up, and the block before it is not
    x = x.astype(np.float32).view(np.uint16)[1::2].copy() if dtype == np.uint16 else x.astype(dtype)
    expected, found = np.empty((2, count_blocks(x.size)))
    make_norm_kernel(np.dtype(dtype), False)(x, expected)
    run(norms.make_norm_function(np.dtype(dtype)), 1, norms.NORM_THREADS, x, found)
    assert found.tobytes() == expected.tobytes()
    assert (expected > 0.0).all()


@pytest.mark.filterwarnings("ignore:.* encountered:RuntimeWarning")
@pytest.mark.parametrize(
    "special", [[], [0.0], [1e200], [math.inf], [math.nan], [math.inf, math.nan]], ids=str
)
def test_norms_are_put_together(special):
    rng = np.random.default_rng(1)
    blocks = np.append(rng.uniform(size=1 if special == [0.0] else 1030) * 1e3, special)
    if special == [0.0]:
        blocks[:] = 0.0
    extras, clip = np.full(cpu.EXTRAS, np.nan), np.full(2, np.nan)
    make_clip_kernel()(blocks, 2.0, extras)
    run(norms.make_clip_function(), 1, 8, blocks, clip, (np.float64(2.0),))
    expected = extras[[cpu.SCALE, cpu.NORM]]
    np.testing.assert_array_equal(clip[[norms.SCALE, norms.NORM]], expected)

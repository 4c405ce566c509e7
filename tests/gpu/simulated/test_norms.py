"""The norm's kernels, block for block and bit for bit as on the CPU."""

import math

import numpy as np
import pytest

from fastadam._cpu import kernels as cpu
from fastadam._cpu.norms import make_clip_kernel, make_norm_kernel
from fastadam._cuda import norms
from fastadam._cuda.clipping import NormList
from fastadam._forms.norms import BLOCK, count_blocks
from fastadam._numba import gpu as target


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16])
def test_norms_of_blocks(dtype, gpu):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(BLOCK + 3 * 128 + 77)
    if dtype == np.float64:
        x[BLOCK:] *= 1e-250  # scaled up, and the block before it is not
    x = x.astype(np.float32).view(np.uint16)[1::2].copy() if dtype == np.uint16 else x.astype(dtype)
    vectors = [np.ones(40, dtype), x, x[:100]]
    expected = [np.empty(count_blocks(vector.size)) for vector in vectors]
    for vector, each in zip(vectors, expected, strict=True):
        make_norm_kernel(np.dtype(dtype), False)(vector, each)
    expected[0][:] = 0.0  # of no gradient
    found = np.full(4, np.nan)
    targets = found.ctypes.data + np.array([0, 8, 24])
    sizes = [vector.size for vector in vectors]
    arrays = NormList(gpu, np.dtype(dtype), [0, 1, 2], sizes, targets)
    pointers = [0, *[vector.ctypes.data for vector in vectors[1:]]]
    gpu.run_all([*arrays.make_send_calls(pointers, 5), arrays.make_launch_call(5)])
    assert found.tobytes() == np.concatenate(expected).tobytes()
    assert (found[1:] > 0.0).all()
    assert arrays.make_send_calls(pointers, 5) == []
    assert gpu.events == [("send", 5), ("launch", 5)]


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
    function, signature = norms.make_clip_function()
    kernel = target.compile_gpu_kernel(function, signature)
    kernel[1, 8](blocks, clip, (np.float64(2.0),))
    expected = extras[[cpu.SCALE, cpu.NORM]]
    np.testing.assert_array_equal(clip[[norms.SCALE, norms.NORM]], expected)

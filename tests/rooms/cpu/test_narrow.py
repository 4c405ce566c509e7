"""Numbers in 16 and 8 bits: what is written and read again, and the kernels that do so."""

import numba
import numpy as np
import pytest

from fastadam._backend import Form
from fastadam._cpu.kernels import EXTRAS
from fastadam._cpu.narrow_kernels import make_narrow_kernel
from fastadam._forms.narrow import (
    BLOCK,
    MULTIPLIERS,
    STORED,
    count_blocks,
    draw,
    make_seed,
    narrow,
    read_uint8,
    widen,
    write_uint8,
)
from fastadam._rules.table import METHODS

FLOAT32 = np.dtype(np.float32)


@numba.njit
def draw_bits(step):
    seed, random = make_seed(step), np.empty(BLOCK, np.uint32)
    for i in range(BLOCK):
        random[i] = draw(i, seed)
    return random


@numba.njit
def in_8_bits(x, is_signed, step, row):
    stored, out = np.empty(x.size, np.uint8), np.empty_like(x)
    scale = write_uint8(x, stored, is_signed, draw_bits(step), MULTIPLIERS[row])
    read_uint8(stored, scale, is_signed, out)
    return out


@numba.njit
def in_16_bits(x, is_signed, step, row):
    random, out = draw_bits(step), np.empty_like(x)
    for i in range(x.size):
        out[i] = widen(narrow(x[i], random[i] >> np.uint32(16)))
    return out


CODECS = {"bfloat16": in_16_bits, "uint8": in_8_bits}


def make_block(is_signed):
    """Make a block of many orders of magnitude, its largest element at the end."""
    rng = np.random.default_rng(0)
    sizes = np.append(10.0 ** rng.uniform(-4, 0, BLOCK - 1), 1.0).astype(np.float32)
    return sizes * rng.choice([-1, 1], BLOCK).astype(np.float32) if is_signed else sizes


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize(("name", "step"), [("bfloat16", 2.0**-7), ("uint8", 2.0**-3)])
def test_what_is_read_is_a_neighbour_and_right_in_the_mean(name, step, is_signed):
    x, times = make_block(is_signed), 4_000
    low = 2.0 ** (-16 if is_signed else -32) if name == "uint8" else 0.0
    spacing = step * (np.abs(x) + low)
    total = np.zeros(BLOCK)
    for k in range(times):
        out = CODECS[name](x, is_signed, k, 0)
        assert np.all(np.abs(out - x) <= spacing)
        total += out
    # A mean of so many, each as far off as a coin that is tossed between two neighbours.
    assert np.all(np.abs(total / times - x) <= 5 * spacing / 2 / np.sqrt(times))


def test_rows_are_rounded_apart():
    bits = np.concatenate([draw_bits(step) for step in range(100)])
    rows = [bits * multiplier >> 16 for multiplier in MULTIPLIERS]
    rows = np.array([*rows, bits & 0xFFFF])  # the last is that of a second row in 16 bits
    assert np.all(np.abs(np.corrcoef(rows) - np.eye(5)) < 0.03)
    assert np.all(np.abs(rows.mean(axis=1) / 65536 - 0.5) < 0.005)


@pytest.mark.parametrize("name", ["bfloat16", "uint8"])
def test_nothing_becomes_of_zeros(name):
    zeros = np.zeros(BLOCK, np.float32)
    for is_signed in (True, False):
        np.testing.assert_array_equal(CODECS[name](zeros, is_signed, 3, 0), zeros)


def test_a_square_in_8_bits_is_never_zero():
    x = np.full(BLOCK, 1e-20, np.float32)
    x[-1] = 1.0
    assert in_8_bits(x, False, 0, 0).min() > 0.0


def test_infinity_leaves_the_rest_of_its_block():
    x = np.ones(BLOCK, np.float32)
    x[3], x[5] = np.inf, -np.inf
    out = in_8_bits(x, True, 0, 0)
    assert np.isfinite(out).all()
    assert np.all(np.abs(np.delete(out, [3, 5]) - 1.0) <= 0.125)
    out = in_16_bits(x, True, 0, 0)
    assert (out[3], out[5]) == (np.inf, -np.inf)


@pytest.mark.slow
@pytest.mark.parametrize("state", ["bfloat16", "uint8"])
def test_the_loops_agree_bit_for_bit(state):
    for size in (1, BLOCK - 1, 64 * BLOCK + 1, 200_003):
        assert_loops_agree(state, size)


def assert_loops_agree(state, size):
    rule, form = METHODS["adam"], Form(is_clipped=True, is_averaged=True, state=state)
    hyper = rule.make_hyper(rule.defaults | {"weight_decay": 0.1})
    rng, extras = np.random.default_rng(0), np.zeros(EXTRAS)
    extras[:3] = 0.9, 2.0, 0.1
    start = rng.standard_normal(size).astype(np.float32)
    gradients = rng.standard_normal((3, size)).astype(np.float32)
    results = []
    for parallel in (False, True):
        p, average = start.copy(), start.copy()
        kept = np.zeros((2, size), STORED[state])
        scales = np.zeros((2, count_blocks(size)), np.float32)
        kernel = make_narrow_kernel(rule, FLOAT32, form, parallel)
        for t, g in enumerate(gradients, 1):
            kernel(p, g, kept, scales, hyper, t, average, extras)
        results.append((p, average, kept, scales))
    for serial, parallel in zip(*results, strict=True):
        assert serial.tobytes() == parallel.tobytes()

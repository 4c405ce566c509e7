"""Serial and parallel loops, any split, any number of threads: the same bits."""

import numba
import numpy as np
import pytest

from fastadam._cpu.kernels import make_finite_kernel, make_step_kernel
from fastadam._cpu.threads import run_parallel
from fastadam._rules.table import METHODS, RULES
from tests.rules import LATER, slow_if

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
SIZES = (0, 1, 3, 4_097, 100_003)


def loops(parallel):
    """Parametrise a test with rules and dtypes; of `LATER` float64's serial loop is quick."""
    return pytest.mark.parametrize(
        ("rule", "dtype"),
        [
            pytest.param(
                rule,
                dtype,
                id=f"{dtype}-{rule.name}",
                marks=slow_if(rule.name in LATER and (parallel or dtype == FLOAT32)),
            )
            for dtype in (FLOAT32, FLOAT64)
            for rule in RULES
        ],
    )


parametrize_dtypes = pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)


def hyper(rule):
    values = {"lr": 1e-2, "eps": 1e-8, "weight_decay": 0.1, "sign": 1.0, "mu_product": 0.5}
    return tuple(values.get(name, 0.9) for name in rule.hyper)


def problem(rule, dtype, size):
    """Return parameters, gradient and a state with valid (non-negative) second moments."""
    rng = np.random.default_rng(size)
    p, g = rng.standard_normal((2, size)).astype(dtype)
    state = np.abs(rng.standard_normal((len(rule.state), size))).astype(dtype)
    return p.copy(), g.copy(), state


def run(kernel, p, g, state, rule):
    for t in (1, 2, 7):
        kernel(p, g, state, hyper(rule), t)
    return p.tobytes() + state.tobytes()


@loops(parallel=True)
@pytest.mark.parametrize("size", SIZES)
def test_parallel_equals_serial_bit_for_bit(rule, dtype, size):
    serial, parallel = make_step_kernel(rule, dtype), make_step_kernel(rule, dtype, parallel=True)
    expected = run(serial, *problem(rule, dtype, size), rule)
    for threads in range(1, numba.config.NUMBA_NUM_THREADS + 1):

        def with_threads(*arguments, threads=threads):
            assert run_parallel(parallel, arguments, threads)

        assert run(with_threads, *problem(rule, dtype, size), rule) == expected


@loops(parallel=False)
@pytest.mark.parametrize("cut", [0, 1, 7, 1_000, 4_096])
def test_a_split_array_gives_the_same_bits(rule, dtype, cut):
    kernel = make_step_kernel(rule, dtype)
    p, g, state = problem(rule, dtype, 4_097)
    parts = [(p[s].copy(), g[s].copy(), state[:, s].copy()) for s in np.s_[:cut, cut:]]
    run(kernel, p, g, state, rule)
    for part in parts:
        run(kernel, *part, rule)
    assert np.concatenate([part[0] for part in parts]).tobytes() == p.tobytes()
    assert np.concatenate([part[2] for part in parts], axis=1).tobytes() == state.tobytes()


@loops(parallel=False)
def test_no_subnormal_survives_in_the_state(rule, dtype):
    tiny = np.finfo(dtype).tiny
    p, g, state = problem(rule, dtype, 37)
    g[:] = 0.0
    floors = np.array([array.floor for array in rule.state_arrays], dtype)[:, np.newaxis] * tiny
    state *= 4 * floors
    no_decay = tuple(
        0.0 if name == "weight_decay" else value
        for name, value in zip(rule.hyper, hyper(rule), strict=True)
    )
    for t in range(2, 60):
        make_step_kernel(rule, dtype)(p, g, state, no_decay, t)
        # From 2*tiny on: 0.9 times a number that survives is no subnormal either.
        assert not ((state != 0) & (np.abs(state) < 2 * tiny)).any()
    for name, row in zip(rule.state, state, strict=True):
        if name not in ("u", "v_max"):  # the maxima need not decay
            assert not row.any()


def test_the_gradient_may_be_the_parameters():
    kernel = make_step_kernel(METHODS["adam"], FLOAT64)
    p, _, state = problem(METHODS["adam"], FLOAT64, 1_001)
    q, q_state = p.copy(), state.copy()
    kernel(p, p, state, hyper(METHODS["adam"]), 1)
    kernel(q, q.copy(), q_state, hyper(METHODS["adam"]), 1)
    assert p.tobytes() == q.tobytes()


@parametrize_dtypes
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite_finds_each_kind_anywhere(dtype, bad):
    all_finite = make_finite_kernel(dtype)
    for size in (1, 3, 67):
        x = np.full(size, np.finfo(dtype).max)
        x[::2] *= -1
        assert all_finite(x)
        for i in range(size):
            y = x.copy()
            y[i] = bad
            assert not all_finite(y)
    assert all_finite(np.empty(0, dtype))

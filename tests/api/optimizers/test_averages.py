"""Averages of the parameters over the steps, swapped in and out."""

import numpy as np
import pytest

import fastadam


def make_arrays(seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in [(30, 20), (7,), (25, 4)]]
    return [arrays[0], arrays[1], arrays[2][::2]]  # the last is not contiguous


def weigh(kind, n):
    """Give the weight of the n-th parameters in the average."""
    return 1.0 / n if kind == "equal" else 1.0 - min(kind, (1 + n) / (10 + n))


@pytest.mark.parametrize("kind", [0.9, 0.25, "equal"])
def test_they_are_the_averages(kind):
    params = make_arrays(0, np.float64)
    optimizer = fastadam.Adam(params, lr=0.1, average=kind)
    expected = [param.copy() for param in params]
    for n in range(1, 100):
        optimizer.step(make_arrays(n, np.float64))
        weight = weigh(kind, n)
        expected = [
            (1.0 - weight) * mean + weight * param
            for mean, param in zip(expected, params, strict=True)
        ]
    if kind == "equal":
        assert optimizer.state_dict()["average_count"] == 99
    before = [param.copy() for param in params]
    with optimizer.averaged():
        for param, mean in zip(params, expected, strict=True):
            np.testing.assert_allclose(param, mean, rtol=1e-13, atol=1e-14)
    assert all(map(np.array_equal, params, before))


@pytest.mark.parametrize("rule", ["Adam", "SGD", "NAdam"])
def test_the_parameters_are_those_without_averages(rule):
    with_average, plain = make_arrays(0), make_arrays(0)
    make = getattr(fastadam, rule)
    first, second = make(with_average, average=0.99), make(plain)
    for n in range(1, 10):
        first.step(make_arrays(n))
        second.step(make_arrays(n))
    assert all(map(np.array_equal, with_average, plain))


def test_they_come_back_after_an_exception():
    x = np.array([1.0])
    optimizer = fastadam.SGD(x, lr=1.0, average="equal")
    optimizer.step(np.array([4.0]))
    optimizer.step(np.array([2.0]))
    with pytest.raises(KeyError, match="-4"), optimizer.averaged():
        raise KeyError(x[0])
    assert x[0] == -5.0


def test_what_is_refused_where_averages_stand():
    x = np.ones(3)
    optimizer = fastadam.Adam(x, average=0.9)
    optimizer.step(x)
    state = optimizer.state_dict()
    with optimizer.averaged():
        for name, call in {
            "step": lambda: optimizer.step(np.ones(3)),
            "state_dict": optimizer.state_dict,
            "load_state_dict": lambda: optimizer.load_state_dict(state),
            "averaged": optimizer.averaged,
            "restart_average": optimizer.restart_average,
        }.items():
            with pytest.raises(RuntimeError, match=f"^{name} inside"):
                call()
    optimizer.step(x)
    assert optimizer.step_count == 2


def test_they_begin_anew():
    x = np.array([8.0])
    optimizer = fastadam.SGD(x, lr=1.0, average="equal")
    optimizer.step(np.array([4.0]))
    optimizer.restart_average()
    with optimizer.averaged():
        assert x[0] == 4.0
    for gradient in (1.0, 1.0):
        optimizer.step(np.array([gradient]))
    with optimizer.averaged():
        assert x[0] == 2.5


@pytest.mark.parametrize("kind", [0.9, "equal"])
def test_a_run_goes_on_from_a_state(kind):
    whole, parts = make_arrays(0), make_arrays(0)
    optimizer = fastadam.Adam(whole, average=kind)
    for n in range(6):
        optimizer.step(make_arrays(n))
        if n == 2:
            state, there = optimizer.state_dict(), [param.copy() for param in whole]
    for part, param in zip(parts, there, strict=True):
        part[...] = param
    second = fastadam.Adam(parts, average=kind)
    second.load_state_dict(state)
    for n in range(3, 6):
        second.step(make_arrays(n))
    with optimizer.averaged(), second.averaged():
        assert all(map(np.array_equal, whole, parts))


def test_averages_hold_no_subnormals():
    x = np.array([1e-37, 1.0], np.float32)
    optimizer = fastadam.SGD(x, lr=1.0, average=0.5)
    optimizer.step(x.copy())  # to 0
    for _ in range(20):
        optimizer.step(np.zeros(2, np.float32))
    with optimizer.averaged():
        assert x[0] == 0.0
        assert 0.0 < x[1] < 1e-5


def test_without_averages():
    optimizer = fastadam.Adam(np.ones(2))
    for call in (optimizer.averaged, optimizer.restart_average):
        with pytest.raises(ValueError, match="average"):
            call()
    for wrong in (1.0, -0.1, np.nan):
        with pytest.raises(ValueError, match=rf"average must be in \[0, 1\), got {wrong}"):
            fastadam.Adam(np.ones(2), average=wrong)
    with pytest.raises(ValueError, match="average must be one of equal, got 'equl'"):
        fastadam.Adam(np.ones(2), average="equl")
    with pytest.raises(ValueError, match="average_count"):
        fastadam.Adam(np.ones(2), average=0.5).load_state_dict(optimizer.state_dict())

"""What the tests on a GPU ask for holds between two CPUs that round differently, and no more."""

import numba
import numpy as np
import pytest

import fastadam

from . import batches, family
from .batches import FORMS, METHOD_OPTIONS, T, assert_near_cpu, on_cpu, problems
from .family import FAMILY, assert_same_steps


def steps_on_cpu(name, dtype, shape, steps):
    assert_same_steps(name, dtype, shape, steps, np.copy, np.asarray)


@pytest.mark.fault(number=23)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FAMILY)
def test_steps_that_vanish_are_no_fault(name, dtype):
    steps_on_cpu(name, dtype, (301, 7), 7)


@pytest.mark.fault(number=23)
def test_nor_are_they_in_a_large_array():
    steps_on_cpu("adam", np.float32, (100_007,), 2)


def test_steps_that_all_vanish_are_one(monkeypatch):
    monkeypatch.setitem(family.FAMILY, "sgd", (fastadam.SGD, {"lr": 1e-30}))
    with pytest.raises(AssertionError):
        steps_on_cpu("sgd", np.float64, (30,), 3)


@numba.njit
def backwards(x, t, a, y):
    """`batches.misfit`, summed from the other end."""
    total = 0.0
    for i in range(t.size - 1, -1, -1):
        r = x[0] + x[1] * t[i] - y[i]
        total += a * r * r
    return total + 0.01 * x[0] * x[0] * x[0] * x[0]


@numba.njit
def backwards_in_place(x, grad, t, a, y):
    grad[:] = 0.0
    for i in range(t.size - 1, -1, -1):
        r = x[0] + x[1] * t[i] - y[i]
        grad[0] += 2.0 * a * r
        grad[1] += 2.0 * a * r * t[i]
    grad[0] += 0.04 * x[0] * x[0] * x[0]
    return backwards(x, t, a, y)


BACKWARDS = {"in-place": backwards_in_place, "2-point": backwards, "3-point": backwards}


def solve_backwards(fun, *given, **options):
    return on_cpu(BACKWARDS[given[3]], *given, **options)


@pytest.mark.fault(number=23)
@pytest.mark.parametrize("form", ["2-point", "3-point"])
def test_roundings_that_a_difference_amplifies_are_no_fault(form):
    x0, rows = problems(1000)
    options = {"lr": 0.02, "maxiter": 25, "solve": solve_backwards}
    assert_near_cpu(*FORMS[form][:1], x0, rows, (T,), form, **options)


@pytest.mark.fault(number=23)
@pytest.mark.parametrize("method", ["nadam", "rmsprop"])
def test_nor_are_those_that_a_rule_amplifies(method):
    x0, rows = problems(1000)
    given = batches.misfit_in_place, x0, rows, (T,), "in-place", method
    assert_near_cpu(*given, solve=solve_backwards, **METHOD_OPTIONS)


def test_a_gradient_off_by_a_millionth_is_one():
    def solve(fun, x0, rows, *given, **options):
        a, y = rows
        return on_cpu(fun, x0, (a * (1.0 + 1e-6), y), *given, **options)

    x0, rows = problems(1000)
    given = batches.misfit_in_place, x0, rows, (T,), "in-place", "nadam"
    with pytest.raises(AssertionError):
        assert_near_cpu(*given, solve=solve, **METHOD_OPTIONS)

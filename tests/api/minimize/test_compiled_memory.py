"""Memory of compiled functions: what raises keeps nothing, what is new costs its own code."""

import gc
import sys
import weakref
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba.core import event

from fastadam import minimize, minimize_batch
from fastadam._search import search
from tests.api.minimize.compiled import rosen, rosen_der
from tests.api.minimize.helpers import Compilations, MineError
from tests.api.minimize.test_compiled_compilations import fresh
from tests.api.minimize.test_compiled_exceptions import (
    fails,
    fails_der,
    fails_pair,
    fails_with_args,
)
from tests.processes import run_python


class Data(NamedTuple):
    weights: np.ndarray
    shift: float


@numba.njit
def fails_in_place(x, grad):
    grad[:] = 0.0
    return fails(x)


@numba.njit
def fails_with_others(x, text, data, pair):
    return fails(x) + len(text) + data.weights[0] + pair[0][1]


@numba.njit
def too_long(x):
    return np.ones(x.size + 1)


X0 = np.array([-1.0, 1.0, 0.5])
FAILING = {
    "callable": (fails, rosen_der, tuple),
    "jac": (rosen, fails_der, tuple),
    "too-long": (rosen, too_long, tuple),
    "true": (fails_pair, True, tuple),
    "in-place": (fails_in_place, "in-place", tuple),
    "2-point": (fails, "2-point", tuple),
    "3-point": (fails, "3-point", tuple),
    "cs": (fails, "cs", tuple),
    "args": (fails_with_args, None, lambda: (np.ones(2),)),
    "others": (fails_with_others, None, lambda: ("text", Data(np.ones(1), 0.5), (np.ones(2), 1))),
}


@pytest.mark.fault(number=29)
@pytest.mark.parametrize("solve", [minimize, minimize_batch])
@pytest.mark.parametrize("kind", FAILING)
def test_what_raises_keeps_nothing(kind, solve, monkeypatch):
    """Neither the search's own arrays nor the arguments'."""
    fun, jac, make_args = FAILING[kind]
    arrays = []
    begin = search.Search.__init__

    def recording(self, *given, **scalars):
        begin(self, *given, **scalars)
        arrays.extend((weakref.ref(self.record), weakref.ref(self.vectors)))

    monkeypatch.setattr(search.Search, "__init__", recording)
    for _ in range(3):
        args = make_args()
        parts = [part for each in args for part in (each if isinstance(each, tuple) else (each,))]
        arrays += [weakref.ref(part) for part in parts if isinstance(part, np.ndarray)]
        x0 = X0 if solve is minimize else np.tile(X0, (3, 1))
        with pytest.raises((MineError, ValueError), match=r"in the middle|one number for each"):
            solve(fun, x0, args, jac=jac, options={"lr": 0.01, "maxiter": 9})
        del args, parts
    gc.collect()
    assert len(arrays) >= 6
    assert [ref().shape for ref in arrays if ref() is not None] == []


@pytest.mark.fault(number=29)
@pytest.mark.parametrize("form", ["callable", "true", "in-place", "2-point", "cs"])
def test_a_new_function_costs_its_own_code(form):
    """The wrapper serves all functions of the same types, and keeps none of them."""
    minimize(*arguments(fresh(form, 0.0)), options={"maxiter": 3})
    functions = fresh(form, 1.0)
    with event.install_listener("numba:compile", Compilations()) as listener:
        assert minimize(*arguments(functions), options={"maxiter": 3}).fun == 1.0
    assert {module for module, _ in listener.seen} == {"fresh"}
    refs = [weakref.ref(each) for each in functions if callable(each)]
    del functions
    gc.collect()
    assert [ref() for ref in refs] == [None] * len(refs)


def arguments(functions):
    fun, jac = functions
    return fun, [0.0], (), "adam", jac


SLOPE = """
import gc, sys
import numba
import fastadam
VECTOR = numba.types.Array(numba.types.float64, 1, "C")
def fresh(k):
    space = {}
    exec(f"def fun(x, grad):\\n    total = 0.0\\n    for i in range(x.size):\\n"
         f"        grad[i] = 2.0 * x[i]\\n        total += x[i] ** 2 + {k}\\n"
         f"    return total\\n", space)
    return numba.njit(space["fun"])
def megabytes():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
kept = []
def cost(use, count):
    before = megabytes()
    for _ in range(count):
        kept.append(fresh(len(kept)))
        use(kept[-1])
    return (megabytes() - before) / count
def alone(fun):
    fun.compile((VECTOR, VECTOR))
def minimized(fun):
    fastadam.minimize(fun, [1.0, 2.0], jac="in-place", options={"maxiter": 3})
for use in (alone, minimized):
    cost(use, 10)
print(cost(alone, 30), cost(minimized, 30))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.fault(number=29)
def test_the_memory_of_many_functions():
    alone, minimized = map(float, run_python(SLOPE).split())
    assert minimized < alone + 0.2  # MB for each

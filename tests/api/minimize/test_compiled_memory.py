"""Memory of compiled functions: what raises keeps nothing, what is new costs its own code."""

import gc
import sys
import weakref

import pytest
from numba.core import event

from fastadam import minimize
from tests.api.minimize.helpers import Compilations
from tests.api.minimize.test_compiled_compilations import fresh
from tests.processes import run_python


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

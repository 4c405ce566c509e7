"""Searches that compiled code calls, in other processes: from disk, sent, and not compiled."""

import json

import pytest

from tests.processes import run_python, run_script

pytestmark = pytest.mark.slow

MODULE = """
import warnings
import numpy as np
from numba import njit, prange
import fastadam

@njit(cache=True)
def fun(x, a):
    return (x[0] - a) ** 2 + (x[1] - x[0]) ** 2

solve = fastadam.compiled(fun)

@njit(cache=True)
def call(a):
    x, f, status, nit = solve((0.0, 1.0), a)
    return x[0] + x[1]

@njit(cache=True, parallel=True)
def spread(values):
    found = np.zeros(values.size)
    for k in prange(values.size):
        found[k] = call(values[k])
    return found
"""

CACHED = """
import json
from module import *

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = [call(2.5), *spread(np.array([1.5, 3.5]))]
assert np.allclose(found, [5.0, 3.0, 7.0], atol=1e-5), found
hits = [sum(function.stats.cache_hits.values()) for function in (fun, call, spread)]
print(json.dumps([hits, [str(each.message) for each in caught]]))
"""


def test_callers_are_not_kept_on_disk(tmp_path):
    """Their code has addresses of this process; the function itself has none."""
    (tmp_path / "module.py").write_text(MODULE, encoding="utf-8")
    folders = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for hits in ([0, 0, 0], [1, 0, 0]):
        found, messages = json.loads(run_python(CACHED, **folders))
        assert found == hits
        assert len(messages) == 2
        assert all("uses dynamic globals" in message for message in messages)


SENT = """
import multiprocessing
import numpy as np
from numba import njit
import fastadam

def make():
    @njit
    def fun(x, a):
        return (x[0] - a) ** 2

    inner = fastadam.compiled(fun, options={"lr": lambda step: 0.1, "maxiter": 300})

    @njit
    def outer(x, a):
        y, f, status, nit = inner(0.0, a)
        return (x[0] - y[0]) ** 2

    return inner, outer

def call(solve):
    return solve(0.0, 2.5)

if __name__ == "__main__":
    inner, outer = make()
    values = np.arange(4.0)
    given = outer, np.ones((4, 1)), (), (values,)
    found = fastadam.minimize_batch(*given, workers=2)
    np.testing.assert_array_equal(found.x, fastadam.minimize_batch(*given).x)
    assert np.allclose(found.x[:, 0], values, atol=1e-2)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        x, *others = pool.apply(call, (inner,))
    assert [x, *others] == list(inner(0.0, 2.5))
"""


def test_sent_to_another_process(tmp_path):
    (tmp_path / "sent.py").write_text(SENT, encoding="utf-8")
    assert run_script(tmp_path / "sent.py") == ""


MEMORY = """
import sys
import numpy as np
from numba import njit
from numba.core.runtime import rtsys
import fastadam

@njit
def fun(x, a):
    if x[0] > a[0]:
        raise ValueError("in the middle", 7)
    return (x[0] - 5.0) ** 2

solve = fastadam.compiled(fun)

@njit
def call(x0, a):
    return solve(x0, a)

@njit
def alone(x0, a):
    return np.zeros(x0.size), 0.0, 0, 0

def count(function, *given):
    # How many arrays a call makes, and what it and its result leave behind.
    before = rtsys.get_allocation_stats()
    try:
        made = function(*given)
        made = None
    except ValueError as error:
        assert error.args == ("in the middle", 7)
    after = rtsys.get_allocation_stats()
    arrays, left = after.mi_alloc - before.mi_alloc, after.alloc - before.alloc
    return arrays, left - (after.free - before.free)

for n in (2, 80):  # on the stack, and not
    x0, low, high = np.zeros(n), np.array([2.0]), np.array([9.0])
    for function in (alone, solve, call):
        function(x0, high)
    made = count(alone, x0, high)
    assert count(solve, x0, high) == count(call, x0, high) == made == (made[0], 0), made
    references = sys.getrefcount(x0), sys.getrefcount(low)
    assert [count(solve, x0, low)[1] for _ in range(3)] == [0] * 3
    assert references == (sys.getrefcount(x0), sys.getrefcount(low))
"""


def test_nothing_is_allocated_but_the_result_and_nothing_by_an_exception():
    assert run_python(MEMORY, NUMBA_NRT_STATS="1") == ""


WAYS = {
    "not compiled": ("", {"NUMBA_DISABLE_JIT": "1"}),
    "newer": ("import numba; numba.__version__ = '0.99.0'", {}),
}

OTHERWISE = """
import warnings
{way}
warnings.simplefilter("ignore")
import numpy as np
from numba import njit
import fastadam

@njit
def fun(x, a):
    return (x[0] - a) ** 2 + (x[1] - x[0] ** 2) ** 2

bounds, options = [(0.0, 1.0), (-1.0, 1.0)], {{"lr": 0.05, "maxiter": 300}}
solve = fastadam.compiled(fun, bounds=bounds, options=options)

@njit
def call(x0, a):
    return solve(x0, a)

x, f, status, nit = call((0.5, 0.0), 0.8)
result = fastadam.minimize(fun, (0.5, 0.0), (0.8,), bounds=bounds, options=options)
np.testing.assert_array_equal(x, result.x)
assert (f, status, nit) == (result.fun, result.status, result.nit)
if status:
    raise SystemExit(result.message)
try:
    call((0.5, 0.0, 1.0), 0.8)
except ValueError:
    print("refused")
"""


@pytest.mark.parametrize("way", WAYS)
def test_without_compiled_code_or_private_parts(way, tmp_path):
    first, environment = WAYS[way]
    code = OTHERWISE.format(way=first)
    assert run_python(code, NUMBA_CACHE_DIR=str(tmp_path), **environment) == "refused"

"""A new function compiles nothing of the solver."""

import gc
import json
import textwrap

import numba
import numpy as np
import pytest
from numba.core import event

from fastadam import minimize, minimize_batch
from tests.api.minimize.compiled import run, weighted_in_place
from tests.api.minimize.helpers import Compilations
from tests.processes import run_python

FRESH = {
    "callable": "def fun(x): return x[0] ** 2 + {k}\ndef jac(x): return 2 * x",
    "true": "def fun(x): return x[0] ** 2 + {k}, 2 * x\njac = True",
    "in-place": "def fun(x, grad):\n    grad[:] = 2 * x\n    return x[0] ** 2 + {k}\n"
    "jac = 'in-place'",
    "2-point": "def fun(x): return x[0] ** 2 + {k}\njac = '2-point'",
    "cs": "def fun(x): return x[0] ** 2 + {k}\njac = 'cs'",
}


def fresh(form, k):
    """Return a compiled function that nobody has seen before."""
    space = {"__name__": "fresh"}
    exec(FRESH[form].format(k=k), space)
    fun, jac = space["fun"], space["jac"]
    return numba.njit(fun), numba.njit(jac) if callable(jac) else jac


@pytest.mark.parametrize("form", FRESH)
def test_a_new_function_compiles_nothing_of_the_solver(form):
    run(*fresh(form, 0.0), x0=[1.0], maxiter=3)
    fun, jac = fresh(form, 1.0)
    with event.install_listener("numba:compile", Compilations()) as listener:
        assert run(fun, jac, x0=[0.0], maxiter=3).fun == 1.0
    assert listener.of_the_solver == []
    assert ("fresh", "fun") in listener.seen
    assert len(listener.seen) <= 2  # the user's own
    with event.install_listener("numba:compile", Compilations()) as listener:
        assert run(fun, jac, x0=[0.0], maxiter=3).fun == 1.0
    assert listener.seen == []  # known by now


def test_new_values_of_args_compile_nothing():
    run(weighted_in_place, args=(np.ones(3),), maxiter=3)
    with event.install_listener("numba:compile", Compilations()) as listener:
        run(weighted_in_place, args=(np.zeros(3),), maxiter=3, lr=0.3, gtol=1.0)
        run(weighted_in_place, args=(np.zeros(7),), x0=np.ones(7), bounds=[(0, 1)] * 7, maxiter=3)
    assert listener.seen == []


CHILD = """
import json
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, e):
        function = e.data["dispatcher"].py_func
        compiled.append((function.__module__, function.__qualname__))
    def on_end(self, e): pass
event.register("numba:compile", Listener())
import numba, numpy as np, fastadam
@numba.njit
def fun(x, w):
    return w[0] * (x[0] - {shift}) ** 2
@numba.njit
def fun_without(x):
    return (x[0] - {shift}) ** 2
options = {{"lr": 0.1, "maxiter": 50}}
first = fastadam.minimize(fun, [0.0], args=(np.ones(2),), options=options)
second = fastadam.minimize(fun_without, [0.0], options=options)
ours = [name for module, name in compiled if module.startswith("fastadam")]
print(json.dumps([ours, float(first.x[0]), float(second.x[0])]))
"""


def test_another_process_compiles_nothing_of_the_solver(tmp_path):
    """With another function, and the cache that the first one left."""
    results = []
    for shift in (1.0, 2.0):
        code = textwrap.dedent(CHILD).format(shift=shift)
        results.append(json.loads(run_python(code, NUMBA_CACHE_DIR=str(tmp_path))))
    (cold, *one), (warm, *two) = results
    assert any(name.startswith("run_adam") for name in cold)
    assert "drive" in cold
    assert warm == []
    assert one[0] == one[1] != two[0] == two[1]


def changing(form):
    """Return compiled functions with a minimum at ``k``, and the globals where it is."""
    space = {"__name__": "changing", "k": 1.0}
    exec(CHANGING[form], space)
    functions = numba.njit(space["fun"]), numba.njit(space["jac"])
    return space, functions[0], functions[1] if form == "callable" else form


CHANGING = {
    "callable": "def fun(x): return (x[0] - k) ** 2\ndef jac(x): return 2 * (x - k)",
    "2-point": "def fun(x): return (x[0] - k) ** 2\ndef jac(x): return x",
}


@pytest.mark.fault(number=5)
@pytest.mark.parametrize("form", CHANGING)
def test_what_is_compiled_again_is_seen(form):
    space, fun, jac = changing(form)
    options = {"lr": 0.3, "maxiter": 300}

    def minimum():
        one = minimize(fun, [0.0], jac=jac, method="sgd", options=options)
        many = minimize_batch(fun, [[0.0], [9.0]], jac=jac, method="sgd", options=options)
        np.testing.assert_allclose(many.x[:, 0], one.x[0], atol=1e-4)
        return one.x[0], one.fun

    np.testing.assert_allclose(minimum(), (1.0, 0.0), atol=1e-4)
    space["k"] = 3.0
    fun.recompile()
    if form == "callable":  # the gradient is still the old one
        assert minimize(fun, [0.0], jac=jac, options={"maxiter": 0}).jac == -2.0
        jac.recompile()
    np.testing.assert_allclose(minimum(), (3.0, 0.0), atol=1e-4)


@pytest.mark.fault(number=5)
def test_compiled_again_during_a_search():
    """It goes on with the function that it was given."""
    space, fun, jac = changing("callable")

    def callback(x):
        if space["k"] == 1.0:
            space["k"] = 3.0
            fun.recompile()
            jac.recompile()
            gc.collect()

    options = {"lr": 0.3, "maxiter": 300}
    given = {"jac": jac, "method": "sgd", "options": options}
    np.testing.assert_allclose(minimize(fun, [0.0], callback=callback, **given).x, 1.0, atol=1e-4)
    np.testing.assert_allclose(minimize(fun, [0.0], **given).x, 3.0, atol=1e-4)


def test_without_numbas_compiler():
    code = """
import numpy as np, numba, fastadam
@numba.njit
def fun(x):
    return (x[0] - 1) ** 2 + (x[1] - 2) ** 2
for jac in ("2-point", "3-point"):
    result = fastadam.minimize(fun, [0.0, 0.0], jac=jac)
    assert result.success, result
    assert np.abs(result.x - [1, 2]).max() < 1e-4, result
print("done")
"""
    assert run_python(code, NUMBA_DISABLE_JIT="1") == "done"

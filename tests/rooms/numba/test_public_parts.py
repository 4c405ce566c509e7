"""Where Numba's private parts are not as expected: its public interface, one warning, same bits."""

import json

import pytest

from fastadam._numba import private
from fastadam._numba.version import UNTESTED
from tests.processes import run_python

pytestmark = pytest.mark.slow

# What each process does first; in the first, nothing is wrong.
WAYS = {
    "usual": "",
    "newer": "numba.__version__ = '0.99.0'",
    "missing": "del numba.core.dispatcher.Dispatcher.get_compile_result",
    "failing": """
from fastadam._numba import cache  # as if Numba asked something else of a cache
del cache._KernelCache.load_overload
""",
}

CHILD = """
import json, sys, warnings
import numba, numba.core.dispatcher
import numpy as np
{way}
caught, compiled, results = [], [], {{}}
def note_warning(message, category, *_):
    caught.append([category.__name__, str(message)])

warnings.showwarning = note_warning
warnings.simplefilter("always")
import fastadam
from numba.core import event

class Listener(event.Listener):
    def on_start(self, e):
        compiled.append(e.data["dispatcher"].py_func.__qualname__)

    def on_end(self, e):
        pass

event.register("numba:compile", Listener())

@numba.njit
def fun(x, a=1.0):
    return a * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2

@numba.njit
def jac(x, a=1.0):
    slope = 2.0 * a * (x[1] - x[0] ** 2)
    return np.array([-2.0 * x[0] * slope - 2.0 * (1.0 - x[0]), slope])

@numba.njit
def in_place(x, grad, a):
    grad[:] = jac(x, a)
    return fun(x, a)

@numba.njit
def both(x, a):
    return fun(x, a), jac(x, a)

def note(name, result):
    values = [np.asarray(result[key]).tobytes().hex() for key in ("x", "fun", "jac")]
    results[name] = [*values, *(str(result[key]) for key in ("nit", "nfev", "njev", "message"))]

for rule, dtype in (("Adam", "f4"), ("NAdam", "f8")):
    p = np.linspace(-1, 1, 40_000).astype(dtype)
    grad = p[::-1].copy()
    grad.flags.writeable = False
    optimizer = getattr(fastadam, rule)(p, lr=0.1, nonfinite="raise")
    for _ in range(3):
        optimizer.step(grad)
    results[rule] = p.tobytes().hex()
start, starts = [-1.2, 1.0], [[-1.2, 1.0], [0.5, 2.0], [2.0, -1.0]]
searches = [
    (fun, jac, 0.05),
    (in_place, "in-place", "auto"),
    (both, True, lambda t: 0.1 / t),
    (fun, None, "auto"),
    (fun, "2-point", 0.05),
    (fun, "cs", lambda t: 0.1 / t),
]
for k, (function, form, lr) in enumerate(searches[:int(sys.argv[1])]):
    options = {{"lr": lr, "maxiter": 60}}
    note(f"alone {{k}}", fastadam.minimize(function, start, (3.0,), jac=form, options=options))
    result = fastadam.minimize_batch(
        function, starts, (), (np.arange(1.0, 4.0),), jac=form, options=options
    )
    note(f"batch {{k}}", result)
if sys.argv[1] == "6":
    options = {{"vectorized": True, "maxiter": 60}}
    note("vectorized", fastadam.minimize_batch(lambda x: (x**2).sum(1), starts, options=options))
note("bounds", fastadam.minimize(fun, start, jac=jac, bounds=[(0.0, 0.5)] * 2))
note("polish", fastadam.minimize(fun, start, jac=jac, options={{"polish": "BFGS"}}))
options = {{"maxiter": 60}}
note("starts", fastadam.multistart(fun, [(-2.0, 2.0)] * 2, jac=jac, rng=0, options=options))
compiled = sorted(name for name in set(compiled) if "_float" in name or "iterate_" in name)
print(json.dumps({{"results": results, "warnings": caught, "compiled": compiled}}))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return ``run(way, searches)``: what a process has printed, and its cache."""
    caches = {way: tmp_path_factory.mktemp(way) for way in WAYS}

    def run(way, searches):
        code = CHILD.format(way=WAYS[way])
        printed = run_python(code, str(searches), NUMBA_CACHE_DIR=str(caches[way]))
        return json.loads(printed), caches[way]

    return run


@pytest.fixture(scope="module")
def usual(run):
    printed, cache = run("usual", 6)
    assert printed["warnings"] == []
    assert list(cache.rglob("*.kernel"))
    return printed


@pytest.mark.parametrize(
    ("way", "searches", "reason"),
    [
        ("newer", 6, "numba 0.99.0 is newer than what was tested"),
        ("missing", 1, "is not as expected (type object 'Dispatcher' has no attribute"),
        ("failing", 0, "is not as expected (AttributeError("),
    ],
)
def test_the_public_way_has_the_same_bits(run, usual, way, searches, reason):
    printed, cache = run(way, searches)
    ((category, message),) = printed["warnings"]
    assert category == "RuntimeWarning"
    assert reason in message
    assert "Numba's public interface is used, which is slower" in message
    assert len(printed["results"]) == 5 + 2 * searches + (searches == 6)
    for name, result in printed["results"].items():
        assert usual["results"][name] == result, name
    assert printed["compiled"]
    assert list(cache.rglob("*.nbi"))
    assert not list(cache.rglob("*.kernel"))
    if way == "missing":
        again, _ = run(way, searches)
        assert again["results"] == printed["results"]
        assert again["compiled"] == []  # Numba has kept it


def test_here_they_are_as_expected():
    assert private.find_problem() is None
    assert private.is_usable()
    assert UNTESTED < (0, 99)

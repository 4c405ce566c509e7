"""The clock of a batch, Ctrl-C, and the progress bar."""

import os
import signal
import subprocess
import sys
import textwrap

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds

import fastadam
from fastadam import minimize_batch
from tests.api.batch.batches import CHUNK, bowl, each_kind, fails, identical, problems, run
from tests.api.minimize.helpers import FOREVER, MineError


@numba.njit
def stalls(x, grad, slow):
    """A bowl, or a slope without end."""
    grad[0] = -1.0 if slow else 2.0 * x[0]
    return -x[0] if slow else x[0] ** 2


def plain_stalls(x, grad, slow):
    return stalls.py_func(x, grad, slow)


@pytest.mark.parametrize("fun", [stalls, plain_stalls])
def test_max_seconds(fun):
    """Rows before, at and after one that does not end; in Python's case, in turn."""
    size, at = CHUNK + 4, 5
    x0, slow = np.linspace(1, 2, size)[:, None], np.arange(size) == at
    options = {"lr": 0.05, "maxiter": FOREVER, "threads": 1}
    minimize_batch(fun, x0[:2], (), slow[:2], jac="in-place", options=options)
    result = minimize_batch(
        fun, x0, (), slow, jac="in-place", options={"max_seconds": 0.4, **options}
    )
    full = minimize_batch(fun, x0[:at], (), slow[:at], jac="in-place", options=options)
    identical(result, full, slice(at))
    assert full.success.all()
    assert (result.status[at:] == 1).all()
    assert not result.success[at:].any()
    # The one at work: the best point so far.
    assert 0 < result.nit[at] < FOREVER
    assert result.fun[at] == -result.x[at, 0] < -x0[at, 0]
    assert result.nfev[at] == result.njev[at] == result.nit[at] + 1
    np.testing.assert_array_equal(result.jac[at], -1.0)
    # Those not begun.
    assert np.isnan(result.fun[at + 1 :]).all()
    assert np.isnan(result.jac[at + 1 :]).all()
    assert (result.nfev[at + 1 :] == 0).all()
    np.testing.assert_array_equal(result.x[at + 1 :], x0[at + 1 :])
    assert result.message == (
        f"{size - at} of {size}: Maximum time has been exceeded. "
        f"{at} of {size}: Optimization terminated successfully."
    )


def test_max_seconds_of_several_threads():
    """Each thread comes to a row without end; each row says what it is."""
    x0, slow = np.ones((6 * CHUNK, 1)), np.zeros(6 * CHUNK, bool)
    slow[CHUNK::CHUNK] = True  # the first chunk has none
    options = {"lr": 0.05, "maxiter": FOREVER, "threads": 3}
    done = minimize_batch(stalls, x0[:1], (), slow[:1], jac="in-place", options=options)
    result = minimize_batch(
        stalls, x0, (), slow, jac="in-place", options={"max_seconds": 0.4, **options}
    )
    assert (result.nit[slow] > 0).sum() == 3
    for k in np.flatnonzero(result.success):
        identical(result, done, slice(k, k + 1))
    assert set(np.flatnonzero(result.success)) >= set(range(CHUNK))
    assert (result.status[~result.success] == 1).all()
    assert (np.isnan(result.fun) == (result.nfev == 0)).all()


CHILD = """
import sys, threading, time
import numba, numpy as np
from fastadam import minimize_batch

def slope(x, grad):
    grad[:] = 1.0
    return -x[0]

fun = numba.njit(slope) if sys.argv[1] == "compiled" else slope
x0 = np.ones((64, 1))
options = {"lr": 1e-9, "threads": 2}
minimize_batch(fun, x0, jac="in-place", options={"maxiter": 2, **options})
before = threading.active_count()

def announce():
    while sys.argv[1] == "compiled" and threading.active_count() < before + 3:
        time.sleep(0.01)
    time.sleep(0.2)
    print("started", flush=True)

teller = threading.Thread(target=announce)
teller.start()
try:
    minimize_batch(fun, x0, jac="in-place", options={"maxiter": 2 * 10**9, **options})
except KeyboardInterrupt:
    teller.join()
    assert threading.active_count() == before, threading.enumerate()
    assert np.all(x0 == 1.0)
    result = minimize_batch(fun, x0, jac="in-place", options={"maxiter": 5, **options})
    assert np.all(result.nit == 5)
    print("interrupted")
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals")
@pytest.mark.parametrize("kind", ["compiled", "python"])
def test_ctrl_c(kind):
    """Nothing else ends it: a thread that went on would hold up the process."""
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(CHILD), kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        assert child.stdout.readline() == "started\n", child.stderr.read()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
    assert (out, err, child.returncode) == ("interrupted\n", "", 0)


class Bar:
    """Stands in for tqdm's."""

    def __init__(self, total, **options):
        self.total, self.seen, self.closed = total, [], False
        self.options = options
        Bar.last = self

    def update(self, n=1):
        self.seen.append(n)

    def close(self):
        self.closed = True


@each_kind
@pytest.mark.parametrize("size", [1, 2 * CHUNK + 3])
def test_progress(compiled, size, monkeypatch):
    tqdm = pytest.importorskip("tqdm.auto")
    monkeypatch.setattr(tqdm, "tqdm", Bar)
    Bar.last = None
    x0, rows = problems(size)
    options = {"maxiter": 20, "compiled": compiled}
    plain = run(x0, rows, disp=False, **options)
    assert Bar.last is None
    identical(run(x0, rows, disp=True, **options), plain)
    assert Bar.last.total == size == sum(Bar.last.seen)
    assert Bar.last.closed
    assert size / 64 <= len(Bar.last.seen) <= size
    fun = fails if compiled else fails.py_func
    with pytest.raises(MineError):
        minimize_batch(fun, x0, (), np.ones(size, bool), options={"disp": True})
    assert Bar.last.closed
    assert sum(Bar.last.seen) == 0


@each_kind
def test_the_bar_itself(compiled, capsys):
    pytest.importorskip("tqdm")
    x0, rows = problems(CHUNK + 1)
    run(x0, rows, disp=True, maxiter=2, compiled=compiled)
    shown = capsys.readouterr()
    assert f"/{CHUNK + 1} [" in shown.err
    assert "exceeded" in shown.out  # the summary
    run(x0, rows, maxiter=2, compiled=compiled)
    assert capsys.readouterr() == ("", "")


@pytest.mark.fault(number=19)
@each_kind
def test_the_summary(compiled, capsys):
    """The lines of `minimize`, of all problems together."""
    x0, rows = problems(5)
    result = run(x0, rows, disp=True, maxiter=300, gtol=0.5, compiled=compiled)
    assert capsys.readouterr().out == (
        "5 of 5: Optimization terminated successfully.\n"
        f"         Lowest function value: {result.fun.min():f}\n"
        f"         Iterations: {result.nit.sum()}\n"
        f"         Function evaluations: {result.nfev.sum()}\n"
        f"         Gradient evaluations: {result.njev.sum()}\n"
    )
    no_room = Bounds(np.ones((2, 2)), np.zeros((2, 2)))
    run(x0[:2], tuple(row[:2] for row in rows), disp=True, compiled=compiled, bounds=no_room)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "2 of 2: The bounds hold no number.",
        "         Lowest function value: none",
    ]


@pytest.mark.fault(number=19)
def test_the_summary_of_many_starts(capsys):
    """One for the whole, which tells the minima too."""
    box = [(-1, 1)] * 2
    result = fastadam.multistart(bowl.py_func, box, 4, rng=0, options={"disp": True, "lr": 0.1})
    assert capsys.readouterr().out == (
        f"{result.message}\n"
        f"         Current function value: {result.fun:f}\n"
        f"         Iterations: {result.nit}\n"
        f"         Function evaluations: {result.nfev}\n"
        f"         Gradient evaluations: {result.njev}\n"
    )


NOTEBOOK = """
import sys, types

class ZMQInteractiveShell:
    pass

sys.modules["ipykernel.zmqshell"] = types.ModuleType("ipykernel.zmqshell")
ipython = sys.modules["IPython"] = types.ModuleType("IPython")
ipython.get_ipython = ZMQInteractiveShell
display = sys.modules["IPython.display"] = types.ModuleType("IPython.display")
display.display = display.HTML = None
sys.modules["ipywidgets"] = sys.modules["IPython.html"] = None
import warnings
warnings.simplefilter("always")

import fastadam, numpy as np
fun = lambda x: x[0] ** 2
fastadam.minimize_batch(fun, np.ones((3, 1)), options={"disp": True, "maxiter": 3})
fastadam.minimize(fun, [1.0], options={"disp": True, "maxiter": 3})
"""


@pytest.mark.fault(number=19)
def test_a_notebook_without_widgets():
    """The bar of text, and no warning of it."""
    pytest.importorskip("tqdm")
    child = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr
    assert "Warning" not in child.stderr, child.stderr
    assert "/3 [" in child.stderr
    assert child.stdout.count("Function evaluations") == 2

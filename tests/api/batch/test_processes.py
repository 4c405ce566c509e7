"""The processes of `minimize_batch(workers=2)`: how they end, and that none is ever left."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress

import numpy as np
import pytest

from fastadam import minimize_batch
from tests.api.batch.batches import identical

posix = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")


@pytest.fixture
def script(tmp_path):
    """Return what starts a script, in a process group of its own, which ends with the test."""
    children = []

    def start(text, *arguments):
        path = tmp_path / "main.py"
        path.write_text(textwrap.dedent(text))
        child = subprocess.Popen(
            [sys.executable, "-W", "error", str(path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.communicate()


def test_functions_of_a_script(script):
    """Lambdas, compiled closures, and exceptions of its own."""
    child = script("""
        import multiprocessing
        import numba, numpy as np
        from fastadam import minimize_batch

        class ScriptError(Exception):
            pass

        scale = 2.0

        def power(k):
            @numba.njit
            def fun(x, grad, y):
                if y > 5:
                    raise ScriptError("in the script", 7)
                grad[0] = scale * k * (x[0] - y) ** (k - 1)
                return scale * (x[0] - y) ** k
            return fun

        if __name__ == "__main__":
            x0, y = np.zeros((50, 1)), np.linspace(-1, 1, 50)
            square, options = power(2), {"maxiter": 20}
            fun = lambda x, y: square.py_func(x, np.zeros(1), y)
            alone = minimize_batch(fun, x0, (), y, options=options)
            result = minimize_batch(fun, x0, (), y, options=options, workers=2)
            assert np.array_equal(result.x, alone.x) and alone.nit.max() > 1
            try:
                minimize_batch(square, x0, (), 10 * y, jac="in-place", workers=2)
            except ScriptError as error:
                print(error.args, multiprocessing.active_children())
    """)
    out, err = child.communicate(timeout=120)
    assert (out, err, child.returncode) == ("('in the script', 7) []\n", "", 0)


def test_a_script_without_a_guard(script):
    child = script("""
        import numpy as np
        from fastadam import minimize_batch

        try:
            minimize_batch(lambda x: x[0] ** 2, np.ones((5, 1)), workers=2)
        except RuntimeError as error:
            print(error, flush=True)
            raise
    """)
    out, _ = child.communicate(timeout=120)
    assert 'the script has no `if __name__ == "__main__":`' in out.splitlines()[-1]
    assert child.returncode == 1


ENDLESS = """
    import multiprocessing, os, sys
    import numba, numpy as np
    from fastadam import minimize_batch

    def tell():
        os.write(1, b"at work\\n")  # in one piece: print may write the line's end by itself

    def slope(x, grad):
        if x[0] == 1.0:
            with numba.objmode:
                tell()
        grad[0] = 1.0
        return -x[0]

    if __name__ == "__main__":
        fun = numba.njit(slope) if sys.argv[1] == "compiled" else slope
        options = {"lr": 1e-9, "gtol": 0, "maxiter": 2 * 10**9}
        try:
            minimize_batch(fun, np.ones((9, 1)), jac="in-place", options=options, workers=2)
        except KeyboardInterrupt:
            print("interrupted", multiprocessing.active_children(), flush=True)
"""


def at_work(child):
    """Wait for both workers to be in the middle of a row, which has no end."""
    lines = [child.stdout.readline() for _ in range(2)]
    if lines != ["at work\n"] * 2:
        os.killpg(child.pid, signal.SIGKILL)  # or its pipes would not end
        raise AssertionError((lines, child.stderr.read()))


# Who reads the pipes to their ends waits for all processes that have them: all that were started.


@posix
@pytest.mark.parametrize("kind", ["compiled", "python"])
def test_ctrl_c(kind, script):
    """A terminal sends it to all processes."""
    child = script(ENDLESS, kind)
    at_work(child)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (out, err, child.returncode) == ("interrupted []\n", "", 0)


def test_ctrl_c_is_not_for_workers():
    def fun(x, parent):
        if os.getpid() != parent:
            signal.raise_signal(signal.SIGINT)
        return x[0] ** 2

    given = fun, np.ones((5, 1)), (os.getpid(),)
    identical(minimize_batch(*given, workers=2), minimize_batch(*given))


@posix
def test_ctrl_c_while_processes_start(script):
    child = script(
        """
        import multiprocessing, os, signal, threading
        import numpy as np
        from fastadam import minimize_batch

        def ctrl_c():
            os.killpg(0, signal.SIGINT)

        def start(self):
            original(self)
            ctrl_c()

        if __name__ == "__main__":
            kind = multiprocessing.get_context("spawn").Process
            original, kind.start = kind.start, start
            try:
                minimize_batch(lambda x: x[0] ** 2, np.ones((9, 1)), workers=2)
            except KeyboardInterrupt:
                print("interrupted", multiprocessing.active_children(), flush=True)
    """,
    )
    out, err = child.communicate(timeout=60)
    assert (out, err, child.returncode) == ("interrupted []\n", "", 0)


@posix
def test_workers_end_with_their_parent(script):
    child = script(ENDLESS, "python")
    at_work(child)
    child.kill()
    child.communicate(timeout=60)


@posix
def test_a_worker_that_is_killed():
    def fun(x, parent, fatal):
        if fatal and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return x[0] ** 2

    before = multiprocessing.active_children()
    with pytest.raises(RuntimeError, match="a worker process has ended, with exit code -9"):
        minimize_batch(fun, np.ones((5, 1)), (os.getpid(),), np.arange(5) == 3, workers=2)
    assert multiprocessing.active_children() == before

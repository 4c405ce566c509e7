"""Compiled loops can be interrupted, and leave time for others."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.api.minimize.compiled import FORMS, X0, each_form, rosen, run
from tests.api.minimize.helpers import FOREVER


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")
@pytest.mark.parametrize("form", ["in-place", "callable", "3-point"])
def test_ctrl_c_interrupts_a_compiled_loop(form):
    (fun, jac), _ = FORMS[form]
    x0 = X0.copy()
    run(fun, jac, lr=0.01, maxiter=2)  # Numba itself does not take an interruption well
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            # If nobody comes, it ends by itself, without the exception.
            run(fun, jac, x0=x0, lr=1e-9, gtol=0, maxiter=FOREVER, max_seconds=20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    np.testing.assert_array_equal(x0, X0)
    assert run(fun, jac, lr=0.01, maxiter=5).nit == 5  # all is well afterwards


def test_a_real_sigint():
    run(lr=0.01, maxiter=2)
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(lr=1e-9, gtol=0, maxiter=FOREVER, max_seconds=20)
    timer.join()


@each_form
def test_max_seconds(form):
    (fun, jac), _ = FORMS[form]
    result = run(fun, jac, lr=1e-9, gtol=0, maxiter=FOREVER, max_seconds=0.05)
    assert (result.status, result.message) == (1, "Maximum time has been exceeded.")
    assert 0 < result.nit < FOREVER
    assert result.fun == rosen(result.x) <= rosen(X0)


def test_other_threads_run_meanwhile():
    seen = []
    run(lr=0.01, maxiter=2)
    timer = threading.Timer(0.05, seen.append, [True])
    timer.start()
    run(lr=1e-9, gtol=0, maxiter=FOREVER, callback=None, max_seconds=0.5)
    assert seen
    timer.join()


def test_searches_in_several_threads():
    starts = [X0 + 0.1 * k for k in range(8)]
    alone = [run(x0=x0, lr=0.01, maxiter=5000).x for x0 in starts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda x0: run(x0=x0, lr=0.01, maxiter=5000).x, starts))
    np.testing.assert_array_equal(together, alone)

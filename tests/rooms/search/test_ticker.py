"""The thread that has compiled loops come back to Python."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastadam._search import runs, ticker
from tests.api.minimize.compiled import run
from tests.api.minimize.helpers import FOREVER


def test_a_compiled_loop_comes_back_often(monkeypatch):
    """Some 50 times a second, whatever an iteration takes; but not more."""
    turns, loop = [], runs.CompiledRun.run

    def recording(self, iterations):
        turns.append(iterations)
        return loop(self, iterations)

    monkeypatch.setattr(runs.CompiledRun, "run", recording)
    run(lr=1e-9, gtol=0, maxiter=FOREVER, max_seconds=0.3)
    assert 2 <= len(turns) <= 20  # and one to have the last point judged


@pytest.mark.fault(number=4)
def test_the_thread_that_has_them_come_back_is_one_and_sleeps():
    """It is there for good, and searches that end at once do not wake it each time."""
    for _ in range(3):
        run(lr=0.01, maxiter=2)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: run(lr=0.01, maxiter=2), range(8)))
    assert sum(each.name == "fastadam ticker" for each in threading.enumerate()) == 1
    assert not ticker.ticker._searches

"""Which loop runs, and that the parallel one runs only where it is safe."""

import multiprocessing
import threading

import numba
import numpy as np
import pytest

import fastadam
from fastadam._cpu import threads
from tests.processes import run_python

SIZE = 50_000


class Machine:
    """Two loops whose times are set by a test, on a clock that stands still otherwise."""

    def __init__(self, monkeypatch, serial, parallel, size=100_000):
        self.seconds = {"serial": serial, "parallel": parallel}
        self.now = 0.0
        self.ran = []
        self._array = np.empty(size, np.float32)
        monkeypatch.setattr(threads, "perf_counter", lambda: self.now)
        self.serial = self._loop("serial")
        self.choices = threads.KernelChoices(None)
        self.choose(lambda: self._loop("parallel"))

    def choose(self, load_parallel):
        choice = threads.TimedChoice(load_parallel)
        self.choices._choices[None] = self.choices._by_place[0] = choice

    def _loop(self, name):
        def loop(array):
            self.ran.append(name)
            self.now += self.seconds[name]

        return loop

    def steps(self, count):
        """Take steps; return how many of them ran in parallel, and the seconds of all."""
        self.ran.clear()
        before = self.now
        for _ in range(count):
            self.choices.run([(self.serial, self._array)])
        return self.ran.count("parallel"), self.now - before


def test_the_parallel_loop_is_taken_where_it_is_faster(monkeypatch):
    machine = Machine(monkeypatch, serial=40e-6, parallel=20e-6)
    machine.steps(10)
    parallel, seconds = machine.steps(1000)
    assert parallel > 950
    assert seconds < 1.05 * 1000 * 20e-6


def test_the_serial_loop_is_taken_where_it_is_faster(monkeypatch):
    machine = Machine(monkeypatch, serial=67e-6, parallel=1425e-6)
    parallel, seconds = machine.steps(3000)
    assert 2 <= parallel <= 8  # it goes on trying, ever more seldom
    assert seconds < 1.1 * 3000 * 67e-6
    _, seconds = machine.steps(30_000)
    assert seconds < 1.03 * 30_000 * 67e-6


def test_a_slow_trial_is_broken_off(monkeypatch):
    machine = Machine(monkeypatch, serial=90e-6, parallel=6.6e-3)
    parallel, _ = machine.steps(50)
    assert parallel == 1


def test_a_large_array_right_after_matmul(monkeypatch):
    machine = Machine(monkeypatch, serial=16.5e-3, parallel=21.7e-3)
    machine.steps(5)
    _, seconds = machine.steps(200)
    assert seconds < 1.05 * 200 * 16.5e-3


def test_it_follows_a_change_in_either_direction(monkeypatch):
    machine = Machine(monkeypatch, serial=40e-6, parallel=20e-6)
    machine.steps(100)
    machine.seconds = {"serial": 67e-6, "parallel": 1425e-6}
    machine.steps(3)
    parallel, _ = machine.steps(500)
    assert parallel <= 1
    machine.seconds = {"serial": 40e-6, "parallel": 20e-6}
    machine.steps(3000)
    parallel, _ = machine.steps(500)
    assert parallel > 450


def test_one_hiccup_does_not_change_the_loop(monkeypatch):
    machine = Machine(monkeypatch, serial=40e-6, parallel=20e-6)
    machine.steps(20)
    machine.seconds["parallel"] = 300e-6
    machine.steps(1)
    machine.seconds["parallel"] = 20e-6
    parallel, _ = machine.steps(20)
    assert parallel == 20


def test_without_a_threading_layer_the_serial_loop_goes_on(monkeypatch):
    """As with ``NUMBA_THREADING_LAYER=tbb`` where TBB is not installed."""
    machine = Machine(monkeypatch, serial=40e-6, parallel=20e-6)

    def fail():
        raise ValueError("No threading layer could be loaded.")

    machine.choose(fail)
    with pytest.warns(RuntimeWarning, match="not taken in parallel: No threading layer"):
        parallel, _ = machine.steps(10)
    assert (parallel, machine.ran.count("serial")) == (0, 10)
    assert machine.steps(500)[0] == 0  # and does not warn again


def test_both_loops_of_an_optimiser_run_and_agree():
    numba_threads = numba.config.NUMBA_NUM_THREADS
    if numba_threads == 1:
        pytest.skip("Numba has one thread here")
    results = []
    for count in (None, 1, 2, numba_threads):
        p = np.linspace(-1, 1, SIZE, dtype=np.float32)
        optimizer = fastadam.Adam(p, threads=count)
        for _ in range(12):
            optimizer.step(p.copy())
        results.append(p.tobytes())
    assert len(set(results)) == 1


def test_small_arrays_and_one_thread_are_serial(monkeypatch):
    def refuse(*_):
        raise AssertionError("ran in parallel")

    monkeypatch.setattr(threads, "run_parallel", refuse)
    for size, count in ((1_000, None), (SIZE, 1)):
        p = np.ones(size)
        optimizer = fastadam.Adam(p, threads=count)
        for _ in range(9):
            optimizer.step(p)
        assert optimizer.step_count == 9


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS == 1, reason="Numba has one thread here")
def test_the_number_of_threads_is_set_and_put_back():
    before = numba.get_num_threads()
    seen = []
    assert threads.run_parallel(lambda: seen.append(numba.get_num_threads()), (), 1)

    def fail():
        seen.append(numba.get_num_threads())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        threads.run_parallel(fail, (), 2)
    assert seen == [1, 2]
    assert numba.get_num_threads() == before
    assert not threads._lock.locked()


def test_a_second_thread_does_not_wait_for_the_parallel_loop():
    inside, leave = threading.Event(), threading.Event()

    def hold():
        inside.set()
        assert leave.wait(60)

    thread = threading.Thread(target=threads.run_parallel, args=(hold, ()))
    thread.start()
    assert inside.wait(60)
    assert not threads.run_parallel(lambda: None, ())
    p = np.ones(SIZE)
    optimizer = fastadam.Adam(p)
    for _ in range(9):
        optimizer.step(np.ones(SIZE))
    leave.set()
    thread.join()
    np.testing.assert_allclose(p, 1 - 9e-3)


MANY_THREADS = """
import threading, warnings
import numpy as np
import fastadam
warnings.simplefilter("error")

def train(results, i, threads):
    p = np.linspace(-1, 1, 50_000)
    optimizer = fastadam.Adam(p, lr=0.01, threads=threads)
    for _ in range(40):
        optimizer.step(2 * p)
    results[i] = p.tobytes()

results = [None] * 6
workers = [
    threading.Thread(target=train, args=(results, i, (None, 1, 2)[i % 3])) for i in range(6)
]
for worker in workers: worker.start()
for worker in workers: worker.join()
assert None not in results
print(len(set(results)))
"""


@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_several_python_threads_at_once(layer):
    """The workqueue layer aborts the process if two threads run parallel code at once."""
    environment = {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"}
    assert run_python(MANY_THREADS, **environment) == "1"


def step_in_child(count):
    """Take steps in a child process; return the result."""
    p = np.ones(SIZE)
    optimizer = fastadam.Adam(p, threads=count)
    for _ in range(9):
        optimizer.step(np.ones(SIZE))
    return p[0]


FORK = """
import multiprocessing
import numpy as np
import fastadam
from tests.rooms.cpu.test_threads import step_in_child

parent = step_in_child(2)  # parallel code has run before the fork
with multiprocessing.get_context("fork").Pool(2) as pool:
    children = pool.map(step_in_child, [None, 1, 2])
assert children == [parent] * 3, children
print("ok")
"""


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork"
)
def test_forked_children_of_a_parent_that_ran_in_parallel():
    """On GNU OpenMP such a child dies or hangs in its first parallel region."""
    environment = {"NUMBA_NUM_THREADS": "2", "PYTHONPATH": "."}
    assert run_python(FORK, **environment) == "ok"


@pytest.fixture
def loops(monkeypatch):
    """What makes loops by name that take so many seconds, and the names of those that ran."""
    now, ran = [0.0], []
    monkeypatch.setattr(threads, "perf_counter", lambda: now[0])

    def make(name, seconds):
        def loop():
            ran.append(name)
            now[0] += seconds

        return loop

    return make, ran


def test_calls_of_several_kinds_each_have_their_own_time(loops):
    """Such as the norms of gradients, before the steps: a time of another call is no time."""
    make, ran = loops
    choices = threads.KernelChoices(None)
    choices.add(2, lambda: make("step, parallel", 20e-6), SIZE, "step")
    choices.add(0, lambda: make("norm, parallel", 1e-3), SIZE, "norm")
    calls = [(make("norm", 60e-6),), (make("clip", 5e-3),), (make("step", 40e-6),)]
    for _ in range(20):
        choices.run(calls)
    ran.clear()
    choices.run(calls)
    assert ran == ["norm", "clip", "step, parallel"]


def test_calls_that_are_joined_choose_by_the_time_of_both(loops):
    make, ran = loops
    choices = threads.KernelChoices(None)
    choices.add(1, lambda: make("step, parallel", 4e-3), SIZE, "step")
    choices.join(0, lambda: make("norm, parallel", 2e-3), 1)  # it waits for the cores
    calls = [(make("norm", 1e-3),), (make("step", 8e-3),)]
    for _ in range(20):
        choices.run(calls)
    ran.clear()
    choices.run(calls)
    assert ran == ["norm, parallel", "step, parallel"]
    small = threads.KernelChoices(None)
    small.add(1, lambda: None, 10, "step")
    small.join(0, lambda: None, 1)
    ran.clear()
    small.run(calls)
    assert ran == ["norm", "step"]

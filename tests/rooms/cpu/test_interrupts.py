"""Ctrl-C, and other signals whose handlers raise: before something is changed or after it."""

import signal

import numpy as np
import pytest

import fastadam
from tests.processes import run_python

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="the system has no timer that sends signals"
)

HAMMER = """
import signal
import numpy as np
import fastadam
from fastadam._cpu import threads

rng = np.random.default_rng(0)
kinds = iter([KeyboardInterrupt, TimeoutError] * 10_000)

def stop(number, frame):
    raise next(kinds)

signal.signal(signal.SIGALRM, stop)

def interrupt(work, check, times=100):
    for _ in range(12):
        work()  # both loops are loaded after that
    for _ in range(times):
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(5e-5, 2e-3))
            while True:
                work()
        except (KeyboardInterrupt, TimeoutError):
            check()
    assert not threads._lock.locked()
"""

STEPS = """
def arrays(value):
    # Some too large for the serial loop alone, some that go through a working copy.
    sizes = [5] * 200 + [10_000] * 2
    return [np.full((size, 3), value)[:, : 2 + (i % 7 > 0)] for i, size in enumerate(sizes)]

def check():
    # The step is 1 downhill: each array has counted the steps.
    assert {value for p in params for value in (p[0, 0], p[-1, -1])} == {-optimizer.step_count}

for count in (None, 2):
    params, grads = arrays(0.0), arrays(1.0)
    optimizer = fastadam.SGD(params, lr=1.0, threads=count)
    interrupt(lambda: optimizer.step(grads), check)
print("whole")
"""

STATE = """
def make():
    params = [np.ones(3) for _ in range(200)]
    groups = [{"params": params[:100]}, {"params": params[100:], "weight_decay": 0.1}]
    return params, fastadam.NAdam(groups, lr=0.01)

def step(params, optimizer):
    optimizer.step([params[:100], params[100:]])

def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)

params, optimizer = make()
interrupt(lambda: step(params, optimizer), lambda: None)
plain_params, plain = make()
while plain.step_count < optimizer.step_count:
    step(plain_params, plain)
assert same(plain.state_dict(), optimizer.state_dict())
np.testing.assert_array_equal(params, plain_params)

optimizer.lr = 0.5
step(params, optimizer)
states = [plain.state_dict(), optimizer.state_dict()]
turns = iter(range(10**9))
interrupt(
    lambda: optimizer.load_state_dict(states[next(turns) % 2]),
    lambda: sum(same(state, optimizer.state_dict()) for state in states) == 1 or 1 / 0,
)
rates = [0.25, 0.75]
interrupt(
    lambda: setattr(optimizer, "lr", rates[next(turns) % 2]),
    lambda: rates.index(optimizer.lr),
)
print("whole")
"""

MODES = """
params = [np.ones(3) for _ in range(200)]
optimizer = fastadam.ScheduleFreeAdamW(params, lr=0.5)
for k in range(5):
    optimizer.step(params)
y = params[0].copy()
optimizer.eval()
x = params[0].copy()
assert x[0] != y[0]
turns = iter(range(10**9))

def check():
    values = {each[0] for each in params}
    assert values == ({y[0]} if optimizer._trained is None else {x[0]})

interrupt(lambda: optimizer.eval() if next(turns) % 2 else optimizer.train(), check)
print("whole")
"""


@pytest.mark.fault(number=30)
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(STEPS, id="steps"),
        pytest.param(STATE, id="state"),
        pytest.param(MODES, id="modes", marks=pytest.mark.slow),
    ],
)
def test_an_interrupt_comes_before_a_change_or_after_it(script):
    """Of 300 interrupts in steps of 200 arrays 228 once left some stepped and others not."""
    assert run_python(HAMMER + script, PYTHONPATH=".", NUMBA_NUM_THREADS="2") == "whole"


READ_ONLY_LAYOUTS = {
    "contiguous": lambda: np.ones((2, 3)),
    "transposed": lambda: np.ones((3, 2)).T,
    "strided": lambda: np.ones((2, 6))[:, ::2],
}


@pytest.mark.fault(number=30)
@pytest.mark.parametrize("layout", READ_ONLY_LAYOUTS)
def test_parameters_that_became_read_only_are_left_alone(layout, snapshot):
    params = {"a": np.ones(4), "b": READ_ONLY_LAYOUTS[layout]()}
    grads = {name: np.ones(array.shape) for name, array in params.items()}
    optimizer = fastadam.Adam(params)
    optimizer.step(grads)
    params["b"].flags.writeable = False
    before = snapshot(optimizer, list(params.values()))
    with pytest.raises(ValueError, match=r"params\['b'\] is read-only"):
        optimizer.step(grads)
    before.assert_unchanged()
    params["b"].flags.writeable = True
    optimizer.step(grads)
    assert optimizer.step_count == 2

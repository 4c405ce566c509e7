"""The GPU's clock and the host's, and the rounds."""

import gc

import pytest

from benchmarks.cuda.timing import (
    DeviceEffort,
    complete_clock,
    enqueue_clock,
    event_clock,
    interleave_on_device,
)


class Machine:
    """A GPU with a queue: asking for a call takes the host 1 s, the call takes the GPU 10 s."""

    def __init__(self):
        self.host = self.done = 0.0
        self.calls = 0

    def call(self):
        self.calls += 1
        self.host += 1.0
        self.done = max(self.done, self.host) + 10.0

    def synchronize(self):
        self.host = max(self.host, self.done)

    def event(self):
        return Event(self)


class Event:
    def __init__(self, machine):
        self.machine = machine

    def record(self):
        self.time = max(self.machine.host, self.machine.done)

    def synchronize(self):
        self.machine.host = max(self.machine.host, self.time)

    def elapsed_time(self, end):
        assert self.machine.host >= end.time  # else it has not happened
        return 1e3 * (end.time - self.time)


def test_the_gpus_clock_tells_its_own_time():
    machine = Machine()
    machine.call()  # the GPU is busy while the rest is asked for
    assert event_clock(machine.event)(machine.call, 5) == pytest.approx(10.0)


def test_the_hosts_clock_tells_what_asking_takes():
    machine = Machine()
    machine.call()
    clock = enqueue_clock(machine.synchronize, lambda: machine.host)
    assert clock(machine.call, 5) == pytest.approx(1.0)
    assert machine.host == machine.done  # nothing is left to do
    # Waiting is not asking.
    assert clock(machine.synchronize, 5) == 0.0


def test_the_hosts_clock_waits_until_all_is_done():
    machine = Machine()
    machine.call()
    clock = complete_clock(machine.synchronize, lambda: machine.host)
    assert clock(machine.call, 5) == pytest.approx((1.0 + 5 * 10.0) / 5)


def test_rounds_and_calls():
    one, other = Machine(), Machine()
    began = []

    def clock(call, count):
        began.append((call.__self__, call.__self__.calls, count))
        return event_clock(call.__self__.event)(call, count)

    effort = DeviceEffort(rounds=6, samples=2, least=35.0, most=9, settle=3)
    records = interleave_on_device({"one": one.call, "other": other.call}, clock, effort)
    assert gc.isenabled()
    assert [records[name].calls for name in ("one", "other")] == [one.calls, other.calls]
    assert one.calls == 3 * (3 + 1) + 6 * 2 * (3 + 4)
    assert records["one"].summary.n == 12
    assert records["one"].rounds.keys() == records["other"].rounds.keys() == set(range(6))
    assert records["one"].summary.median == pytest.approx(10.0)
    timed = [(machine, count) for machine, _, count in began][6:]
    assert {count for _, count in timed} == {4}
    order = [machine is one for machine, _ in timed][::2]
    assert len(set(zip(order[::2], order[1::2], strict=True))) == 2  # not always the same first


def test_a_sample_has_at_most_so_many_calls():
    machine = Machine()
    effort = DeviceEffort(rounds=1, samples=1, least=1e9, most=7, settle=1)
    interleave_on_device({"": machine.call}, event_clock(machine.event), effort, warmup=1)
    assert machine.calls == 2 + 8


def test_the_collector_comes_back_after_an_error():
    def fail():
        raise ValueError

    effort = DeviceEffort(rounds=1, samples=1, least=0.0, most=1, settle=1)
    with pytest.raises(ValueError, match=r"^$"):
        interleave_on_device({"": fail}, event_clock(Machine().event), effort)
    assert gc.isenabled()

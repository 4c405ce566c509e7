import gc
from dataclasses import replace
from functools import partial

import pytest

from benchmarks.harness import timing
from benchmarks.harness.timing import Effort, Record, Summary, interleave, pairwise, ratio_of_means


class Clock:
    """Stands still unless told otherwise."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def call_taking(self, *seconds):
        """Return a call that takes the given times in turn, the last one for ever."""
        times = list(seconds)

        def call():
            self.now += times.pop(0) if len(times) > 1 else times[0]

        return call


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", clock)
    return clock


def record(*rounds):
    return Record({i: list(samples) for i, samples in enumerate(rounds) if samples})


def test_summary_of_known_values():
    summary = Summary.of([4.0, 1.0, 2.0, 3.0, 10.0])
    assert summary == Summary(median=3.0, q1=2.0, q3=4.0, min=1.0, mean=4.0, n=5)


@pytest.mark.fault(number=22)
def test_few_values_have_no_quartiles():
    summary = Summary(median=7.0, q1=None, q3=None, min=7.0, mean=7.0, n=1)
    assert Summary.of([7.0]) == summary
    assert summary.quartiles is None
    assert Summary.of([1.0, 2.0, 3.0, 4.0]).quartiles is None
    assert Summary.of([1.0, 2.0, 3.0, 4.0, 5.0]).quartiles == (2.0, 4.0)


@pytest.mark.fault(number=22)
def test_resamples_of_few_values_have_none():
    spread = Summary.of(range(100))
    assert spread.around(3.0, 4).quartiles is None
    assert spread.around(3.0, 5) == replace(spread, median=3.0, n=5)


def test_pairwise_ratio_cancels_drift():
    ours = record([1.0], [10.0], [100.0])
    theirs = record([2.0], [20.0], [200.0])
    ratio = pairwise(ours, theirs)
    assert (ratio.median, ratio.min, ratio.n) == (0.5, 0.5, 3)


def test_pairwise_takes_the_median_within_a_round():
    assert pairwise(record([3.0, 1.0, 50.0]), record([1.0, 2.0, 0.0])).median == 3.0


def test_pairwise_uses_common_rounds_only():
    ratio = pairwise(record([1.0], [1.0], [1.0]), record([2.0], [], [4.0]))
    assert (ratio.n, ratio.min, ratio.median) == (2, 0.25, 0.375)


def test_pairwise_without_a_common_round():
    with pytest.raises(ValueError, match="no round in common"):
        pairwise(record([1.0], []), record([], [1.0]))


def test_ratio_of_means_sees_what_medians_hide():
    ours = record(*[[1.0] * 9 + [11.0]] * 6)
    theirs = record(*[[1.0] * 10] * 6)
    assert pairwise(ours, theirs).median == 1.0
    assert ratio_of_means(ours, theirs).median == 2.0


def test_interleave_measures_and_counts(clock):
    called = dict.fromkeys("abc", 0)
    times = {"a": 1e-5, "b": 2e-3, "c": 1.0}

    def caller(name):
        def call():
            called[name] += 1
            clock.now += times[name]

        return call

    records = interleave({name: caller(name) for name in "abc"}, Effort(8, 2, 100.0))
    assert called == {name: record.calls for name, record in records.items()}
    for name, seconds in times.items():
        assert records[name].summary.median == pytest.approx(seconds)
    assert [len(samples) for samples in records["a"].rounds.values()] == [2] * 8
    # A call of a second is sampled once a round, without any to settle: 3 to warm up, 8 rounds.
    assert called["c"] == 11
    # Calls of 10 us are repeated to fill 1 ms.
    assert called["a"] >= 8 * 2 * 100


def test_without_warming_up_each_sample_is_one_call(clock):
    record = interleave({"a": clock.call_taking(1e-5)}, Effort(5, 1, 0.0), warmup=0)["a"]
    assert (record.calls, len(record.rounds), record.summary.median) == (5, 5, pytest.approx(1e-5))


def test_slow_contender_takes_part_in_few_rounds(clock):
    calls = {"fast": clock.call_taking(1e-3), "slow": clock.call_taking(10.0)}
    records = interleave(calls, Effort(32, 1, 1.0))
    assert list(records["fast"].rounds) == list(range(32))
    assert list(records["slow"].rounds) == list(range(0, 32, 4))
    assert len(records["slow"].rounds) >= timing.MIN_ROUNDS
    assert pairwise(records["fast"], records["slow"]).n == 8


def test_preparation_comes_before_each_call_and_is_not_timed(clock):
    events = []

    def prepare(name):
        events.append(("prepare", name))
        clock.now += 100.0

    def caller(name):
        def call():
            events.append(("call", name))
            clock.now += 1e-6

        return call

    records = interleave({n: caller(n) for n in "ab"}, Effort(5, 3, 1.0), prepare=prepare)
    assert events[0::2] == [("prepare", name) for _, name in events[1::2]]
    assert {kind for kind, _ in events[1::2]} == {"call"}
    assert records["a"].summary.median == pytest.approx(1e-6, rel=1e-3)


def test_order_of_contenders_changes(clock):
    seen = []

    def call(name):
        seen.append(name)
        clock.now += 1.0

    interleave({name: partial(call, name) for name in "abc"}, Effort(16, 1, 1e9))
    rounds = ["".join(seen[i : i + 3]) for i in range(9, len(seen), 3)]
    assert all(sorted(round_) == list("abc") for round_ in rounds)
    assert len(set(rounds)) > 2


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_collector_is_left_as_found(clock, collecting):
    def fail():
        assert not gc.isenabled()
        raise RuntimeError

    before = gc.isenabled()
    try:
        (gc.enable if collecting else gc.disable)()
        with pytest.raises(RuntimeError):
            interleave({"a": fail}, Effort(5, 1, 1.0))
        assert gc.isenabled() == collecting
    finally:
        (gc.enable if before else gc.disable)()

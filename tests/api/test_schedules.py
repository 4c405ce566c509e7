"""Learning-rate schedules; their values stand in their doctests."""

import pickle

import numpy as np
import pytest

import fastadam
from fastadam import schedules
from tests.api.optimizers.refused import NAN, assert_refused

EVERY = [
    schedules.Linear(0.5, 0.1, 10),
    schedules.Cosine(0.5, 10, last=0.05),
    schedules.Exponential(0.5, 0.9),
    schedules.Piecewise(0.5, {4: 0.1, 8: 0.01}),
    schedules.Warmup(3, then=0.5),
    schedules.Warmup(3, then=schedules.Cosine(0.5, 7)),
]


@pytest.mark.parametrize("schedule", EVERY, ids=repr)
def test_a_schedule_drives_an_optimiser(schedule):
    p, q = np.ones(2), np.ones(2)
    optimizer, manual = fastadam.SGD(p, lr=schedule), fastadam.SGD(q)
    for step in range(1, 13):
        optimizer.step(p.copy())
        manual.lr = schedule(step)
        manual.step(q.copy())
        assert isinstance(schedule(step), float)
        assert 0.0 <= schedule(step) <= 0.5
    assert p.tobytes() == q.tobytes()
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_schedules_of_one_step():
    assert schedules.Linear(0.5, 0.1, 1)(1) == pytest.approx(0.1)
    assert schedules.Cosine(0.5, 1)(1) == 0.0
    assert schedules.Warmup(1, then=0.5)(1) == 0.5


def test_piecewise_changes_may_come_in_any_order():
    schedule = schedules.Piecewise(1.0, {8: 0.1, 4: 0.5})
    assert [schedule(step) for step in (3, 4, 7, 8, 9)] == [1.0, 0.5, 0.5, 0.1, 0.1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda s: s.Linear(-1.0, 0.1, 5), ["first", "-1.0"]),
        (lambda s: s.Linear(1.0, NAN, 5), ["last", "nan"]),
        (lambda s: s.Cosine(1.0, 0), ["steps", "0"]),
        (lambda s: s.Cosine(1.0, 2.5), ["steps", "2.5"]),
        (lambda s: s.Exponential(1.0, -0.5), ["factor", "-0.5"]),
        (lambda s: s.Piecewise(1.0, [1]), ["changes", "[1]"]),
        (lambda s: s.Piecewise(1.0, {0: 0.1}), ["changes", "0"]),
        (lambda s: s.Piecewise(1.0, {5: -0.1}), ["changes[5]", "-0.1"]),
        (lambda s: s.Warmup(0, 0.1), ["steps", "0"]),
        (lambda s: s.Warmup(3, "fast"), ["then", "'fast'"]),
    ],
)
def test_schedules(make, words):
    assert_refused(words, lambda: make(fastadam.schedules))

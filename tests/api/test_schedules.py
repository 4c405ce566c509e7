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
    schedules.Polynomial(0.5, 10, power=0.5),
    schedules.Step(0.5, every=3),
    schedules.MultiStep(0.5, after=[2, 2, 7], factor=0.5),
    schedules.InverseSquareRoot(0.5, steps=3),
    schedules.CosineRestarts(0.5, steps=3, growth=2, last=0.1),
    schedules.OneCycle(0.5, steps=10),
    schedules.OneCycle(0.5, steps=10, shape="linear", three_phases=True),
    schedules.ReduceOnPlateau(0.5),
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
    assert schedules.OneCycle(0.5, 1)(1) == pytest.approx(0.5 / 25.0 / 1e4)
    assert schedules.CosineRestarts(0.5, 1)(1) == schedules.CosineRestarts(0.5, 1)(9) == 0.5


def test_the_last_rate_stays():
    for schedule in (schedules.OneCycle(0.5, 10), schedules.Polynomial(0.5, 9)):
        assert schedule(10) == schedule(11) == schedule(10**9) < 1e-5


def test_restarts_far_away():
    """Their cycle is found without counting all before it."""
    assert schedules.CosineRestarts(0.5, steps=3)(3 * 10**15 + 1) == 0.5
    assert schedules.CosineRestarts(0.5, steps=3, growth=2)(3 * (2**40 - 1) + 1) == 0.5


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_plateau_lowers_the_rate_of_an_optimiser(mode):
    schedule = schedules.ReduceOnPlateau(0.5, mode=mode, factor=0.5, patience=2)
    p = np.ones(1)
    optimizer, steps = fastadam.SGD(p, lr=schedule), []
    best = 0.5 if mode == "min" else 2.0
    for metric in (1.0, 1.0, np.nan, 1.0, best, 1.0, 1.0, 1.0):
        before = p.copy()
        optimizer.step(np.ones(1))
        steps.append(float((before - p)[0]))
        schedule.report(metric)
    assert steps == [0.5] * 4 + [0.25] * 4
    assert schedule.best == best
    copy = pickle.loads(pickle.dumps(schedule))
    assert copy == schedule
    copy.report(1.0)
    assert copy != schedule


@pytest.mark.parametrize("metric", ["low", None, True, 1j])
def test_a_metric_that_is_no_number_changes_nothing(metric):
    schedule = schedules.ReduceOnPlateau(0.5)
    before = repr(schedule)
    assert_refused(["metric"], lambda: schedule.report(metric))
    assert repr(schedule) == before


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
        (lambda s: s.Polynomial(1.0, 5, -1.0), ["power", "-1.0"]),
        (lambda s: s.Step(1.0, 0), ["every", "0"]),
        (lambda s: s.MultiStep(1.0, 3), ["after", "3"]),
        (lambda s: s.MultiStep(1.0, [2, 1.5]), ["after", "1.5"]),
        (lambda s: s.InverseSquareRoot(1.0, 0), ["steps", "0"]),
        (lambda s: s.CosineRestarts(1.0, 3, 0), ["growth", "0"]),
        (lambda s: s.OneCycle(1.0, 3, rise=1.5), ["rise", "1.5"]),
        (lambda s: s.OneCycle(1.0, 3, shape="sin"), ["shape", "'sin'"]),
        (lambda s: s.OneCycle(1.0, 3, end_divisor=0.0), ["end_divisor", "0.0"]),
        (lambda s: s.ReduceOnPlateau(1.0, mode="up"), ["mode", "'up'"]),
        (lambda s: s.ReduceOnPlateau(1.0, factor=1.0), ["factor", "1.0"]),
        (lambda s: s.ReduceOnPlateau(1.0, patience=-1), ["patience", "-1"]),
        (lambda s: s.Warmup(0, 0.1), ["steps", "0"]),
        (lambda s: s.Warmup(3, "fast"), ["then", "'fast'"]),
    ],
)
def test_schedules(make, words):
    assert_refused(words, lambda: make(fastadam.schedules))

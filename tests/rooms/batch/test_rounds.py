"""A batch in rounds: their sizes, what they know, and their time."""

import importlib

import numpy as np
import pytest

import fastadam
from fastadam._batch import minima, rounds
from fastadam._batch.workers import pools


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11.0) ** 2 + (x[0] + x[1] ** 2 - 7.0) ** 2


def multistart(n_starts, **options):
    return fastadam.multistart(himmelblau, [(-5, 5)] * 2, n_starts, rng=0, options=options)


@pytest.fixture
def seen(monkeypatch):
    """Return the rounds that are made."""
    module, made = importlib.import_module("fastadam._batch.solving"), []

    def recording(*arguments):
        for each in rounds.split_rounds(*arguments):
            made.append(each)
            yield each

    monkeypatch.setattr(module, "split_rounds", recording)
    return made


@pytest.mark.parametrize(("n", "sizes"), [(1, [1]), (8, [8]), (9, [8, 1]), (60, [8, 32, 20])])
def test_sizes(seen, n, sizes):
    multistart(n, maxiter=0)
    assert [len(each.problems) for each in seen] == sizes


def test_only_searches_that_can_end_sooner_are_in_rounds(seen):
    multistart(20, maxiter=1, lr=0.1)
    fastadam.minimize_batch(himmelblau, np.zeros((20, 2)), options={"maxiter": 1})
    assert [len(each.problems) for each in seen] == [20, 20]


def test_a_round_knows_the_minima_of_all_before(seen):
    result = multistart(60)
    known = [each.problems.known for each in seen]
    assert len(known[0].values) == 0 < len(known[1].values) <= len(known[2].values) <= 4
    for each, size in zip(known[1:], (8, 40), strict=True):
        np.testing.assert_array_equal(each.tolerance, [1e-2, 1e-2])
        before = result.solutions.x[:size].tolist()
        assert all(point in before for point in each.points.tolist())


def test_the_most_frequent_are_known(seen, monkeypatch):
    monkeypatch.setattr(minima, "MOST_KNOWN", 1)
    multistart(60)
    solutions = seen[0].solutions
    leaders, counts = minima.find_minima(
        fastadam._batch.results.make_batch_result(solutions), np.full(2, 1e-2)
    )
    frequent = solutions.x[leaders[np.argmax(counts)]]
    np.testing.assert_array_equal(seen[1].problems.known.points, [frequent])


def test_the_rounds_share_the_time(monkeypatch):
    given = []

    class Deadline(pools.Deadline):
        spent = 10.0

        def __init__(self, seconds):
            given.append(seconds)
            super().__init__(seconds)

    monkeypatch.setattr(pools, "Deadline", Deadline)
    result = multistart(60, max_seconds=15.0)
    assert given == [15.0, 5.0, -5.0]
    assert result.solutions.success[:40].all()
    assert (result.solutions.status[40:] == 1).all()

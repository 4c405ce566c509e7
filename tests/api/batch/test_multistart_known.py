"""`fastadam.multistart`: starts that come down to a minimum that was found before."""

from functools import partial

import numpy as np
import pytest

from fastadam import minimize_batch
from tests.api.batch.multistarts import (
    BOX,
    HIMMELBLAU,
    assert_same,
    himmelblau,
    himmelblau_der,
    multistart,
    starts,
)
from tests.api.batch.test_multistart import one_by_one
from tests.api.batch.workers import sent

MESSAGE = "The search came down to a minimum that was found before."
#: The starts of the first round, which knows of no minimum.
FIRST = 8


def many(X):  # noqa: N803
    return himmelblau(X.T)


KINDS = {
    "compiled": (HIMMELBLAU.fun, {}),
    "python": (himmelblau, {}),
    "vectorized": (many, {"vectorized": True}),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_the_minima_are_the_same_and_the_evaluations_fewer(kind):
    fun, options = KINDS[kind]
    result = multistart(fun, rng=5, options=options)
    found = result.solutions
    by_itself = minimize_batch(fun, starts(rng=5), bounds=BOX, options=options)
    shorter = found.nfev < by_itself.nfev
    assert not shorter[:FIRST].any()
    assert shorter.sum() > 50
    assert f"{shorter.sum()} of 100: {MESSAGE}" in result.message
    assert found.success.all()
    for name in ("x", "fun", "jac", "nit", "nfev", "njev"):
        np.testing.assert_array_equal(found[name][~shorter], by_itself[name][~shorter])
    np.testing.assert_allclose(found.x, by_itself.x, atol=1e-5)
    minima, counts = one_by_one(result, np.full(2, 10.0))
    np.testing.assert_array_equal(result.minima, minima)
    np.testing.assert_array_equal(result.counts, counts)
    assert len(minima) == 4
    assert result.nfev < 0.7 * by_itself.nfev.sum()


@each_kind
def test_each_row_is_at_its_own_best_point(kind):
    fun, options = KINDS[kind]
    found = multistart(fun, rng=5, options=options).solutions
    np.testing.assert_allclose(found.fun, [himmelblau(x) for x in found.x], rtol=1e-12)
    np.testing.assert_allclose(found.jac, [himmelblau_der(x) for x in found.x], atol=1e-4)


def test_threads_do_not_change_the_result():
    alone, shared = (
        multistart(HIMMELBLAU.fun, rng=7, options={"threads": threads}) for threads in (1, 3)
    )
    assert MESSAGE in alone.message
    assert_same(alone, shared)


@pytest.mark.parametrize("workers", [2, sent, lambda f, chunks: list(map(f, chunks))[::-1]])
def test_workers_do_not_change_the_result(workers):
    call = partial(multistart, himmelblau, n_starts=40, rng=7)
    alone = call()
    assert MESSAGE in alone.message
    assert_same(call(workers=workers), alone)


def test_more_starts_begin_with_the_fewer_ones():
    few, more = (multistart(himmelblau, n_starts=n, rng=7).solutions for n in (40, 100))
    for name in ("x", "fun", "nfev", "status"):
        np.testing.assert_array_equal(more[name][:40], few[name])


def test_a_kink_that_is_known():
    """At which no descent arrives; to find that it is one takes most of a search."""

    def kinked(x):
        return 1.0 + abs(x[0] - 1.0) + 2.0 * abs(x[1] + 0.5)

    result = multistart(kinked, n_starts=24, rng=0)
    by_itself = minimize_batch(kinked, starts(n_starts=24, rng=0), bounds=BOX)
    assert result.counts.tolist() == [24]
    np.testing.assert_allclose(result.x, [1.0, -0.5], atol=1e-6)
    assert MESSAGE in result.message
    assert result.nfev < by_itself.nfev.sum()


def test_workers_that_lose_a_chunk_of_a_later_round():
    def lose(function, chunks):
        return [function(chunk) for chunk in chunks[len(chunks) > FIRST :]]

    with pytest.raises(ValueError, match="a result for each of 12 chunks, got 11"):
        multistart(himmelblau, n_starts=20, rng=0, workers=lose)

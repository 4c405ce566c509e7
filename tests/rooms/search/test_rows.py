"""The life of a row is the same in Python and compiled."""

import numba
import numpy as np
import pytest

from fastadam._objective.layout import (
    BEST_GRAD,
    BEST_X,
    CURVATURE,
    GRAD,
    GRADIENT,
    REL_STEP,
    SIZE,
    STATE,
    TEMPLATE,
    TRIAL,
    UNIT,
    X_SCALE,
    X,
)
from fastadam._rules.adam import ADAM
from fastadam._search import auto, lockstep_kernels, outcomes, rows
from fastadam._search.search import Search

FIRST = np.zeros(1, np.int64)
SCALARS = {"maxfev": 100, "maxiter": 5, "cost_each": 2}


def starts(lowers, uppers=2.0):
    points = np.array([[-3.0, np.nan, 1.5]])
    return rows.Starts(points, np.full((1, 3), lowers), np.full((1, 3), uppers), np.full(1, 0.25))


@pytest.fixture
def search():
    made = Search(ADAM, (), 3, **SCALARS)
    made.vectors[REL_STEP:] = 7.0  # of the row before
    made.begin(starts(-1.0))
    return made


def same(one, other):
    assert one.record.tobytes() == other.record.tobytes()
    np.testing.assert_array_equal(one.vectors, other.vectors)


@pytest.mark.parametrize("lower", [-1.0, 2.0, 3.0, np.inf, np.nan])
@pytest.mark.parametrize("auto", [0, 1])
def test_begin(lower, auto):
    scalars = {**SCALARS, "auto": auto, "last_step": 1e-10, "differs": auto}
    one, other = (Search(ADAM, (), 3, **scalars) for _ in range(2))
    one.begin(starts(lower))
    begun = rows.begin(other.scalars, other.vectors, 0, starts(lower))
    same(one, other)
    assert begun == (lower <= 2.0)
    assert other.scalars.status == (outcomes.RUNNING if begun else outcomes.INFEASIBLE)


def test_a_row_begins_in_its_box_with_nothing_of_the_row_before(search):
    np.testing.assert_array_equal(search.vectors[[X, TRIAL, BEST_X]], [[-1.0, np.nan, 1.5]] * 3)
    assert search.scalars.lr == 0.25
    assert search.scalars.cost == search.scalars.wide_cost == 7
    np.testing.assert_array_equal(search.vectors[[GRAD, BEST_GRAD]], 0.0)
    np.testing.assert_array_equal(search.vectors[TEMPLATE], 7.0)
    np.testing.assert_array_equal(search.vectors[[UNIT, CURVATURE]], 0.0)
    np.testing.assert_array_equal(search.vectors[STATE : STATE + len(ADAM.state)], 0.0)


@pytest.mark.parametrize("given", [False, True])
def test_the_size_of_a_variable(given):
    """That of x, as it moves; or what the user says, up to the width of the box."""
    s = Search(ADAM, (), 3, **SCALARS, auto=1)
    if given:
        s.vectors[X_SCALE] = 1e-3, 0.5, 100.0
    points, box = np.array([[1.0, 0.0, -2.0]]), np.full((1, 3), 5.0)
    rows.begin(s.scalars, s.vectors, 0, rows.Starts(points, -box, box, np.zeros(1)))
    np.testing.assert_array_equal(s.vectors[SIZE], [1e-3, 0.5, 10.0] if given else [1.0, 2.0, 2.0])
    s.best_x[:] = 4.0, 0.1, -3.0
    s.scalars.first_f, s.scalars.turn_f, s.scalars.best_f, s.scalars.turn = 9.0, 8.0, 1.0, 1
    auto.next_gear(s.scalars, s.vectors)  # with something gained
    np.testing.assert_array_equal(s.vectors[SIZE], [1e-3, 0.5, 10.0] if given else [4.0, 0.2, 3.0])


@pytest.mark.parametrize(("width", "nfev", "wants"), [(0.1, 94, True), (0.1, 95, False), (0, 9, 0)])
def test_the_narrow_gradient(search, width, nfev, wants):
    other, wanted = Search(ADAM, (), 3), np.zeros(1, np.bool_)
    search.scalars.best_width, search.scalars.nfev = width, nfev
    search.scalars.width, search.scalars.best_f = width, 3.0
    search.best_x[:] = 1.0, 1.25, 1.5
    other.record[:], other.vectors[:] = search.record, search.vectors
    lockstep_kernels.narrow(other.record, other.vectors[None], FIRST, wanted)
    assert search.wants_narrow() == wanted[0] == wants
    same(search, other)
    if wants:
        assert (search.scalars.request, search.scalars.width, search.scalars.f) == (GRADIENT, 0, 3)
        np.testing.assert_array_equal(search.x, search.best_x)


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("status", [outcomes.RUNNING, outcomes.MAXITER, outcomes.CONVERGED])
@pytest.mark.parametrize("leaving", [True, False])
def test_the_solution(search, found, status, leaving):
    s = search.scalars
    s.status, s.f, s.nit, s.nfev, s.njev = status, np.nan, 3, 4, 5
    if found:
        s.best_f = 2.5
    search.grad[:], search.best_grad[:] = 1.0, 2.0
    in_python, compiled = (rows.Solutions.unknown(np.zeros((1, 3))) for _ in range(2))
    lockstep_kernels.store(search.record.copy(), search.vectors[None], FIRST, compiled, leaving)
    if leaving:
        search.leave()
    search.store(in_python, 0)
    for one, other in zip(in_python, compiled, strict=True):
        np.testing.assert_array_equal(one, other)
    ends = outcomes.CONVERGED if status == outcomes.CONVERGED else outcomes.TIMEOUT
    assert compiled.counts.tolist() == [[3, 4, 5, ends if leaving else status]]
    np.testing.assert_array_equal(compiled.jac, [[2.0 if found else 1.0] * 3])
    np.testing.assert_array_equal(compiled.fun, [2.5 if found else np.nan])


def test_what_nobody_has_begun_is_out_of_time():
    points = np.ones((2, 3))
    unknown = rows.Solutions.unknown(points)
    assert unknown.x is points
    np.testing.assert_array_equal(unknown.x, points)
    assert np.isnan(unknown.fun).all()
    assert np.isnan(unknown.jac).all()
    assert unknown.counts.tolist() == [[0, 0, 0, outcomes.TIMEOUT]] * 2


def test_bounds_that_hold_a_number():
    lower, upper = np.array([0.0, 1.0, np.inf, -np.inf, np.nan, -np.inf]), np.full(6, 0.0)
    upper[[2, 3]] = np.inf, -np.inf
    expected = [True, False, False, False, False, True]
    assert rows.hold_number(lower, upper).tolist() == expected
    compiled = numba.njit(lambda a, b: rows.hold_number(a, b))
    assert [compiled(a, b) for a, b in zip(lower, upper, strict=True)] == expected

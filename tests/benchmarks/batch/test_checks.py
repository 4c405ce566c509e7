"""The checks of the `batch` suite can fail, and right results pass them."""

import inspect

import numpy as np
import pytest
from scipy.optimize import OptimizeResult, check_grad

from benchmarks.batch import bad_rows as bad
from benchmarks.batch import checks, fits, memory, snippet, starts, uneven
from benchmarks.batch import fitters as peers
from benchmarks.harness.timing import Record
from fastadam import minimize_batch
from tests.processes import ROOT
from workloads import decays


def copied(result, **changes):
    return OptimizeResult({**{k: np.copy(v) for k, v in result.items()}, **changes})


@pytest.fixture(scope="module")
def few():
    """A small batch of Rosenbrock's function, and its starts."""
    points = starts.random_starts(20)
    return starts.fastadam_batch(starts.rosenbrock_in_place, "in-place")(points), points


# ---------------------------------------------------------------------------------------------
# Rows, bit by bit
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", checks.FIELDS)
def test_one_bit_is_found(few, field):
    result, _ = few
    other = copied(result)
    values = other[field].reshape(20, -1)
    values[7, -1] = np.nextafter(values[7, -1], 9) if values.dtype == float else values[7, -1] + 1
    assert np.flatnonzero(checks.find_differing_rows(result, other)).tolist() == [7]
    assert checks.find_difference(result, other, "it") == "1 of 20 rows differ from it"


def test_nan_equals_nan_and_the_sign_of_zero_counts(few):
    nan, zero = (copied(few[0], fun=np.full(20, value)) for value in (np.nan, 0.0))
    assert checks.find_difference(nan, copied(nan), "") == ""
    assert checks.find_differing_rows(zero, copied(zero, fun=np.full(20, -0.0))).all()


def test_rows_are_those_of_minimize_alone(few):
    result, points = few
    rows = [0, 3, 19]
    one_by_one = checks.alone(
        starts.rosenbrock_in_place, points, rows, jac="in-place", options=starts.OPTIONS
    )
    assert checks.find_difference(checks.some(result, rows), one_by_one, "") == ""
    assert checks.find_differing_rows(checks.some(result, [0, 4, 19]), one_by_one).tolist() == [
        False,
        True,
        False,
    ]


# ---------------------------------------------------------------------------------------------
# Many starts, and uneven rows
# ---------------------------------------------------------------------------------------------


def test_right_ends_pass(few):
    result, _ = few
    assert starts.find_wrong({starts.ALL: result, starts.ONE: result}) == {}


def test_wrong_ends_are_found(few):
    result, _ = few
    x = result.x.copy()
    x[4] += 1e-3
    fun = result.fun.copy()
    fun[4] += 1e-9
    results = {
        starts.ALL: copied(result, fun=fun),
        starts.ONE: result,
        "elsewhere": copied(result, x=x),
        "NaN": copied(result, x=np.full_like(x, np.nan)),
    }
    assert starts.find_wrong(results) == {
        starts.ALL: "1 of 20 rows differ from one thread",
        "elsewhere": "1 of 20 rows end elsewhere",
        "NaN": "20 of 20 rows end elsewhere",
    }


def test_threads_that_agree_but_not_with_minimize_are_found(few):
    result = copied(few[0], nit=few[0].nit + 1)
    wrong = starts.find_wrong({starts.ALL: result, starts.ONE: result})
    assert wrong == {starts.ALL: "20 of 20 rows differ from minimize alone"}


@pytest.mark.parametrize("place", uneven.PLACES)
def test_slow_rows_are_adjacent_and_a_hundredth(place):
    points, slow = uneven.uneven_starts(1_000, place)
    where = np.flatnonzero(slow)
    assert where.tolist() == list(range(where[0], where[0] + 10))
    assert {"first": 0, "in the middle": 495, "last": 990}[place] == where[0]
    assert points[slow].min() > 100 * points[~slow].max()


def test_rows_that_are_not_as_slow_are_found():
    points, slow = uneven.uneven_starts(200, "last")
    result = minimize_batch(uneven.cone, points, jac="in-place", options=uneven.OPTIONS)
    both = {uneven.ALL: result, uneven.ONE: result}
    assert uneven.find_wrong(both, slow) == {}
    assert "times the iterations" in uneven.find_wrong(both, ~slow)[uneven.ALL]
    both[uneven.ONE] = copied(result, x=result.x + 1e-3)
    assert uneven.find_wrong(both, slow) == {
        uneven.ONE: "200 of 200 rows end elsewhere",
        uneven.ALL: "200 of 200 rows differ from one thread",
    }


# ---------------------------------------------------------------------------------------------
# Fits
# ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def curves():
    scene = decays.make_scene(400, seed=0)
    part = np.arange(0, len(scene.y), 4)
    return peers.Curves(scene, decays.guess(scene.y), part, part[::5])


def test_wrong_fits_are_found(curves):
    bounded, _ = decays.fit_one_by_one(curves.scene.y, curves.starts, curves.sample, bounded=True)
    outside, nan = bounded.copy(), np.full_like(bounded, np.nan)
    outside[np.argmin(bounded[:, 2]), 2] = -1e-9
    found = {
        fits.OURS: bounded,
        "start": curves.starts[curves.sample],
        "outside": outside,
        fits.FREE: outside,
        "NaN": nan,
    }
    wrong = fits.find_wrong(curves, found)
    assert wrong.keys() == {"start", "outside", "NaN"}
    assert "end higher" in wrong["start"]
    assert "break the bounds" in wrong["outside"]
    assert "break the bounds" in wrong["NaN"]


def test_fits_that_differ_from_minimize_are_found(curves):
    found = peers.fit(curves.starts, curves.scene.y)
    assert fits.check_alone(curves, found) == ""
    found.x[curves.sample[3], 1] += 1e-12
    assert fits.check_alone(curves, found) == "1 of 20 rows differ from minimize alone"


@pytest.mark.parametrize(
    ("seconds", "evaluations", "reached"), [(4e-6, 25, True), (4.1e-6, 26, False)]
)
def test_slow_fits_and_many_evaluations_fail(seconds, evaluations, reached):
    each = {fits.OURS: Record({k: [seconds] for k in range(5)})}
    counts = np.full(9, evaluations)
    assert fits.time_verdict(fits.OURS, each, {}).reached is reached
    assert fits.evaluations_verdict(counts, {}).reached is reached
    wrong = {fits.OURS: "bad"}
    assert fits.time_verdict(fits.OURS, each, wrong).reached is False
    assert fits.evaluations_verdict(counts, wrong).reached is False


def test_the_snippet_is_the_readmes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for function in (snippet.misfit.py_func, snippet.make_curves):
        lines = inspect.getsource(function).splitlines()
        code = [line.strip() for line in lines if " = " in line or "np.sum" in line]
        assert len(code) > 0
        for line in code:
            line = line.removeprefix("return t, ").removesuffix(", truth")
            assert line.replace("size=(count, 3)", "size=(1000, 3)") in readme
    assert "minimize_batch(misfit, np.ones((1000, 3)), args=(t,), batch_args=(curves,))" in readme


def test_wrong_fits_of_the_snippet_are_found():
    t, curves, truth = snippet.make_curves(30)
    grad = np.empty(3)
    at = truth[3] + [0.1, -0.2, 0.3]
    f = snippet.misfit_in_place.py_func(at, grad, t, curves[3])
    assert f == pytest.approx(snippet.misfit.py_func(at, t, curves[3]))
    gradient = 2 * (snippet.model(t, *at) - curves[3]) @ snippet.slopes(t, *at)
    np.testing.assert_allclose(grad, gradient, rtol=1e-12)
    assert check_grad(lambda p: snippet.misfit.py_func(p, t, curves[3]), lambda _: grad, at) < 1e-4
    away = truth.copy()
    away[[2, 5], 1] = truth[2, 1] + 0.02, np.nan
    assert snippet.find_wrong({"right": truth + 9e-3, "wrong": away}, truth) == {
        "wrong": "2 of 30 fits end elsewhere"
    }


def test_larger_errors_fail_the_verdict():
    medians = {fits.OURS: np.array([1.0, 1.0, 1.006]), fits.BOUNDED: np.ones(3)}
    assert fits.error_verdict(medians, {}).reached is False
    medians[fits.OURS][2] = 1.004
    assert fits.error_verdict(medians, {}).reached is True
    assert fits.error_verdict(medians, {fits.BOUNDED: "bad"}).reached is None
    assert fits.error_verdict(medians, {fits.OURS: "bad"}).reached is False


# ---------------------------------------------------------------------------------------------
# Bad rows, and memory
# ---------------------------------------------------------------------------------------------


def test_bad_rows_that_spread_or_are_not_reported_are_found():
    rows, kind = bad.bad_curves(900)
    assert {number: int(np.sum(kind == number)) for number in range(3)} == {0: 3, 1: 3, 2: 3}
    mixed = bad.solve(rows)
    clean = bad.solve({name: values[kind < 0] for name, values in rows.items()})
    assert bad.find_error(mixed, clean, kind) == ""
    spread = copied(mixed)
    spread.fun[0] = np.nextafter(spread.fun[0], 9)
    assert "differ from a run without bad rows" in bad.find_error(spread, clean, kind)
    for number, name in enumerate(bad.KINDS):
        silent = copied(mixed)
        silent.status[kind == number] = 0
        assert f"3 rows with {name}" in bad.find_error(silent, clean, kind)


@pytest.mark.parametrize(
    ("taken", "reached"),
    [
        (lambda n, rows, threads: 100 * rows + 1e5 * threads, [True] * 4),
        (lambda n, rows, threads: rows**1.2, [False, False, True, True]),
        (lambda n, rows, threads: rows * threads * 24, [True, True, False, False]),
    ],
)
def test_memory_out_of_proportion_fails_the_verdicts(taken, reached):
    figures = {setting: [taken(*setting)] for setting in memory.settings(100_000)}
    assert [v.reached for v in memory.verdicts(figures, 100_000, set())] == reached
    everything = set(figures)
    assert {v.reached for v in memory.verdicts(figures, 100_000, everything)} == {False}


def test_memory_program():
    program = memory.PROGRAM.format(rows=2_000, variables=3, threads=2)
    seconds, more, right = memory.run_fresh(program, {})
    assert right
    assert seconds > 0
    assert 0 <= more * memory.UNIT < 1e8

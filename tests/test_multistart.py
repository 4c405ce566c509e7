"""`fastadam.multistart`: where it starts, what it finds, and what counts as one minimum."""

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds, OptimizeResult, OptimizeWarning

import fastadam
from fastadam import problems
from fastadam.minimizer.multistart import F_TOLERANCE, X_TOLERANCE
from tests.processes import run_python

NAN, INF = float("nan"), float("inf")
BOX = [(-5.0, 5.0), (-5.0, 5.0)]
HIMMELBLAU = problems.himmelblau()
SAMPLINGS = ("sobol", "latin-hypercube")
each_sampling = pytest.mark.parametrize("sampling", SAMPLINGS)


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11.0) ** 2 + (x[0] + x[1] ** 2 - 7.0) ** 2


def himmelblau_der(x):
    a, b = x[0] ** 2 + x[1] - 11.0, x[0] + x[1] ** 2 - 7.0
    return np.array([4.0 * x[0] * a + 2.0 * b, 2.0 * a + 4.0 * x[1] * b])


def multistart(fun=himmelblau, bounds=BOX, n_starts=100, **arguments):
    return fastadam.multistart(fun, bounds, n_starts, **arguments)


def starts(bounds=BOX, n_starts=100, **arguments):
    """Return the starts, as the end points of solves of no iterations."""
    result = multistart(bounds=bounds, n_starts=n_starts, options={"maxiter": 0}, **arguments)
    return result.solutions.x


def ends(fun, bounds, n_starts, **arguments):
    """Return a result whose end points are its starts: all gradients are 0."""
    return multistart(fun, bounds, n_starts, jac=np.zeros_like, **arguments)


def one_by_one(result, width):
    """Return the minimisers and the counts by the definition, without a tree."""
    x, f = result.solutions.x, result.solutions.fun
    rows = [k for k in np.argsort(f, kind="stable") if result.solutions.success[k]]
    leaders, counts = [], []
    for k in rows:
        near = np.all(abs(x[leaders] - x[k]) <= X_TOLERANCE * width, axis=1)
        same = near & (f[k] - f[leaders] <= F_TOLERANCE * (1.0 + abs(f[leaders])))
        if same.any():
            counts[int(np.argmax(same))] += 1
        else:
            leaders.append(k)
            counts.append(1)
    return x[leaders], counts


def assert_same(a, b):
    """Require the same results, bit for bit."""
    assert a.keys() == b.keys()
    for key in a:
        if isinstance(a[key], OptimizeResult):
            assert_same(a[key], b[key])
        else:
            np.testing.assert_array_equal(a[key], b[key])


# ---------------------------------------------------------------------------------------------
# What it finds
# ---------------------------------------------------------------------------------------------


@each_sampling
@pytest.mark.parametrize(
    ("fun", "jac", "options"),
    [
        (HIMMELBLAU.fun, HIMMELBLAU.jac, None),
        (HIMMELBLAU.fun, None, None),
        (HIMMELBLAU.in_place, "in-place", {"lr": 0.01}),
        (himmelblau, himmelblau_der, {"lr": 0.1}),
    ],
    ids=["compiled", "differences", "plain-adam", "python"],
)
def test_the_four_minima_of_himmelblau(fun, jac, options, sampling):
    result = multistart(fun, jac=jac, options=options, sampling=sampling, rng=1)
    assert result.success
    assert result.status == 0
    assert result.minima.shape == (4, 2)
    assert result.counts.sum() == 100
    assert result.counts.min() >= 5
    order = np.lexsort(result.minima.T)
    known = HIMMELBLAU.minimizers[np.lexsort(HIMMELBLAU.minimizers.T)]
    np.testing.assert_allclose(result.minima[order], known, atol=1e-5)
    values = [himmelblau(x) for x in result.minima]
    np.testing.assert_allclose(result.minima_fun, values, atol=1e-15)
    assert np.all(np.diff(result.minima_fun) >= 0)


def test_the_four_minima_of_styblinski_tang():
    """Of three values: the two in the middle are equal."""
    problem = problems.styblinski_tang(2)
    result = multistart(problem.fun, problem.bounds, jac=problem.jac, rng=0)
    low, high = -2.903534, 2.746803
    np.testing.assert_allclose(result.x, [low, low], atol=1e-5)
    assert result.fun == pytest.approx(problem.fmin, abs=1e-9)
    assert result.counts.sum() == 100
    assert {tuple(x) for x in result.minima.round(5).tolist()} == {
        (round(a, 5), round(b, 5)) for a in (low, high) for b in (low, high)
    }
    np.testing.assert_allclose(result.minima_fun, [-78.33233, -64.19561, -64.19561, -50.05889])


def test_the_result_is_that_of_minimize_batch():
    problem = HIMMELBLAU
    result = multistart(problem.fun, jac=problem.jac, rng=3, method="nadam", tol=1e-4)
    solutions = fastadam.minimize_batch(
        problem.fun, starts(rng=3), jac=problem.jac, bounds=BOX, method="nadam", tol=1e-4
    )
    assert_same(result.solutions, solutions)
    best = int(np.argmin(solutions.fun))
    np.testing.assert_array_equal(result.x, solutions.x[best])
    np.testing.assert_array_equal(result.jac, solutions.jac[best])
    assert result.fun == solutions.fun[best]
    for name in ("nit", "nfev", "njev"):
        assert result[name] == solutions[name].sum()
        assert type(result[name]) is int
    assert (type(result.fun), type(result.status), type(result.success)) == (float, int, bool)
    assert result.message == f"4 minima from 100 starts. {solutions.message}"
    np.testing.assert_array_equal(result.x, result.minima[0])
    assert result.fun == result.minima_fun[0]


def test_the_result_is_a_copy():
    result = multistart(HIMMELBLAU.fun, rng=0, n_starts=8)
    before = result.solutions.x.copy()
    result.x += 1.0
    result.minima += 1.0
    np.testing.assert_array_equal(result.solutions.x, before)


@pytest.mark.parametrize("wrap", [numba.njit, lambda fun: fun], ids=["compiled", "python"])
def test_arguments(wrap):
    @wrap
    def distance(x, centre, scale):
        return scale * np.sum((x - centre) ** 2)

    @wrap
    def gradient(x, centre, scale):
        return 2.0 * scale * (x - centre)

    centre = np.array([1.0, -2.0])
    result = multistart(distance, args=(centre, 3.0), jac=gradient, n_starts=8, rng=0)
    np.testing.assert_allclose(result.x, centre, atol=1e-5)
    np.testing.assert_array_equal(result.counts, [8])
    assert result.message.startswith("1 minimum from 8 starts. 8 of 8: ")


def test_an_argument_that_is_no_tuple():
    result = multistart(lambda x, c: (x[0] - c) ** 2, [(0, 4)], 2, args=2.0, rng=0)
    np.testing.assert_allclose(result.x, [2.0], atol=1e-5)


def test_the_box_holds_or_is_for_the_starts_only():
    box = [(4.0, 5.0), (-1.0, 5.0)]
    inside = multistart(HIMMELBLAU.fun, box, 16, jac=HIMMELBLAU.jac, rng=0)
    assert np.all((inside.solutions.x >= [4.0, -1.0]) & (inside.solutions.x <= 5.0))
    assert inside.x[0] == 4.0
    outside = multistart(HIMMELBLAU.fun, box, 16, jac=HIMMELBLAU.jac, rng=0, within_bounds=False)
    assert outside.fun < 1e-9 < inside.fun
    assert outside.x[0] < 3.9


# ---------------------------------------------------------------------------------------------
# Starts
# ---------------------------------------------------------------------------------------------


@each_sampling
@pytest.mark.parametrize("number", [1, 2, 3, 64, 100, 129])
def test_starts_are_spread_over_the_box(sampling, number):
    box = np.array([(-1.0, 3.0), (10.0, 10.5), (-1e3, -1e2)])
    x = starts(box, number, sampling=sampling, rng=0, fun=lambda x: x.sum())
    assert x.shape == (number, 3)
    unit = (x - box[:, 0]) / (box[:, 1] - box[:, 0])
    assert np.all((unit >= 0) & (unit <= 1))
    slices = np.sort(np.floor(unit * number), axis=0)
    if sampling == "latin-hypercube" or number in (1, 2, 64):
        np.testing.assert_array_equal(slices, np.repeat(np.arange(number)[:, None], 3, axis=1))
    else:
        assert len(np.unique(slices[:, 0])) > number // 2


@pytest.mark.parametrize("few", [1, 7, 64, 99])
def test_more_starts_begin_with_the_fewer_ones(few):
    np.testing.assert_array_equal(starts(n_starts=few, rng=5), starts(n_starts=100, rng=5)[:few])


@each_sampling
def test_the_same_seed_the_same_result(sampling):
    arguments = {"fun": HIMMELBLAU.fun, "n_starts": 20, "sampling": sampling}
    first = multistart(rng=7, **arguments)
    assert_same(first, multistart(rng=7, **arguments))
    assert_same(first, multistart(rng=np.int64(7), **arguments))
    assert_same(first, multistart(rng=np.random.default_rng(7), **arguments))


@each_sampling
def test_other_seeds_other_starts(sampling):
    generator = np.random.default_rng(7)
    drawn = [starts(sampling=sampling, rng=rng) for rng in (7, 8, None, None)]
    drawn += [starts(sampling=sampling, rng=generator) for _ in range(2)]
    np.testing.assert_array_equal(drawn.pop(-2), drawn[0])
    assert len({x.tobytes() for x in drawn}) == len(drawn)


def test_global_state_of_numpy_is_left_alone():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    starts(rng=None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    "bounds",
    [
        BOX,
        tuple(BOX),
        np.array(BOX),
        zip([-5, -5], [5, 5], strict=True),
        Bounds([-5, -5], [5, 5]),
        Bounds(-5, [5, 5]),
    ],
    ids=["list", "tuple", "array", "iterator", "Bounds", "Bounds broadcast"],
)
def test_forms_of_bounds(bounds):
    np.testing.assert_array_equal(starts(bounds, rng=0), starts(rng=0))


def test_one_variable():
    result = multistart(lambda x: np.cos(x[0]), Bounds(0.0, 12.0), 16, rng=0)
    np.testing.assert_allclose(np.sort(result.minima[:, 0]), [np.pi, 3 * np.pi], atol=1e-4)


@each_sampling
def test_a_box_as_wide_as_the_numbers(sampling):
    top = np.finfo(np.float64).max
    result = ends(lambda x: float(x[0] > 0), [(-top, top)] * 2, 64, sampling=sampling, rng=0)
    assert np.all(np.isfinite(result.solutions.x))
    assert np.ptp(result.solutions.x[:, 0] / top) > 1.9
    assert len(result.minima) == 64  # no two within 1e-3 of the width


# ---------------------------------------------------------------------------------------------
# One minimum or two
# ---------------------------------------------------------------------------------------------


def flat(x):
    return 2.0


def striped(x):
    return float(np.floor(5000.0 * x[0]) % 3)


def almost_flat(x):
    return 10.0 + 4e-4 * x[0]  # from end to end four times the tolerance


@pytest.mark.parametrize("fun", [flat, striped, almost_flat])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_minima_and_counts_are_those_of_the_definition(fun, scale):
    scaled = lambda x: fun(x / scale)  # noqa: E731
    result = ends(scaled, [(0.0, scale), (1.0, 1.0)], 1000, rng=0)
    minima, counts = one_by_one(result, np.array([scale, 1.0]))
    assert 1 < len(counts) < 1000
    np.testing.assert_array_equal(result.minima, minima)
    np.testing.assert_array_equal(result.counts, counts)
    assert result.counts.sum() == 1000


def test_neighbours_need_each_coordinate():
    box = [(0.0, 1e-3), (-50.0, 50.0)]
    result = ends(flat, box, 2000, sampling="latin-hypercube", rng=0)
    minima, counts = one_by_one(result, np.array([1e-3, 100.0]))
    assert 1900 < len(counts) < 2000
    np.testing.assert_array_equal(result.minima, minima)
    np.testing.assert_array_equal(result.counts, counts)


def test_values_decide_between_neighbours():
    """All starts are at one place; the values of the three kinds differ."""
    calls = []

    def takes_turns(x):
        calls.append(None)
        return [5.0, 3.0, 3.0 + 3e-5, 3.0 + 5e-5][len(calls) % 4]

    result = ends(takes_turns, [(1.0, 1.0)], 40, rng=0)
    np.testing.assert_array_equal(result.minima_fun, [3.0, 3.0 + 5e-5, 5.0])
    np.testing.assert_array_equal(result.counts, [20, 10, 10])


def test_a_coordinate_without_width():
    """Of which the solves are free to move away."""
    box = [(2.0, 2.0), (-5.0, 5.0)]
    held = multistart(HIMMELBLAU.fun, box, 32, jac=HIMMELBLAU.jac, rng=0)
    assert np.all(held.solutions.x[:, 0] == 2.0)
    assert 1 <= len(held.minima) <= 2
    free = multistart(HIMMELBLAU.fun, box, 32, jac=HIMMELBLAU.jac, rng=0, within_bounds=False)
    assert 2 <= len(free.minima) <= 4
    assert free.counts.sum() == 32
    assert free.fun < 1e-9


def test_as_many_minima_as_starts():
    """In time and memory for 50,000 of them, where all pairs would be 20 GB."""
    n = 50_000
    end = numba.njit(lambda x: x[0])
    no_gradient = numba.njit(lambda x: np.zeros_like(x))
    result = multistart(end, [(0.0, 1.0)] * 6, n, jac=no_gradient, rng=0)
    assert len(result.minima) > 0.9 * n
    assert result.counts.sum() == n
    assert np.all(np.diff(result.minima_fun) >= 0)


# ---------------------------------------------------------------------------------------------
# Failures
# ---------------------------------------------------------------------------------------------


def test_starts_that_fail_do_not_count():
    def broken(x):
        return NAN if x[0] < 0.0 else himmelblau(x)

    def derivative(x):
        return np.full(2, NAN) if x[0] < 0.0 else himmelblau_der(x)

    result = multistart(broken, jac=derivative, n_starts=40, options={"lr": 0.05}, rng=0)
    failures = np.count_nonzero(~result.solutions.success)
    assert 10 < failures < 30
    assert result.success
    assert result.counts.sum() == 40 - failures
    np.testing.assert_allclose(
        sorted(result.minima.tolist()), [[3.0, 2.0], [3.584428, -1.848127]], atol=1e-5
    )
    assert f"{failures} of 40: NaN" in result.message


def assert_nothing_found(result, n):
    assert not result.success
    assert result.minima.shape == (0, n)
    assert result.minima_fun.shape == (0,)
    assert result.counts.shape == (0,)
    assert result.counts.dtype == np.int64
    assert result.message.startswith("0 minima from ")


@pytest.mark.parametrize("bad", [NAN, INF])
def test_no_start_gives_a_number(bad):
    with np.errstate(invalid="ignore"):
        result = multistart(lambda x: bad, n_starts=5, rng=0)
    assert_nothing_found(result, 2)
    assert result.status == 3
    assert not np.isfinite(result.fun)
    assert np.all(abs(result.x) <= 5.0)


def test_without_a_success_the_best_point():
    def holed(x):
        return NAN if x[0] < 0.0 else himmelblau(x)

    with np.errstate(invalid="ignore"):
        result = multistart(holed, options={"maxiter": 0}, rng=0)
    assert_nothing_found(result, 2)
    assert result.fun == np.nanmin(result.solutions.fun) == himmelblau(result.x)
    assert result.status == 1


def test_a_success_is_better_than_a_lower_value_on_the_way():
    def cliff(x):
        return (x[0] - 1.0) ** 2 if x[0] > 0.0 else x[0] - 5.0

    def slope(x):
        return np.array([2.0 * (x[0] - 1.0) if x[0] > 0.0 else 1.0])

    options = {"lr": 0.01, "maxiter": 3000}
    result = multistart(
        cliff, [(-1.0, 1.5)], 16, jac=slope, options=options, rng=0, within_bounds=False
    )
    assert result.solutions.fun.min() < -5.0
    assert result.success
    np.testing.assert_allclose(result.x, [1.0], atol=1e-4)
    assert result.counts.sum() == np.count_nonzero(result.solutions.success) < 16


def test_no_time():
    result = multistart(HIMMELBLAU.fun, options={"max_seconds": 1e-9}, rng=0)
    assert_nothing_found(result, 2)
    assert result.status == 1


def test_what_a_function_raises_propagates():
    def raises(x):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        multistart(raises)


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bounds": None}, ["bounds", "None"]),
        ({"bounds": 3.0}, ["bounds", "3.0"]),
        ({"bounds": []}, ["bounds", "none"]),
        ({"bounds": np.empty((0, 2))}, ["bounds", "none"]),
        ({"bounds": [1.0, 2.0]}, ["bounds"]),
        ({"bounds": [(0, 1), (0, 1, 2)]}, ["bounds"]),
        ({"bounds": [(0, 1), (2, 1)]}, ["bounds[1]", "(2.0, 1.0)"]),
        ({"bounds": [(0, 1), (0, None)]}, ["bounds[1]", "finite", "(0.0, inf)"]),
        ({"bounds": [(None, None), (0, 1)]}, ["bounds[0]", "finite"]),
        ({"bounds": [(-INF, 0), (0, 1)]}, ["bounds[0]", "finite"]),
        ({"bounds": [(0, 1), (NAN, 1)]}, ["bounds[1]", "finite"]),
        ({"bounds": [("0", "1")]}, ["bounds", "real"]),
        ({"bounds": Bounds([0, 0], [1, INF])}, ["bounds[1]", "finite"]),
        ({"bounds": Bounds()}, ["bounds[0]", "finite"]),
        ({"bounds": Bounds([0, 0], [1, NAN])}, ["bounds.ub", "NaN"]),
        ({"bounds": Bounds(np.zeros((2, 2)), 1.0)}, ["bounds.lb", "(2, 2)"]),
        ({"n_starts": 0}, ["n_starts", "0"]),
        ({"n_starts": -3}, ["n_starts", "-3"]),
        ({"n_starts": 2.5}, ["n_starts", "2.5"]),
        ({"n_starts": True}, ["n_starts", "True"]),
        ({"n_starts": "10"}, ["n_starts", "10"]),
        ({"n_starts": None}, ["n_starts", "None"]),
        ({"sampling": "random"}, ["sampling", "latin-hypercube", "'random'"]),
        ({"sampling": None}, ["sampling", "None"]),
        ({"rng": -1}, ["rng", "-1"]),
        ({"rng": 1.5}, ["rng", "1.5"]),
        ({"rng": "0"}, ["rng", "'0'"]),
        ({"rng": True}, ["rng", "True"]),
        ({"within_bounds": 1}, ["within_bounds", "1"]),
        ({"within_bounds": None}, ["within_bounds", "None"]),
        ({"fun": None}, ["fun", "None"]),
        ({"jac": "exact"}, ["jac", "exact"]),
        ({"method": "newton"}, ["method", "newton"]),
        ({"options": {"maxiter": -1}}, ["maxiter", "-1"]),
        ({"options": {"lr": [0.1, 0.2]}, "n_starts": 3}, ["lr", "3"]),
        ({"options": {"polish": "BFGS"}}, ["polish"]),
        ({"tol": -1.0}, ["tol", "-1.0"]),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    def untouched(x, *args):
        raise AssertionError("called")

    with pytest.raises((TypeError, ValueError)) as caught:
        multistart(**{"fun": untouched, **arguments})
    for word in words:
        assert word in str(caught.value), caught.value


def test_unknown_options_warn():
    with pytest.warns(OptimizeWarning, match="rate"):
        multistart(HIMMELBLAU.fun, n_starts=2, options={"rate": 0.1}, rng=0)


def test_keywords_only():
    with pytest.raises(TypeError, match="positional"):
        fastadam.multistart(himmelblau, BOX, 2, (), "adam", None, None, None, "sobol")


def test_scipy_stats_is_not_imported_before_it_is_needed():
    output = run_python(
        "import sys; from fastadam import multistart; print('scipy.stats' in sys.modules)"
    )
    assert output.strip() == "False"

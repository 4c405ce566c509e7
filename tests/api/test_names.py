"""Parameters by name: starts, bounds and results of searches, and reports."""

import numpy as np
import pytest

import fastadam
from fastadam import minimize, minimize_batch, report, uncertainty

START = {"slope": 1.0, "waves": np.array([[0.5, 0.5]]), "height": 2}


CENTRES = np.arange(12.0).reshape(3, 4)


def bowl(x, centre=CENTRES[0]):
    return np.sum((x - centre) ** 2)


@pytest.fixture(scope="module")
def batch():
    start = {"slope": np.zeros(3), "waves": np.zeros((3, 2)), "height": 7.0}
    bounds = {"waves": (None, 5.5)}
    return minimize_batch(bowl, start, (), (CENTRES,), bounds=bounds, fixed=["height"])


def test_results_are_by_name_and_flat():
    result = minimize(bowl, START)
    flat = minimize(bowl, [1.0, 0.5, 0.5, 2.0])
    np.testing.assert_array_equal(result.x, flat.x)
    assert list(result.params) == list(START)
    assert isinstance(result.params["slope"], float)
    np.testing.assert_array_equal(result.params["waves"], result.x[None, 1:3])
    assert not result.at_bound.any()
    assert "params" not in flat
    again = minimize(bowl, result.params)
    np.testing.assert_array_equal(again.params["waves"].shape, (1, 2))


@pytest.mark.parametrize("options", [{}, {"polish": "L-BFGS-B"}])
def test_bounds_and_what_is_fixed_are_by_name(options):
    seen = []

    def fun(x):
        seen.append(x.copy())
        return bowl(x)

    bounds = {"waves": (1.5, None), "slope": (5.0, 6.0)}
    result = minimize(fun, START, bounds=bounds, fixed="slope", options=options)
    np.testing.assert_allclose(result.x, [1.0, 1.5, 2.0, 3.0], atol=1e-6)
    assert result.at_bound.tolist() == [True, True, False, False]
    assert result.fixed == ("slope",)
    np.testing.assert_array_equal(np.array(seen)[:, 0], 1.0)


def test_rows_have_names(batch):
    expected = [[0, 1, 2, 7], [4, 5, 5.5, 7], [8, 5.5, 5.5, 7]]
    np.testing.assert_allclose(batch.x, expected, atol=1e-5)
    np.testing.assert_array_equal(batch.params["slope"], batch.x[:, 0])
    np.testing.assert_array_equal(batch.params["waves"], batch.x[:, 1:3])
    assert batch.at_bound.sum(axis=0).tolist() == [0, 1, 2, 3]


def test_numbers_alone_are_for_as_many_as_there_are_data():
    result = minimize_batch(bowl, {"a": 1.0, "b": 2.0}, (), (np.ones((5, 2)),))
    assert result.params["b"].shape == (5,)


def test_exceptions_carry_names():
    def fails(x):
        if x[0] != 1.0:
            raise KeyError("x")
        return bowl(x)

    for call in (
        lambda: minimize(fails, START),
        lambda: minimize_batch(fails, {"slope": np.ones(2), "others": np.ones((2, 3))}),
    ):
        with pytest.raises(KeyError) as caught:
            call()
        assert "slope" in caught.value.result.params


def test_errors_are_by_name(batch):
    one = minimize(bowl, START, fixed=["height"], bounds={"slope": (0.5, 2)})
    errors = uncertainty(bowl, one, kind="chi2", bounds={"slope": (0.5, 2)})
    assert np.isnan([errors.errors["height"], errors.errors["slope"]]).all()
    np.testing.assert_allclose(errors.errors["waves"], [[1.0, 1.0]], rtol=1e-6)
    many = uncertainty(bowl, batch, (), (CENTRES,), kind="chi2", bounds={"waves": (None, 5.5)})
    np.testing.assert_allclose(many.errors["slope"], 1.0, rtol=1e-6)
    assert np.isnan(many.errors["waves"]).sum() == 3
    np.testing.assert_array_equal(np.isnan(many.errors["height"]), True)


def test_a_report_of_one():
    one = minimize(bowl, START, fixed=["height"], bounds={"slope": (0.5, 2)})
    errors = uncertainty(bowl, one, kind="chi2", bounds={"slope": (0.5, 2)})
    lines = report(one, errors).splitlines()
    assert lines[:4] == [
        "slope        at its bound 0.5",
        "waves[0, 0]  1.0 +- 1.0",
        "waves[0, 1]  2.0 +- 1.0",
        "height       fixed at 2",
    ]
    assert lines[4] == f"function value 1.25, iterations {one.nit}"
    assert lines[5] == one.message
    assert report(minimize(bowl, [1.0, 2.0, 3.0, 4.0])).startswith("x[0]  ")


def test_a_report_of_many(batch):
    lines = report(batch).splitlines()
    assert lines[0] == "3 problems; medians of the 3 that succeeded"
    assert lines[1].split() == ["slope", "4"]
    assert lines[3].split(maxsplit=1) == ["waves[1]", "5.5, 2 at a bound"]
    assert lines[4].split() == ["height", "fixed"]
    assert lines[-1] == batch.message


@pytest.mark.parametrize(("value", "error", "shown"), [
    (2.50321, 0.01234, "2.503 +- 0.012"), (0.5, 0.0996, "0.50 +- 0.10"), (5.4, 35.2, "5 +- 35"),
    (2.3456e-7, 1.23e-8, "(2.35 +- 0.12)e-07"), (12345.0, 345.0, "(1.234 +- 0.035)e+04"),
    (0.0, 0.1, "0.00 +- 0.10"), (3.0, 0.0, "3 +- 0"), (3.0, np.inf, "3 +- inf"),
    (0.25, np.nan, "0.25"), (np.nan, 1.0, "nan"), (1.0, 1e-17, "1 +- 1e-17"),
])  # fmt: skip
def test_values_are_shown_to_the_place_of_their_errors(value, error, shown):
    lines = report({"x": np.array([value])}, {"stderr": np.array([error])})
    assert lines == f"x[0]  {shown}"


BAD = {
    "unknown bounds": ({"bounds": {"slop": (0, 1)}}, r"bounds must have.*got 'slop'.*'slope'"),
    "unknown fixed": ({"fixed": ["hight"]}, r"fixed must have.*got 'hight'.*'height'"),
    "fixed twice": ({"fixed": ["slope", "slope"]}, "fixed must have each name once, got 'slope'"),
    "all fixed": ({"fixed": list(START)}, "fixed must leave a parameter free"),
    "fixed values": ({"fixed": {"slope": 2.0}}, "fixed must be names"),
    "fixed numbers": ({"fixed": [1]}, "fixed must be names, got 1"),
    "no names": ({"x0": [1.0, 2.0], "fixed": ["a"]}, r"fixed is for x0 by name, got \['a'\]"),
    "bounds alone": ({"x0": [1.0], "bounds": {"a": (0, 1)}}, "bounds by name are for x0 by name"),
    "empty": ({"x0": {}}, "x0 must have a name at least"),
    "key": ({"x0": {1: 2.0}}, "x0 must have names that are text, got 1"),
    "value": ({"x0": {"a": "text"}}, r"x0\['a'\] must be real numbers, got 'text'"),
    "nothing": ({"x0": {"a": []}}, r"x0\['a'\] must not be empty"),
    "pair": ({"bounds": {"slope": 3}}, r"bounds\['slope'\] must be a \(min, max\), got 3"),
    "order": ({"bounds": {"slope": (2, 1)}}, r"bounds\['slope'\].*got \(2, 1\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    keywords, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message):
        minimize(**{"fun": bowl, "x0": START, **keywords})


def test_bad_rows():
    with pytest.raises(ValueError, match="x0 must have a row for each problem"):
        minimize_batch(bowl, {"a": 1.0})
    with pytest.raises(ValueError, match=r"x0\['b'\] must be a number, or have shape \(3,\)"):
        minimize_batch(bowl, {"a": np.ones(3), "b": np.ones(2)})


def test_bad_reports():
    with pytest.raises(TypeError, match="result must be"):
        report([1.0])
    with pytest.raises(TypeError, match="errors must be"):
        report({"x": np.ones(2)}, 0.1)
    with pytest.raises(ValueError, match=r"errors.stderr must have shape \(2,\), got \(3,\)"):
        report({"x": np.ones(2)}, {"stderr": np.ones(3)})
    with pytest.raises(ValueError, match=r"result.params must have 2 numbers.*got 1"):
        report({"x": np.ones(2), "params": {"a": 1.0}})
    assert fastadam.report is report

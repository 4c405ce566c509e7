"""The checks of the `fit` suite can fail, and right results pass them."""

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import OptimizeResult

from benchmarks.fit import many, one, suite
from benchmarks.harness.report import Options
from workloads import decays


def test_another_result_of_one_curve_is_found():
    theirs = scipy.optimize.curve_fit(decays.model, one.X, one.make_curve())
    assert one.find_difference(theirs, theirs) == ""
    assert "parameters" in one.find_difference((np.nextafter(theirs[0], 9), theirs[1]), theirs)
    assert "covariance" in one.find_difference((theirs[0], 1.001 * theirs[1]), theirs)


def test_errors_are_compared_where_no_bound_is_near():
    x = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 1e-9], [1.0, 1.0, 0.5]])
    stderr = np.full((3, 3), 0.1)
    at_bound = np.zeros((3, 3), dtype=bool)
    at_bound[2, 0] = True
    ours = OptimizeResult(x=x, stderr=1.01 * stderr, at_bound=at_bound)
    differences = many.compare_errors(ours, x, stderr)
    np.testing.assert_allclose(differences, np.full((1, 3), 0.01))


@pytest.mark.slow
def test_all_of_it_works():
    result = suite.run(Options(quick=True))
    assert {row.status for row in result.rows} == {"ok"}
    assert len(result.verdicts) == 9
    shares = [each for each in result.verdicts if "coverage" in each.what]
    assert all(each.reached for each in shares)

"""`clip_norm` at the ends of the range of numbers: the norm is the limit."""

import numpy as np
import pytest

from tests.api.minimize.helpers import INF, NAN, run


@pytest.mark.fault(number=9)
@pytest.mark.parametrize("steepness", [1.0, 1e154, 1e200, 1e300])
def test_a_clipped_step_has_the_norm_of_the_limit(steepness):
    slope = steepness * np.array([0.6, -0.8])
    result = run(
        lambda x: 0.0,
        [0.0, 0.0],
        lambda x: slope,
        method="sgd",
        lr=1.0,
        clip_norm=1.0,
        maxiter=1,
        return_all=True,
    )
    np.testing.assert_allclose(result.allvecs[1], [-0.6, 0.8], rtol=1e-15)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_gradients_that_are_not_finite_end_the_search_clipped_or_not(bad):
    result = run(jac=lambda x: np.array([1.0, bad, 1.0]), lr=0.1, clip_norm=1.0)
    assert (result.status, result.nit) == (3, 0)

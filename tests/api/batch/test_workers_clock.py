"""`max_seconds` counts for all workers together."""

import numpy as np
import pytest

from fastadam import minimize_batch
from tests.api.batch.workers import sent
from tests.api.minimize.helpers import FOREVER


def stalls(x, grad, slow):
    """A bowl, or a slope without end."""
    grad[0] = -1.0 if slow else 2.0 * x[0]
    return -x[0] if slow else x[0] ** 2


def call(slow, workers, **options):
    given = {"lr": 0.05, "maxiter": FOREVER, **options}
    x0 = np.ones((len(slow), 1))
    return minimize_batch(stalls, x0, (), slow, jac="in-place", options=given, workers=workers)


def not_begun(result, rows):
    return (
        np.isnan(result.fun[rows]).all()
        and (result.nfev[rows] == 0).all()
        and (result.status[rows] == 1).all()
        and (result.x[rows] == 1.0).all()
    )


@pytest.mark.parametrize("workers", [2, map, sent], ids=["2", "map", "sent"])
def test_rows_that_were_not_finished_say_so(workers):
    """The first row of a chunk is endless. Two processes may both begin one, or one be late."""
    slow = np.array([False, True, True] + [False] * 7)
    call(slow[:1], None)  # leaves the kernels on disk, where they are sooner than compiled
    result = call(slow, workers, max_seconds=0.6)
    assert result.success[0]
    begun = result.nfev[1:3] > 0
    assert begun[0]
    assert begun[1] <= (workers == 2)
    for k in 1 + np.flatnonzero(begun):
        assert (result.status[k], result.success[k]) == (1, False)
        assert 0 < result.nit[k] < FOREVER
        assert result.fun[k] == -result.x[k, 0] < -1.0
    if workers == 2:  # the other one did the rest, or was late
        assert (result.success | (result.status == 1)).all()
    else:
        assert not_begun(result, slice(2, None))
        assert result.message == (
            "9 of 10: Maximum time has been exceeded. "
            "1 of 10: Optimization terminated successfully."
        )

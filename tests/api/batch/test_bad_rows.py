"""Bad rows of a batch are their own concern."""

import numpy as np
import pytest
from scipy.optimize import Bounds

from tests.api.batch.batches import CHUNK, each_kind, identical, problems, run, same_alone
from tests.api.minimize.helpers import INF, NAN

# NumPy's scalars warn of what is not finite, in Python functions.
quietly = pytest.mark.filterwarnings("ignore:(invalid value|overflow):RuntimeWarning")


@quietly
@each_kind
@pytest.mark.parametrize("lr", ["auto", 0.05])
@pytest.mark.parametrize("form", ["in-place", "3-point"])
def test_bad_rows_among_good_ones(compiled, lr, form):
    size = 2 * CHUNK + 3 if compiled else 9
    x0, (a, y) = problems(size)
    low, high = np.full((size, 2), -5.0), np.full((size, 2), 5.0)
    options = {"lr": lr, "maxiter": 150, "compiled": compiled, "form": form, "threads": 2}
    good = np.ones(size, bool)
    bad = {"data": 1, "start": 2, "far": 4, "box": 5, "no box": 7, "weight": size - 1}
    good[list(bad.values())] = False
    y[1, 3] = NAN
    x0[2, 1] = NAN
    x0[4, 0] = INF
    low[4], high[4] = -INF, INF
    low[5, 0], high[5, 0] = 1.0, 0.999
    low[7, 1] = NAN
    a[-1] = INF
    bounds = Bounds(low, high)
    result = run(x0, (a, y), bounds=bounds, **options)
    expected = {1: 3, 2: 3, 4: 3, 5: 2, 7: 2, size - 1: 3}
    assert {k: result.status[k] for k in expected} == expected
    without = run(x0[good], (a[good], y[good]), bounds=Bounds(low[good], high[good]), **options)
    identical(result, without, good)
    assert np.isfinite(result.fun[good]).all()
    alone = 0, 1, 2, 3, 4, size - 1
    same_alone(
        result, x0, (a, y), alone, bounds=lambda k: Bounds(low[k], high[k]),
        form=form, compiled=compiled, lr=lr, maxiter=150,
    )  # fmt: skip
    for k in (5, 7):
        assert np.isnan(result.fun[k])
        assert np.isnan(result.jac[k]).all()
        assert not result.success[k]
        assert result.nit[k] == result.nfev[k] == result.njev[k] == 0
        np.testing.assert_array_equal(result.x[k], x0[k])
    assert not result.success[~good].any()
    assert f"4 of {size}: NaN or infinite result encountered." in result.message
    assert f"2 of {size}: The bounds hold no number." in result.message


@quietly
@each_kind
def test_bounds_that_hold_no_number(compiled):
    """`minimize` refuses them, so they are no result of a search."""
    x0, rows = problems(3)
    low, high = np.full((3, 2), -5.0), np.full((3, 2), 5.0)
    low[1, 0] = high[1, 0] = INF
    result = run(x0, rows, bounds=Bounds(low, high), compiled=compiled, maxiter=20)
    assert result.status[1] == 2
    assert result.status[0] != 2
    assert result.nfev[1] == 0


@quietly
@each_kind
def test_only_bad_rows(compiled):
    x0, rows = problems(3)
    result = run(np.full((3, 2), NAN), rows, compiled=compiled)
    assert (result.status == 3).all()
    assert result.message == "3 of 3: NaN or infinite result encountered."
    pairs = np.full((3, 2, 2), [1.0, 0.0])
    result = run(x0, rows, bounds=pairs, compiled=compiled)
    assert (result.status == 2).all()


@quietly
@each_kind
def test_the_message_counts_the_outcomes(compiled):
    """The most frequent first."""
    x0, (a, y) = problems(7)
    y[3] = NAN
    rates = np.array([0.05, 0.05, 1e-9, 0.05, 1e-9, 0.05, 0.05])
    result = run(x0, (a, y), lr=rates, maxiter=2000, compiled=compiled)
    assert result.message == (
        "4 of 7: Optimization terminated successfully. "
        "2 of 7: Maximum number of iterations has been exceeded. "
        "1 of 7: NaN or infinite result encountered."
    )
    assert result.status.tolist() == [0, 0, 1, 3, 1, 0, 0]
    np.testing.assert_array_equal(result.success, result.status == 0)

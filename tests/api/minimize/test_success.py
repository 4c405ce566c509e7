"""`success` is said of minima, of all of them, and of nothing else; and nothing has to say stop."""

import numba
import numpy as np
import pytest

import fastadam
from tests.api.minimize.helpers import run
from tests.api.minimize.scaled import GRADIENTS, PROBLEMS, make_peaks, peak, peak_in_place, search

each_gradient = pytest.mark.parametrize("gradient", GRADIENTS)
each_problem = pytest.mark.parametrize("name", PROBLEMS)

# Far more than arriving takes, and far less than the default limits allow.
PLENTY = 2_000


@each_gradient
@pytest.mark.parametrize("height", [1.0, 1e6, 1e12])
@pytest.mark.parametrize("constant", [0.0, 1.0, 1e6])
def test_a_steep_bowl_is_arrived_at(gradient, height, constant):
    def fun(x):
        return height * np.sum((x - 1.0) ** 2) + constant

    def jac(x):
        return 2.0 * height * (x - 1.0)

    result = run(fun, [3.0, -2.0, 0.5], jac if GRADIENTS[gradient] else None)
    assert result.success, result.message
    assert result.status == 0
    assert result.nfev < PLENTY
    np.testing.assert_allclose(result.x, 1.0, atol=1e-4)


@each_gradient
@pytest.mark.parametrize("amplitude", [1.0, 1e4, 1e8])
def test_fits_of_counts_are_arrived_at(gradient, amplitude):
    t, y, _, start = make_peaks(0.0, amplitude=amplitude)
    jac = GRADIENTS[gradient]
    result = fastadam.minimize_batch(peak_in_place if jac else peak, start, (t,), (y,), jac=jac)
    assert result.success.all(), result.message
    assert (result.nfev < PLENTY).all()


@each_problem
@each_gradient
def test_limits_have_no_part_in_ending_a_search_that_has_arrived(name, gradient):
    start = PROBLEMS[name].x0
    free, _ = search(name, start, gradient)
    assert free.success
    assert free.nfev < PLENTY
    limited, _ = search(name, start, gradient, maxiter=10**7, maxfev=10**8, max_seconds=1e4)
    assert (limited.nit, limited.nfev, limited.fun) == (free.nit, free.nfev, free.fun)
    roomy, _ = search(name, start, gradient, maxiter=2 * free.nit, maxfev=2 * free.nfev)
    assert roomy.success


@each_gradient
@pytest.mark.parametrize(
    ("limit", "word"), [({"maxiter": 2}, "iterations"), ({"maxfev": 12}, "evaluations")]
)
def test_a_search_that_is_cut_short_is_no_success(gradient, limit, word):
    result, _ = search("wood", PROBLEMS["wood"].x0, gradient, **limit)
    assert result.fun > 1e-3
    assert not result.success
    assert result.status == 1
    assert word in result.message


@numba.njit
def creased(x, kind):
    """Three functions with kinks: their minima are at 1, and 0 there."""
    if kind == 0:
        return np.sum(np.abs(x - 1.0))
    if kind == 1:
        return np.max(np.abs(x - 1.0))
    return np.sum((x - 1.0) ** 2) + 10.0 * abs(x[0] - x[1])


@numba.njit
def bumpy(x, kind):
    """Jumps, ripples and noise, all of them small."""
    u = x - 1.0
    f = np.sum(u * u)
    if kind == 0:
        return np.floor(1e6 * f) / 1e6
    if kind == 1:
        return f + 1e-4 * np.sum(1.0 - np.cos(1e3 * u))
    return f + 1e-7 * np.sin(1e9 * np.sum(x))


@pytest.mark.parametrize("function", [creased, bumpy], ids=["creased", "bumpy"])
@pytest.mark.parametrize("kind", range(3))
def test_kinks_jumps_ripples_and_noise_are_arrived_at(function, kind):
    result = fastadam.minimize(function, [3.0, -2.0, 0.5], args=(kind,))
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, atol=2e-2)
    assert result.fun < 1e-3


@numba.njit
def endless(x, kind):
    """Functions without a minimum."""
    if kind == 0:
        return -np.sum(x)
    if kind == 1:
        return -np.exp(x[0])
    return x[0] ** 3 + x[1] ** 2


@pytest.mark.parametrize("kind", range(3))
def test_what_has_no_minimum_is_no_success(kind):
    with np.errstate(all="ignore"):
        result = fastadam.minimize(endless, [-1.0, 2.0], args=(kind,))
    assert not result.success
    assert result.status in (3, 4)  # the value has overflowed, or falls without bound


@numba.njit
def plateau(x):
    """A basin whose slope cannot be seen from far out, but is there."""
    return -1e-3 / (1e-3 + np.sum((x - 1.0) ** 2))


def test_a_gentle_slope_is_no_minimum():
    result = fastadam.minimize(plateau, [30.0, -20.0])
    assert not result.success or result.fun < -0.99


@pytest.mark.parametrize("bounded", [False, True])
def test_a_minimum_on_a_bound_is_arrived_at(bounded):
    bounds = [(-4.0, 0.5)] * 2 if bounded else None
    result = run(
        lambda x: 1e6 * np.sum((x - 1.0) ** 2),
        [-1.2, 0.2],
        lambda x: 2e6 * (x - 1.0),
        bounds=bounds,
    )
    assert result.success
    assert result.nfev < PLENTY
    np.testing.assert_allclose(result.x, 0.5 if bounded else 1.0, atol=1e-6)


def test_ends_have_messages_of_their_own():
    """Each limit names itself."""
    start = PROBLEMS["wood"].x0
    limits = [{"maxiter": 2}, {"maxfev": 12}, {"max_seconds": 1e-9}]
    messages = {search("wood", start, "differences", **limit)[0].message for limit in limits}
    assert len(messages) == len(limits)

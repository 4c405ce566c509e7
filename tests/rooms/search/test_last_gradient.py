"""A search whose time is over before the gradient at its best point is not at its end.

Where the best point was seen by wide differences, or by its value alone, this gradient is the last
of all: the search has an outcome by then, and lacks only this.
"""

import os
import signal

import numba
import numpy as np
import pytest

import fastadam
from tests.api.minimize.compiled import X0
from tests.rooms.search.ticking import function, plain, same_bits, tick, ticks

#: The evaluations of the last gradient. A given one is known, unless it is a simplex that has found
#: the best point, and what it has gained is worth no descent.
OWN = {"in-place": 1, "2-point": 3, "3-point": 6}
OPTIONS = {"in-place": {"ftol": 0.5}, "2-point": {}, "3-point": {}}


@numba.njit
def kinked_value(x, grad):
    u = x - np.array([0.1, 0.2, 0.3])
    grad[:] = np.sign(u) * 0.5 / np.sqrt(np.abs(u) + 1e-300)
    across = u[0] - u[1]
    grad[0] += np.sign(across)
    grad[1] -= np.sign(across)
    return np.sqrt(np.abs(u)).sum() + abs(across)


def kinked(x, grad):
    tick()
    return kinked_value(x, grad)


@numba.njit
def kinked_ticking(x, grad):
    with numba.objmode():
        tick()
    return kinked_value(x, grad)


def solve(kind, jac, **options):
    """Solve one problem, alone or as a batch."""
    is_compiled = kind in ("compiled", "batch")
    options.update(OPTIONS[jac])
    if jac == "in-place":
        fun = kinked_ticking if is_compiled else kinked
    else:
        fun = function(jac, is_compiled)
    if kind in ("compiled", "python"):
        return fastadam.minimize(fun, X0, jac=jac, options=options)
    if kind == "vectorized":
        fun, options["vectorized"] = of_one(fun), True
    elif is_compiled:
        options["threads"] = 1
    return fastadam.minimize_batch(fun, X0[None], jac=jac, options=options)


def of_one(fun):
    """Return a function of one row."""
    return lambda x, *grad: np.array([fun(x[0], *[each[0] for each in grad])])


@pytest.mark.parametrize("jac", OWN)
@pytest.mark.parametrize("kind", ["compiled", "python", "batch", "python-batch", "vectorized"])
def test_without_time_for_the_last_gradient_time_is_over(kind, jac, tmp_path):
    """Each evaluation takes a second. What is left has a file, and from it the same end."""
    whole = solve(kind, jac)
    calls = int(np.sum(whole.nfev))
    assert np.isfinite(whole.jac).all()
    file = {} if kind == "vectorized" else {"checkpoint": tmp_path / "run"}
    for seconds in range(calls - OWN[jac], calls + 1):
        with ticks(seconds - 0.5 if kind == "batch" else 0.0):
            left = solve(kind, jac, max_seconds=seconds - 0.5, **file)
        assert np.sum(left.nfev) == seconds
        if seconds == calls:  # in time
            same_bits(left, whole)
            continue
        np.testing.assert_array_equal(left.x, whole.x)
        assert np.isnan(left.jac).all()
        assert (np.max(left.status), np.any(left.success)) == (1, False)
        assert "Maximum time has been exceeded." in left.message
        if file:
            assert os.listdir(tmp_path) == ["run"]
            same_bits(solve(kind, jac, **file), whole)
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("jac", ["2-point", "3-point"])
def test_a_last_gradient_is_taken_up_where_it_was_left(jac, tmp_path):
    """One evaluation for each call is enough to get to the end, and Ctrl-C does not wait."""
    whole, options = solve("python", jac), {"checkpoint": tmp_path / "run"}
    before = whole.nfev - OWN[jac]
    made = 0

    def interrupted(x):
        nonlocal made
        made += 1
        if made > before:
            signal.raise_signal(signal.SIGINT)
        return plain(x)

    for k in range(1, OWN[jac]):
        with ticks(), pytest.raises(KeyboardInterrupt) as interruption:
            fastadam.minimize(interrupted, X0, jac=jac, options=options)
        assert interruption.value.result.nfev == made == before + k
    with ticks():
        result = fastadam.minimize(plain, X0, jac=jac, options={"max_seconds": 1e-9, **options})
    same_bits(result, whole)
    assert os.listdir(tmp_path) == []


def test_a_search_that_its_callback_has_stopped_goes_on_from_there(tmp_path):
    """Whether or not there was time for the gradient: the file is from before the end."""
    whole, iterates = solve("python", "2-point"), []

    def stop(x):
        iterates.append(x)
        if len(iterates) == whole.nit:
            raise StopIteration

    for seconds in (whole.nfev - 2.5, 1e6):
        iterates.clear()
        options = {"checkpoint": tmp_path / "run", "max_seconds": seconds}
        with ticks():
            fastadam.minimize(plain, X0, callback=stop, jac="2-point", options=options)
        assert os.listdir(tmp_path) == ["run"]
        result = fastadam.minimize(plain, X0, jac="2-point", options=options)
        same_bits(result, whole)

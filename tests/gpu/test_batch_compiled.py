"""The searches' kernels with the types that they have on a GPU, compiled for the CPU."""

import numpy as np
import pytest

from fastadam._search.outcomes import CONVERGED, MAXFEV, RAISED
from tests.gpu.batches import (
    FORMS,
    NFEV,
    OUTCOME,
    T,
    assert_as_on_cpu,
    assert_same,
    decay,
    decays,
    make,
    misfit,
    misfit_in_place,
    on_cpu,
    on_gpu,
    problems,
)


@pytest.fixture(autouse=True, scope="module")
def _on_host():
    """Have the CPU take the GPU's place; a kernel takes seconds to compile, and is kept."""
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    from .host_searches import installed

    with installed():
        yield


def test_float64_has_the_bits_of_the_cpu():
    start, t, y, _ = decays(40)
    box = {"lower": [0.0, 0.05, 0.0], "upper": [4.0, 6.0, 1.0]}
    given = decay, start, (y,), (t,), "in-place"
    assert_as_on_cpu(*given, **box, lr=0.05, max_seconds=60.0)


@pytest.mark.parametrize("lr", [0.02])
def test_float32_fits_as_well(lr):
    """By values alone and by gradients; what float32 leaves open is far below the noise."""
    start, t, y, truth = decays(60, np.float32)
    box = {"lower": [0.0, 0.05, 0.0], "upper": [4.0, 6.0, 1.0]}
    exact = on_cpu(decay, start, (y,), (t,), "in-place", lr=lr, **box)
    error = np.median(abs(exact.x - truth))
    for fun, jac in ((decay, "in-place"), (value, "3-point")):
        options = {"dtype": np.float32, "lr": lr, "gtol": 2e-4, **box}
        batch = on_gpu(fun, start, (y,), (t,), jac, **options)
        np.testing.assert_array_equal(batch.x, batch.x.astype(np.float32))
        assert np.median(abs(batch.x - exact.x)) < 0.02 * error
        np.testing.assert_allclose(batch.fun, exact.fun, rtol=1e-3)


def value(p, t, y):
    total = 0.0
    for i in range(t.size):
        total += (p[0] * np.exp(-p[1] * t[i]) + p[2] - y[i]) ** 2
    return total


def square(x, centre):
    """Exact, in float64, at whatever point in float32."""
    return (float(x[0]) - centre) ** 2 + 0.5 * (float(x[1]) - centre) ** 2


@pytest.mark.parametrize("jac", ["2-point", "3-point"])
def test_differences_are_as_wide_as_float32_needs(jac):
    """And count the step that was made, not the one that was meant."""
    x0 = np.array([[3.0, 5.0], [1000.5, -1000.25], [1e-3, 1e5], [0.1, 2.0]])
    centre = 2.0 * abs(x0).max(axis=1) + 7.0
    options = {"lr": 0.1, "maxiter": 0, "dtype": np.float32}
    expected = np.array([2.0, 1.0]) * (x0.astype(np.float32).astype(float) - centre[:, None])
    for rel_step in (None, 1e-15):  # which would be lost in rounding
        options["finite_diff_rel_step"] = rel_step
        batch = on_gpu(square, x0, (centre,), (), jac, **options)
        np.testing.assert_allclose(batch.jac, expected, rtol=1e-3)


def test_bounds_in_float32_are_within_those_given():
    """0.1 and 0.7 are no float32 numbers; the nearest ones are outside."""
    start, t, y, _ = decays(8, np.float32)
    lower, upper = np.array([0.1, 0.1, 0.7]), np.array([0.1, 0.3, 1e300])
    assert float(np.float32(0.3)) > 0.3
    assert float(np.float32(0.7)) < 0.7
    batch = on_gpu(decay, start, (y,), (t,), "in-place", dtype=np.float32, lower=lower, upper=upper)
    assert (batch.x[:, 1:] >= lower[1:]).all()
    assert (batch.x[:, 1:] <= upper[1:]).all()
    assert batch.x[:, 1].max() == np.nextafter(np.float32(0.3), np.float32(0.0))
    assert batch.x[:, 2].min() == np.nextafter(np.float32(0.7), np.float32(1.0))
    np.testing.assert_array_equal(batch.x[:, 0], np.float32(0.1))  # fixed


def raises(x, fatal):
    if fatal and x[0] < 0.9:
        raise RuntimeError("in the middle")
    return x[0] ** 2


def test_an_exception_ends_them_all():
    """On a GPU it ends its thread, and no more is known."""
    x0, fatal = np.ones((5, 1)), np.arange(5) == 2
    batch = make(raises, x0, (fatal,), (), "2-point")
    with pytest.raises(RuntimeError, match=r'exception for problem 2; .* device="cpu"'):
        solve(batch)
    assert np.isnan(batch.results.fun).all()
    assert not np.isnan(on_gpu(raises, x0, (np.zeros(5, bool),), (), "2-point").fun).any()


@pytest.mark.fault(number=12)
def test_the_others_are_kept():
    """Those that the thread took before, and those that it takes when it is launched again."""
    x0, fatal = np.ones((7, 1)), np.isin(np.arange(7), [0, 2, 6])
    given = {"jac": "2-point", "lr": 0.01, "maxiter": 300}
    batch = on_gpu(raises, x0, (fatal,), (), on_error="nan", **given)
    assert (batch.counts[fatal] == [0, 0, 0, RAISED]).all()
    for found in (batch.x, batch.fun, batch.jac):
        assert np.isnan(found[fatal]).all()
    assert_same(batch, on_gpu(raises, x0[~fatal], (fatal[~fatal],), (), **given), ~fatal)


@pytest.mark.fault(number=32)
def test_a_schedule_is_asked_for_as_far_as_needed():
    """In order, each step once; what is wrong beyond is told only if it is needed."""
    x0, rows = problems(5)
    asked = []

    def lr(step):
        asked.append(step)
        return 0.1 if step <= 150 else np.nan

    given = {"jac": "in-place", "gtol": 0.0}
    batch = on_gpu(misfit_in_place, x0, rows, (T,), lr=lr, maxiter=150, **given)
    assert_same(batch, on_gpu(misfit_in_place, x0, rows, (T,), lr=0.1, maxiter=150, **given))
    assert asked == list(range(1, 151))
    given["gtol"], asked[:] = 1.0, []
    batch = on_gpu(misfit_in_place, x0, rows, (T,), lr=lr, maxiter=10**9, **given)
    assert (batch.counts[:, OUTCOME] == CONVERGED).all()
    assert len(asked) < 150
    with pytest.raises(ValueError, match=r"lr\(151\) must be finite and >= 0, got nan"):
        on_gpu(misfit_in_place, x0, rows, (T,), lr=lr, maxiter=10**9, jac="in-place", gtol=0.0)


@pytest.mark.fault(number=10)
@pytest.mark.parametrize("lr", [0.05])
@pytest.mark.parametrize("form", FORMS)
def test_maxfev_is_never_exceeded(form, lr):
    """Also where it is too little for the first gradient."""
    x0, rows = problems(4)
    fun, jac = FORMS[form]
    for maxfev in (1, 3, 7):
        batch = on_gpu(fun, x0, rows, (T,), jac, lr=lr, maxfev=maxfev, gtol=0.0)
        cpu = on_cpu(fun, x0, rows, (T,), jac, lr=lr, maxfev=maxfev, gtol=0.0)
        assert_same(batch, cpu)
        assert (batch.counts[:, NFEV] <= maxfev).all()
        assert (batch.counts[:, OUTCOME] == MAXFEV).all()


def solve(batch):
    from fastadam._batch.cuda import solve_on_device

    solve_on_device(*batch)


def pair(x):
    return x[0] ** 2, (2.0 * x[0],)


def text(x):
    return "a"


def three(x):
    return 1.0, 2.0, 3.0


@pytest.mark.parametrize(
    ("fun", "jac", "problem"),
    [
        (text, "2-point", r"fun must return a real number on a GPU, and returns Literal\[str\]"),
        (text, "in-place", r"fun cannot be compiled for the GPU with .*Signature mismatch"),
        (three, True, "fun must return a real number and a tuple of 2 numbers .*in-place"),
        (pair, True, "fun must return a real number and a tuple of 2 numbers"),
        (three, "cs", "fun must return a complex number for complex x on a GPU"),
        (bool, "2-point", "fun must be a function in Python"),
        (value, "2-point", "fun cannot be compiled for the GPU with .*float32, 1d, A"),
        (text, three, r"fun must return a real number on a GPU, and returns Literal"),
    ],
)
def test_functions_that_do_not_fit(fun, jac, problem):
    batch = make(fun, np.ones((3, 2)), (), (), jac, dtype=np.float32)
    with pytest.raises((ValueError, TypeError), match=problem):
        solve(batch)
    assert np.isnan(batch.results.fun).all()


def of_four(x, t, a, y):
    return 1.0, 2.0, 3.0


def test_a_gradient_of_another_length():
    batch = make(misfit, *problems(3), (T,), of_four)
    with pytest.raises(ValueError, match="jac must return a tuple of 2"):
        solve(batch)


def test_threads_take_no_more_memory_than_there_is(monkeypatch):
    from .host_searches import Cuda

    monkeypatch.setattr(Cuda, "free", 1)
    x0 = np.ones((3, 1))
    batch = on_gpu(raises, x0, (np.zeros(3, bool),), (), "2-point")
    assert not np.isnan(batch.fun).any()

"""The compiled search: threads, the forms of models, and published fits that are hard."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit

import fastadam
from benchmarks.functions import curve_fits as data
from fastadam._batch.threads import default_threads
from fastadam._fit.models import CompiledModel
from fastadam._fit.threads import choose_threads
from fastadam._numba import private
from fastadam.problems import fits


def test_one_thread_inside_of_a_worker():
    """Another thread than the main one may be a worker's, whose cores are at work already."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(choose_threads).result() == 1
    assert choose_threads() == default_threads()


def test_without_private_parts_scipy_fits(monkeypatch):
    x, y = np.linspace(0.0, 1.0, 5), np.array([[1.0, 2.0, 2.5, 4.0, 5.0]])
    model = njit(lambda t, a, b: a + b * t)
    monkeypatch.setattr(private, "is_usable", lambda: False)
    found = fastadam.curve_fit(model, x, y)
    slope, offset = np.polyfit(x, y[0], 1)
    np.testing.assert_allclose(found.x, [[offset, slope]], rtol=1e-6)


@pytest.mark.slow
def test_a_model_is_called_for_points_if_that_is_the_same():
    x, starts = np.linspace(0.0, 1.0, 7), np.ones((1, 2))
    for model, is_same in (
        (njit(lambda t, a, b: a + b * t), True),
        (njit(lambda t, a, b: a + b * t * np.size(t)), False),
        (njit(lambda t, a, b: a + b * t[::1]), False),
    ):
        assert (CompiledModel(model, None, x, starts, 7).form == "points") == is_same


@njit
def misra1a(x, a, b):
    return a * (1.0 - np.exp(-b * x))


@njit
def thurber(x, a, b, c, d, e, f, g):
    return (a + x * (b + x * (c + x * d))) / (1.0 + x * (e + x * (f + x * g)))


@njit
def eckerle4(x, a, b, c):
    return a / b * np.exp(-0.5 * ((x - c) / b) ** 2)


@njit
def mgh09(x, a, b, c, d):
    return a * x * (x + b) / (x * (x + c) + d)


@njit
def mgh10(x, a, b, c):
    return a * np.exp(b / (x + c))


#: NIST's data sets: model, x, y, starts, certified parameters and standard deviations.
CERTIFIED = {
    "misra1a": (
        misra1a, fits._PRESSURE, fits._VOLUME, [[500, 1e-4], [250, 5e-4]],
        [238.94212918, 5.5015643181e-4], [2.7070075241, 7.2668688436e-6],
    ),
    "thurber": (
        thurber, data.THURBER_X, data.THURBER_Y,
        [[1000, 1000, 400, 40, 0.7, 0.3, 0.03], [1300, 1500, 500, 75, 1, 0.4, 0.05]],
        [1288.1396800, 1491.0792535, 583.23836877, 75.416644291, 0.96629502864, 0.39797285797,
         0.049727297349],
        [4.6647963344, 39.571156086, 28.698696102, 5.5675370270, 0.031333340687, 0.014984928198,
         0.0065842344623],
    ),
    "eckerle4": (
        eckerle4, data.ECKERLE_X, data.ECKERLE_Y, [[1, 10, 500], [1.5, 5, 450]],
        [1.5543827178, 4.0888321754, 451.54121844],
        [0.015408051163, 0.046803020753, 0.046800518816],
    ),
    "mgh09": (
        mgh09, data.KOWALIK_U, data.KOWALIK_Y, [[25, 39, 41.5, 39], [0.25, 0.39, 0.415, 0.39]],
        [0.19280693458, 0.19128232873, 0.12305650693, 0.13606233068],
        [0.011435312227, 0.19633220911, 0.080842031232, 0.090025542308],
    ),
    "mgh10": (
        mgh10, 45.0 + 5.0 * np.arange(1, 17), data.MEYER_Y, [[2, 400000, 25000], [0.02, 4000, 250]],
        [5.6096364710e-3, 6.1813463463e3, 3.4522363462e2],
        [1.5687892471e-4, 2.3309021107e1, 7.8486103508e-1],
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CERTIFIED)
def test_certified_fits(name):
    """From both of NIST's starts, the far one too, with the certified standard deviations."""
    model, x, y, starts, parameters, deviations = CERTIFIED[name]
    found = fastadam.curve_fit(model, x, np.stack([y, y]), np.array(starts, float), maxfev=5000)
    assert found.success.all()
    np.testing.assert_allclose(found.x, [parameters] * 2, rtol=5e-4)
    np.testing.assert_allclose(found.stderr, [deviations] * 2, rtol=5e-4)

"""Certified parameters and standard deviations of NIST's Statistical Reference Datasets.

https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml
"""

from dataclasses import dataclass

import numpy as np
import pytest
from numba import njit

import fastadam


@dataclass(frozen=True)
class Certified:
    """A data set: its points, NIST's second start, and what is certified."""

    model: object
    x: list[float]
    y: list[float]
    start: list[float]
    parameters: list[float]
    deviations: list[float]
    squares: float


@njit
def power(x, b1, b2):
    return b1 * x**b2


@njit
def saturation(x, b1, b2):
    return b1 * (1 - np.exp(-b2 * x))


@njit
def quotient(x, b1, b2, b3, b4):
    return b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)


SETS = {
    "DanWood": Certified(
        power,
        [1.309, 1.471, 1.490, 1.565, 1.611, 1.680],
        [2.138, 3.421, 3.597, 4.340, 4.882, 5.660],
        [0.7, 4.0],
        [7.6886226176e-01, 3.8604055871e00],
        [1.8281973860e-02, 5.1726610913e-02],
        4.3173084083e-03,
    ),
    "BoxBOD": Certified(
        saturation,
        [1.0, 2.0, 3.0, 5.0, 7.0, 10.0],
        [109.0, 149.0, 149.0, 191.0, 213.0, 224.0],
        [100.0, 0.75],
        [2.1380940889e02, 5.4723748542e-01],
        [1.2354515176e01, 1.0455993237e-01],
        1.1680088766e03,
    ),
    "MGH09": Certified(
        quotient,
        [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625],
        [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246],
        [0.25, 0.39, 0.415, 0.39],
        [1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01],
        [1.1435312227e-02, 1.9633220911e-01, 8.0842031232e-02, 9.0025542308e-02],
        3.0750560385e-04,
    ),
}


def assert_certified(given, x, stderr):
    """Assert that parameters are right to a thousandth of an error, as by SciPy's tolerances."""
    assert np.all(abs(x - given.parameters) < 1e-3 * np.array(given.deviations))
    np.testing.assert_allclose(stderr, np.broadcast_to(given.deviations, x.shape), rtol=1e-3)


@pytest.mark.parametrize("name", SETS)
def test_one_curve_has_the_certified_errors(name):
    given = SETS[name]
    popt, pcov = fastadam.curve_fit(given.model.py_func, np.array(given.x), given.y, given.start)
    assert_certified(given, popt, np.sqrt(np.diag(pcov)))


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_many_curves_have_the_certified_errors(name):
    given = SETS[name]
    result = fastadam.curve_fit(given.model, given.x, [given.y] * 3, given.start)
    assert_certified(given, result.x, result.stderr)
    np.testing.assert_allclose(result.chi2, given.squares, rtol=1e-7)
    assert result.success.all()

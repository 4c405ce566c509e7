"""When a point is a minimum that was found before."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastadam._objective.layout import BEST_X, STATE
from fastadam._search.known import NOTHING, Known, is_known

KNOWN = Known(np.array([[1.0, -2.0], [5.0, 5.0]]), np.array([3.0, -1e6]), np.array([0.125, 0.5]))


@pytest.mark.parametrize(
    ("x", "f", "expected"),
    [
        ([1.0, -2.0], 3.0, True),
        ([1.125, -2.5], 3.0, True),
        ([1.126, -2.0], 3.0, False),
        ([1.0, -2.51], 3.0, False),
        ([1.0, -2.0], 3.0 + 3.9e-5, True),
        ([1.0, -2.0], 3.0 - 3.9e-5, True),
        ([1.0, -2.0], 3.0 + 4.1e-5, False),
        ([1.0, -2.0], 3.0 - 4.1e-5, False),
        ([5.0, 5.0], -1e6 + 9.0, True),
        ([5.0, 5.0], -1e6 + 11.0, False),
        ([5.0, 5.0], 3.0, False),  # the place of one, the value of another
        ([np.nan, -2.0], 3.0, False),
        ([1.0, -2.0], np.nan, False),
    ],
)
def test_a_known_minimum_is_near_in_each_coordinate_and_in_value(x, f, expected):
    vectors = np.zeros((STATE, 2))
    vectors[BEST_X] = x
    s = SimpleNamespace(best_f=f)
    assert bool(is_known(s, vectors, KNOWN)) is expected
    assert not is_known(s, vectors, NOTHING)

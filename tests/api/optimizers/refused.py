"""What is refused, and how tests say so."""

import numpy as np
import pytest

from tests.names import shown

NAN, INF = float("nan"), float("inf")

# Values that are wrong for any argument, and wherever a state dictionary of NAdam holds
# something else.
JUNK = [
    None,
    "1",
    b"1",
    1j,
    NAN,
    -1,
    object(),
    [0.5],
    {"w": 0.5},
    np.full(4, 0.5),
    np.array(1j),
    np.array([(1, 2.0)], "i4,f8")[0],
    np.array(None),
    np.array("2020-01-01", "M8[D]"),
    np.zeros(3, complex),
    np.zeros(3, "i4,f8"),
    np.zeros(3, object),
    np.zeros(3, "U5"),
    np.ma.zeros(3),
    np.zeros((3, 1)),
]


def assert_refused(words, call):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def row_name(row):
    return shown(row)[:50]

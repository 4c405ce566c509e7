"""What raises keeps nothing of a search."""

import gc
import weakref
from typing import NamedTuple

import numba
import numpy as np
import pytest

from fastadam import minimize, minimize_batch
from fastadam._search import search
from tests.api.minimize.compiled import rosen, rosen_der
from tests.api.minimize.helpers import MineError
from tests.api.minimize.test_compiled_exceptions import (
    fails,
    fails_der,
    fails_pair,
    fails_with_args,
)
from tests.rules import slow_if


class Data(NamedTuple):
    weights: np.ndarray
    shift: float


@numba.njit
def fails_in_place(x, grad):
    grad[:] = 0.0
    return fails(x)


@numba.njit
def fails_with_others(x, text, data, pair):
    return fails(x) + len(text) + data.weights[0] + pair[0][1]


@numba.njit
def too_long(x):
    return np.ones(x.size + 1)


X0 = np.array([-1.0, 1.0, 0.5])


FAILING = {
    "callable": (fails, rosen_der, tuple),
    "jac": (rosen, fails_der, tuple),
    "too-long": (rosen, too_long, tuple),
    "true": (fails_pair, True, tuple),
    "in-place": (fails_in_place, "in-place", tuple),
    "2-point": (fails, "2-point", tuple),
    "3-point": (fails, "3-point", tuple),
    "cs": (fails, "cs", tuple),
    "args": (fails_with_args, None, lambda: (np.ones(2),)),
    "others": (fails_with_others, None, lambda: ("text", Data(np.ones(1), 0.5), (np.ones(2), 1))),
}

# They are compiled for 3 s and more, and raise as others do.
LATER_KINDS = {"callable", "3-point", "cs"}


@pytest.mark.fault(number=29)
@pytest.mark.parametrize("solve", [minimize, minimize_batch])
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=slow_if(kind in LATER_KINDS)) for kind in FAILING]
)
def test_what_raises_keeps_nothing(kind, solve, monkeypatch):
    """Neither the search's own arrays nor the arguments'."""
    fun, jac, make_args = FAILING[kind]
    arrays = []
    begin = search.Search.__init__

    def recording(self, *given, **scalars):
        begin(self, *given, **scalars)
        arrays.extend((weakref.ref(self.record), weakref.ref(self.vectors)))

    monkeypatch.setattr(search.Search, "__init__", recording)
    for _ in range(3):
        args = make_args()
        parts = [part for each in args for part in (each if isinstance(each, tuple) else (each,))]
        arrays += [weakref.ref(part) for part in parts if isinstance(part, np.ndarray)]
        x0 = X0 if solve is minimize else np.tile(X0, (3, 1))
        with pytest.raises((MineError, ValueError), match=r"in the middle|one number for each"):
            solve(fun, x0, args, jac=jac, options={"lr": 0.01, "maxiter": 9})
        del args, parts
    gc.collect()
    assert len(arrays) >= 6
    assert [ref().shape for ref in arrays if ref() is not None] == []

"""Minima that were found before: a search that comes down to one of them may end there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types

from .._numba.options import register_jitable
from .._objective.layout import BEST_X
from ..typing import Matrix, Vector
from .auto import LOOKED
from .outcomes import KNOWN, RUNNING
from .state import MATRIX, VECTOR

#: How far apart values of one minimum may be, as a part of 1 + |f|.
F_TOLERANCE = 1e-5


class Known(NamedTuple):
    """The known minima, and how far apart in each coordinate points of one may be."""

    points: Matrix
    values: Vector
    tolerance: Vector


NOTHING = Known(np.zeros((0, 0)), np.zeros(0), np.zeros(0))


def known_type() -> Any:
    """Make Numba's type of `Known`."""
    return types.NamedTuple((MATRIX, VECTOR, VECTOR), Known)


@register_jitable
def compare(s, vectors, known):
    """End a search whose descent has ended at a known minimum, or let it go on."""
    if is_known(s, vectors, known):
        s.status = KNOWN
    else:
        s.status, s.compares = RUNNING, LOOKED


@register_jitable
def is_known(s, vectors, known):
    """Tell whether the best point is one of the known minima."""
    for k in range(known.values.size):
        f = known.values[k]
        same = abs(s.best_f - f) <= F_TOLERANCE * (1.0 + abs(min(s.best_f, f)))
        i = 0
        while same and i < vectors.shape[1]:
            same = abs(vectors[BEST_X, i] - known.points[k, i]) <= known.tolerance[i]
            i += 1
        if same:
            return True
    return False

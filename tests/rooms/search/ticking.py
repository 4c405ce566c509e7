"""A function that can halt its own search, or say how late it is, at each evaluation."""

from contextlib import contextmanager
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from fastadam._search import deadline, runs, search
from tests.api.minimize.compiled import rosen, rosen_der


class Hooks:
    """What happens at an evaluation."""

    now = 0.0
    halts_from = np.inf
    searches: list = []  # noqa: RUF012


def tick():
    Hooks.now += 1.0
    if Hooks.now >= Hooks.halts_from:
        for each in Hooks.searches:
            each.scalars.halt = 1


@numba.njit
def ticking(x):
    with numba.objmode():
        tick()
    return rosen(x)


@numba.njit
def ticking_in_place(x, grad):
    with numba.objmode():
        tick()
    grad[:] = rosen_der(x)
    return rosen(x)


def plain(x):
    tick()
    return rosen.py_func(x)


def plain_in_place(x, grad):
    tick()
    grad[:] = rosen_der.py_func(x)
    return rosen.py_func(x)


SCHEMES = ("in-place", "2-point", "3-point", "cs")


def function(scheme, is_compiled):
    if scheme == "in-place":
        return ticking_in_place if is_compiled else plain_in_place
    return ticking if is_compiled else plain


@contextmanager
def ticks(halts_from=0.0):
    """Have each evaluation take a second, by the solver's clocks, and then halt the search."""
    made, init = [], search.Search.__init__

    def recording(self, *given, **scalars):
        init(self, *given, **scalars)
        made.append(self)

    clock = SimpleNamespace(monotonic=lambda: Hooks.now)
    Hooks.now, Hooks.halts_from, Hooks.searches = 0.0, halts_from, made
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(search.Search, "__init__", recording)
        for module in (runs, deadline):
            monkeypatch.setattr(module, "time", clock)
        yield
    Hooks.halts_from, Hooks.searches = np.inf, []


ARRAYS = ("x", "fun", "jac", "nit", "nfev", "njev", "status")


def same_bits(one, other):
    for name in ARRAYS:
        assert np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes(), name

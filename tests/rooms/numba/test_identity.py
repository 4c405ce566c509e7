"""What tells one user's function from another, in every process."""

import textwrap
from types import FunctionType, ModuleType

import numba
import numpy as np
import pytest

from fastadam._numba.identity import identify

SOURCE = """
    SCALE, TABLE, KIND = 2.0, np.arange(3.0), np.float32

    @numba.njit
    def deepest(x):
        return SCALE * x + settings.inner.OFFSET

    @numba.njit
    def helper(x):
        return deepest(x) if x > 0 else helper(-x)

    def make(power):
        def fun(x, *, shift=0.5):
            return KIND(helper(x[0])) ** power + TABLE[1] + np.exp(shift) + math.pi
        return fun

    fun = make(3)
"""

#: What is changed in the source, each of which changes what a kernel does.
CHANGES = [
    ("SCALE, TABLE, KIND = 2.0", "SCALE, TABLE, KIND = 2"),
    ("SCALE, TABLE, KIND = 2.0", "SCALE, TABLE, KIND = np.float32(2.0)"),
    ("np.arange(3.0)", "np.arange(3)"),
    ("np.arange(3.0)", "np.repeat(np.arange(3.0), 2)[::2]"),
    ("np.float32", "np.float64"),
    ("SCALE * x", "x * SCALE"),
    ("@numba.njit\n    def deepest", "@numba.njit(fastmath=True)\n    def deepest"),
    ("make(3)", "make(4)"),
    ("shift=0.5", "shift=-0.5"),
    ("np.exp", "np.log"),
    ("math.pi", "math.e"),
    ("OFFSET", "OTHER"),
]


def made(source=SOURCE, offset=1.0, **names):
    """Return the function that a source ends with."""
    settings, inner = ModuleType("settings"), ModuleType("inner")
    settings.inner, inner.OFFSET, inner.OTHER = inner, offset, 5.0
    known = {"np": np, "numba": numba, "math": __import__("math"), "settings": settings, **names}
    exec(textwrap.dedent(source), known)
    return known["fun"]


def test_the_same_function_made_again_is_the_same():
    first = identify([made()])
    assert first is not None
    assert identify([made()]) == first
    assert identify([made(), made()]) != first
    assert identify([made("\n\n" + SOURCE)]) == first


@pytest.mark.parametrize(("old", "new"), CHANGES, ids=str)
def test_what_changes_it(old, new):
    assert old in SOURCE
    changed = identify([made(SOURCE.replace(old, new))])
    assert None is not changed != identify([made()])


def test_what_other_modules_say():
    assert None is not identify([made(offset=1.5)]) != identify([made()])


class Something:
    value = 1.0


@pytest.mark.parametrize(
    "value",
    [Something, Something(), (1, Something()), lambda x: x, np.array([None]), made, print],
    ids=lambda value: type(value).__name__,
)
def test_nothing_is_certain_of_other_things(value):
    """Of a function that is not compiled, `numba.extending` may say anything."""
    fun = made("def fun(x):\n    return thing", thing=value)
    assert isinstance(fun, FunctionType)
    assert (identify([fun]) is None) == (value is not print)
    assert identify([made("def fun(x):\n    import thing\n    return 1")]) is None

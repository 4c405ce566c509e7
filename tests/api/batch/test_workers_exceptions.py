"""What functions raise in a worker arrives in the caller; nothing else is begun then."""

import os

import numba
import numpy as np
import pytest

from fastadam import minimize_batch
from tests.api.batch.batches import fails
from tests.api.batch.workers import pools, sent  # noqa: F401
from tests.api.minimize.helpers import MineError

SIZE, AT = 40, 17


class OddError(Exception):
    """Is not made of its arguments, as pickle would have it."""

    def __init__(self, code, *, text):
        super().__init__(f"{text} ({code})")
        self.code = code


class BareError(Exception):
    """Has something that cannot be pickled."""

    def __init__(self):
        super().__init__("with a function", lambda: 0)
        self.held = (each for each in ())


def odd(x, fatal):
    if fatal:
        raise OddError(5, text="in the middle")
    return x[0] ** 2


def bare(x, fatal):
    if fatal:
        raise BareError
    return x[0] ** 2


def missing(x, fatal):
    if fatal:
        os.stat("no such file")
    return x[0] ** 2


def raised(fun, workers, kind):
    fatal = np.arange(SIZE) == AT
    with pytest.raises(Exception) as caught:  # noqa: PT011
        minimize_batch(fun, np.ones((SIZE, 1)), (), fatal, workers=workers)
    assert type(caught.value) is kind
    return caught.value


HERE = ("map", "sent", "threads.map")


@pytest.mark.parametrize(
    ("name", "compiled"),
    # A process takes seconds to compile it: see `test_batch_processes`.
    [*((name, True) for name in HERE), *((name, False) for name in (*HERE, "2", "spawn.map"))],
)
def test_exceptions_arrive(name, compiled, pools):  # noqa: F811
    fun = fails if compiled else fails.py_func
    error = raised(fun, pools[name], MineError)
    assert error.args == ("in the middle", 7)
    if name in ("2", "sent", "spawn.map"):
        assert "in a worker" in str(error.__cause__)
        assert "Traceback" in str(error.__cause__)
        assert compiled or ", in fails\n" in str(error.__cause__)


@pytest.mark.parametrize("workers", [map, sent], ids=["map", "sent"])
def test_exceptions_of_all_kinds(workers):
    error = raised(odd, workers, OddError)
    assert (str(error), error.code) == ("in the middle (5)", 5)
    error = raised(missing, workers, FileNotFoundError)
    assert error.filename == "no such file"
    error = raised(bare, workers, BareError)
    assert "with a function" in str(error)

    class LocalError(Exception):
        pass

    def fun(x, fatal):
        if fatal:
            raise LocalError(3)
        return x[0] ** 2

    assert raised(fun, workers, LocalError).args == (3,)
    assert raised(numba.njit(fun), workers, LocalError).args == (3,)


def test_arguments_that_cannot_be_unpacked():
    class Bomb:
        def __reduce__(self):
            return int, ("not a number",)

    with pytest.raises(ValueError, match="not a number"):
        minimize_batch(lambda x, _: x[0], np.ones((3, 1)), (Bomb(),), workers=sent)


def test_functions_that_cannot_be_compiled():
    fun = numba.njit(lambda x: "text")
    with pytest.raises(ValueError, match="fun must return a real number"):
        minimize_batch(fun, np.ones((3, 1)), workers=sent)


class Future:
    """A result to come, or an exception."""

    def __init__(self, log, value):
        self.log, self.value = log, value

    def result(self):
        self.log.append("asked")
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value()

    def cancel(self):
        self.log.append("cancelled")


@pytest.mark.parametrize("end", [KeyboardInterrupt, MineError])
def test_what_has_not_begun_is_called_off(end):
    log = []

    def futures(function, chunks):
        values = [lambda each=each: function(each) for each in chunks]
        values[2] = end()
        return [Future(log, value) for value in values]

    def lazy(function, chunks):
        try:
            for i, each in enumerate(chunks):
                if i == 2:
                    raise end
                log.append("asked")
                yield function(each)
        finally:
            log.append("closed")

    with pytest.raises(end):
        minimize_batch(lambda x: x[0] ** 2, np.ones((5, 1)), workers=futures)
    assert log == ["asked"] * 3 + ["cancelled"] * 5
    log.clear()
    with pytest.raises(MineError):  # of a row, not of the pool
        minimize_batch(fails.py_func, np.ones((5, 1)), (), np.arange(5) == 1, workers=lazy)
    assert log == ["asked"] * 2 + ["closed"]

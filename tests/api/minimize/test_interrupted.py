"""What leaves `minimize` as an exception carries the best point before it."""

import signal

import numpy as np
import pytest
from scipy.optimize import OptimizeResult, rosen, rosen_der

import fastadam
from tests.api.minimize import compiled
from tests.api.minimize.helpers import FOREVER, MineError, Recorder, forms, run
from tests.api.minimize.test_polish import BRIEFLY, each_polisher

START = [-1.2, 1.0]

each_form = pytest.mark.parametrize("form", forms(rosen, rosen_der))
each_error = pytest.mark.parametrize("error", [KeyboardInterrupt, MineError, SystemExit])


class Interrupted(Recorder):
    """Rosenbrock's function, until some call of it."""

    def __init__(self, calls, error):
        super().__init__(rosen)
        self.calls, self.error = calls, error

    def __call__(self, x):
        if len(self) == self.calls:
            raise self.error
        return super().__call__(x)

    def best(self):
        return min(map(rosen, self.points))


@pytest.mark.fault(number=14)
@each_form
@each_error
@pytest.mark.parametrize("lr", ["auto", 0.01])
def test_the_best_point_before(form, error, lr):
    fun = Interrupted(20, error)
    function, jac = forms(fun, rosen_der)[form]
    with pytest.raises(error) as caught:
        run(function, START, jac, lr=lr, return_all=True)
    result = caught.value.result
    assert isinstance(result, OptimizeResult)
    assert (result.status, result.success) == (98, False)
    assert result.message == f"Ended by {error.__name__}."
    assert result.fun == rosen(result.x) < rosen(START)
    assert result.jac.shape == (2,)
    if callable(jac) or jac is True:
        np.testing.assert_array_equal(result.jac, rosen_der(result.x))
        assert result.fun == fun.best()
        assert (result.nit, result.nfev, len(result.allvecs)) == (20, 20, 20)
    assert any(np.array_equal(x, result.x) for x in result.allvecs)


@pytest.mark.fault(number=14)
@each_form
def test_without_any_point_before(form):
    function, jac = forms(Interrupted(0, KeyboardInterrupt), rosen_der)[form]
    with pytest.raises(KeyboardInterrupt) as caught:
        run(function, START, jac)
    result = caught.value.result
    np.testing.assert_array_equal(result.x, START)
    assert np.isnan(result.fun)
    assert np.all(np.isnan(result.jac))


@pytest.mark.fault(number=14)
@each_polisher
@each_error
def test_the_best_point_of_a_polish(name, error):
    fun = Interrupted(130, error)
    with pytest.raises(error) as caught:
        run(fun, START, rosen_der, polish=name, gtol=0.0, **BRIEFLY)
    result = caught.value.result
    assert (result.status, result.success, result.first.status) == (98, False, 1)
    assert result.fun == rosen(result.x) == fun.best() <= result.first.fun
    assert result.nit == result.first.nit + result.polish.nit
    assert f"Ended by {error.__name__}." in result.message


@pytest.mark.fault(number=14)
def test_what_a_callback_raises():
    def callback(x):
        raise MineError

    for options in (BRIEFLY, {**BRIEFLY, "maxiter": 0, "polish": "BFGS"}):
        with pytest.raises(MineError) as caught:
            run(rosen, START, rosen_der, callback=callback, **options)
        assert caught.value.result.fun <= rosen(START)


@pytest.mark.fault(number=14)
def test_another_meaning_of_the_attribute_is_kept():
    class WithResultError(Exception):
        result = "theirs"

    class WithoutAttributesError(Exception):
        @property
        def result(self):
            return None

    for error in (WithResultError, WithoutAttributesError):
        before = error().result
        with pytest.raises(error) as caught:
            run(Interrupted(9, error), START, rosen_der)
        assert caught.value.result is before


@pytest.mark.fault(number=14)
def test_the_outermost_search_has_the_last_word():
    def outer(y):
        return fastadam.minimize(Interrupted(9, MineError), [5.0, y[0]], jac=rosen_der).fun

    with pytest.raises(MineError) as caught:
        run(outer, [3.0], "2-point")
    np.testing.assert_array_equal(caught.value.result.x, [3.0])


@pytest.mark.fault(number=14)
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")
def test_ctrl_c_in_a_compiled_loop():
    arguments = {"lr": 1e-9, "gtol": 0, "maxiter": FOREVER, "max_seconds": 60}
    compiled.run(lr=0.01, maxiter=2)  # Numba itself does not take an interruption well
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            compiled.run(**arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    result = caught.value.result
    assert result.status == 98
    assert result.nit > 0
    assert result.fun == compiled.rosen(result.x) < compiled.rosen(compiled.X0)
    np.testing.assert_allclose(result.jac, compiled.rosen_der(result.x))

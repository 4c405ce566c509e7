"""The default, lr="auto", converges untuned. Exact counts are nobody's promise."""

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from tests.api.minimize.helpers import CENTRE, METHODS, X0, forms, run

each_method = pytest.mark.parametrize("method", METHODS)


@each_method
def test_every_method_converges_untuned(method):
    result = run(method=method, weight_decay=0.0)
    assert result.success, result.message
    assert result.status == 0
    np.testing.assert_allclose(result.x, CENTRE, atol=1e-4)


@pytest.mark.parametrize("form", forms(rosen, rosen_der))
def test_every_form_of_the_gradient_converges_untuned(form):
    fun, jac = forms(rosen, rosen_der)[form]
    result = run(fun, [-1.2, 1.0], jac)
    assert result.success
    assert result.fun < 1e-4
    np.testing.assert_allclose(result.x, 1.0, atol=2e-2)


def test_the_complex_step_converges_untuned():
    result = run(lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2, [3, 3], "cs")
    assert result.success
    np.testing.assert_allclose(result.x, [3, 2], atol=1e-5)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("height", [1e-4, 1.0, 1e8])
def test_units_of_x_and_f_do_not_decide_whether_it_converges(scale, height):
    centre = scale * CENTRE
    result = run(
        lambda x: height * np.sum(((x - centre) / scale) ** 2),
        scale * X0,
        lambda x: 2 * height * (x - centre) / scale**2,
        gtol=1e-5 * height / scale,
    )
    start = height * np.sum((X0 - CENTRE) ** 2)
    assert result.success
    # It cannot know that 1e-6 is a long way: the default takes x for of order 1.
    assert result.fun <= (1e-3 if scale >= 1 else 1.0) * start


def test_an_option_of_none_is_its_default():
    nones = dict.fromkeys(["lr", "betas", "maxiter", "maxfev", "gtol", "ftol", "patience"])
    np.testing.assert_array_equal(run(**nones, disp=None, polish=None).x, run().x)
    assert "allvecs" not in run(return_all=None)

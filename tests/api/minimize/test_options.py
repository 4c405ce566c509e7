"""Options that are no numbers: unknown ones, and what is printed."""

import sys
import types

import numpy as np
import pytest
from scipy.optimize import OptimizeWarning

import fastadam
from tests.api.minimize.helpers import X0, quadratic, quadratic_der, run


@pytest.mark.parametrize(
    ("method", "options", "names"),
    [
        ("adam", {"rate": 0.1}, ["rate"]),
        ("adam", {"window": 1, "basis": 1}, ["basis", "window"]),
        ("sgd", {"betas": (0.9, 0.99)}, ["betas"]),
        ("radam", {"amsgrad": True}, ["amsgrad"]),
        ("adam", {"momentum": 0.9, "nesterov": True}, ["momentum", "nesterov"]),
        ("rmsprop", {"momentum_decay": None}, ["momentum_decay"]),
        ("adam", {1: 2}, ["1"]),
    ],
)
def test_unknown_options_give_a_warning_and_nothing_else(method, options, names):
    options = {"lr": 0.1, "maxiter": 3, **options}
    with pytest.warns(OptimizeWarning) as caught:
        result = fastadam.minimize(quadratic, X0, jac=quadratic_der, method=method, options=options)
    assert len(caught) == 1
    assert str(caught[0].message) == f"Unknown solver options: {', '.join(names)}"
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(result.x, run(method=method, lr=0.1, maxiter=3).x)


def test_the_options_stay_as_they_were():
    options = {"lr": 0.1, "maxiter": 3}
    fastadam.minimize(quadratic, X0, jac=quadratic_der, tol=0.1, options=options)
    assert options == {"lr": 0.1, "maxiter": 3}


def test_disp_prints_a_summary(capfd):
    result = run(lr=0.1, disp=True, maxiter=30)
    printed = capfd.readouterr()
    lines = [line.strip() for line in printed.out.splitlines()]
    assert lines == [
        result.message,
        f"Current function value: {result.fun:f}",
        f"Iterations: {result.nit}",
        f"Function evaluations: {result.nfev}",
        f"Gradient evaluations: {result.njev}",
    ]
    assert "it/s" in printed.err or "30" in printed.err  # the progress bar


def test_without_disp_it_says_nothing(capfd):
    run(lr=0.1, maxiter=30)
    run(disp=False)
    assert capfd.readouterr() == ("", "")


def test_disp_does_without_tqdm(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    run(lr=0.1, disp=True, maxiter=30)
    printed = capfd.readouterr()
    assert "Iterations: 30" in printed.out
    assert printed.err == ""


def test_disp_closes_its_bar_when_the_function_fails(monkeypatch):
    closed = []

    class Bar:
        def __init__(self, **_):
            pass

        def close(self):
            closed.append(self)

    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))

    def fun(x):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        run(fun, disp=True)
    assert len(closed) == 1

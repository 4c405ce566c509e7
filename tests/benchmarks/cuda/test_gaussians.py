"""Gaussian spots in the `cuda` suite: right fits pass, and each kind of a wrong one is found."""

import numpy as np
import pytest

from benchmarks.cuda import gaussians as cuda_gaussians
from benchmarks.cuda import spots
from benchmarks.harness.report import OK, Options
from tests.benchmarks.cuda.stand_in import StandIn, fit_nowhere, make_small


@pytest.fixture(scope="module")
def drawn():
    """The truth, images, and parameters that are off as little as can be."""
    truth, images = spots.make_images(6_000, seed=1)
    rng = np.random.default_rng(0)
    near = truth + spots.least_errors(truth) * rng.standard_normal(truth.shape)
    return truth, images, near


def shift(column, by, rows=slice(None)):
    def spoil(x):
        x[rows, column] += by

    return spoil


def test_right_fits_pass(drawn):
    truth, images, near = drawn
    assert cuda_gaussians.find_error(near, truth, images, near[:3_000]) == ""


@pytest.mark.parametrize(
    ("error", "spoil"),
    [
        ("1.00% of the fits are far from the truth", shift(1, 1.0, slice(None, None, 100))),
        ("100.00% of the fits are far from the truth", shift(4, np.nan)),
        ("the errors of x are 1.", shift(1, 0.05)),
        ("3.57% of the fits end higher", shift(1, 0.12, slice(0, 120))),
    ],
)
def test_wrong_fits_do_not(error, spoil, drawn):
    truth, images, near = drawn
    found = near.copy()
    spoil(found)
    assert error in cuda_gaussians.find_error(found, truth, images, near[:3_000])


def test_the_case(monkeypatch):
    make_small(monkeypatch)

    def measure(act):
        def solve(starts, images, device="cpu"):
            result = fit_nowhere(starts, images, device)
            if device == "cuda":
                act(starts, result)
            return result

        monkeypatch.setattr(cuda_gaussians, "solve", solve)
        (case,) = cuda_gaussians.cases(Options(quick=True))
        return case.measure(StandIn())

    def refuse(starts, result):
        raise ValueError("x0 must be elsewhere")

    result = measure(lambda starts, result: None)
    assert {row.status for row in result.rows} == {OK}
    assert "Gpufit publishes" in result.notes[0]
    for act, error in (
        (lambda starts, result: shift(1, 0.05)(result.x), "the errors of x"),
        (lambda starts, result: np.copyto(starts, result.x), "x0 was written to"),
    ):
        result = measure(act)
        errors = {row.contender: row.details.get("error") for row in result.rows}
        assert error in errors.pop(cuda_gaussians.OURS)
        assert list(errors.values()) == [None]
        assert result.verdicts[0].reached is False
    (verdict,) = measure(refuse).verdicts
    assert (verdict.reached, verdict.note.split(";")[0]) == (None, "x0 must be elsewhere")


def test_the_gradient_is_that_of_the_misfit():
    _, images = spots.make_images(20, seed=2)
    gradient = np.empty(5)
    for p, image in zip(spots.guess(images), images, strict=True):
        value = spots.misfit.py_func(p, gradient, image)
        assert value == pytest.approx(spots.misfits(p[None], image[None])[0])
        for k, step in enumerate(1e-5 * np.abs(p)):
            near = p + np.eye(5)[k] * step, p - np.eye(5)[k] * step
            higher, lower = (spots.misfits(each[None], image[None])[0] for each in near)
            assert gradient[k] == pytest.approx((higher - lower) / (2 * step), rel=1e-5, abs=1e-4)


def test_the_least_errors():
    """Of a spot in the middle, which is symmetric: its place is found without the others."""
    least = spots.least_errors(np.array([[500.0, 2.0, 2.0, 1.0, 10.0]]))[0]
    place = np.arange(5.0) - 2.0
    spot = np.exp(-0.5 * (place[:, None] ** 2 + place**2))
    by_x = 500.0 * spot * place
    assert least[1] == pytest.approx(spots.NOISE / np.sqrt(np.sum(by_x**2)))
    assert least[1] == pytest.approx(least[2])

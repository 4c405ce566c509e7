import numpy as np
import pytest
from scipy.optimize import check_grad

from workloads import decays
from workloads.decays import (
    LOWER,
    NOISE,
    TIMES,
    UPPER,
    guess,
    make_scene,
    misfit,
    misfit_alone,
    model,
)


@pytest.fixture(scope="module")
def scene():
    return make_scene(1000, seed=3)


@pytest.mark.parametrize(
    ("pixels", "shape"), [(100_000, (250, 400)), (1000, (25, 40)), (1, (1, 1)), (2, (1, 2))]
)
def test_the_image_is_8_by_5_and_has_about_so_many_pixels(monkeypatch, pixels, shape):
    monkeypatch.setattr(decays, "TIMES", TIMES[:2])  # 100,000 pixels of all frames take a while
    made = make_scene(pixels, seed=0)
    assert made.shape == shape
    assert made.truth.shape == (shape[0] * shape[1], 3)


def test_the_frames_are_the_decay_and_noise(scene):
    a, r, c = scene.truth.T[:, :, None]
    noise = scene.y - (a * np.exp(-r * TIMES) + c)
    assert noise.std() == pytest.approx(NOISE, rel=0.02)
    assert abs(noise.mean()) < 0.02 * NOISE


@pytest.mark.parametrize("seed", range(5))
def test_the_true_values_are_within_the_bounds_and_some_are_at_one(seed):
    truth = make_scene(2000, seed).truth
    assert np.all((truth >= LOWER) & (truth <= UPPER))
    assert truth[:, 0].min() > 10 * NOISE  # or the rate could not be told
    assert 0.1 < np.mean(truth[:, 2] == LOWER[2]) < 0.6


def test_the_seed_decides(scene):
    again, other = make_scene(1000, seed=3), make_scene(1000, seed=4)
    assert np.array_equal(again.y, scene.y)
    assert not np.array_equal(other.truth, scene.truth)


def test_the_map_does_not_depend_on_the_number_of_pixels():
    # Of the middle one of three by three pixels, the middle is that of the coarse one.
    coarse, fine = make_scene(1000, seed=1), make_scene(9000, seed=1)
    assert fine.shape == (75, 120)
    middles = fine.truth.reshape(75, 120, 3)[1::3, 1::3]
    np.testing.assert_allclose(middles, coarse.truth.reshape(25, 40, 3), rtol=1e-12)


def test_the_guess_is_near_and_within_the_bounds(scene):
    start = guess(scene.y)
    assert np.all((start >= LOWER) & (start <= UPPER))
    assert np.all(np.median(abs(start - scene.truth), axis=0) < [0.1, 0.4, 0.1])
    flat = guess(np.zeros((1, TIMES.size)))
    assert np.array_equal(flat, [LOWER])


def test_the_gradient_is_that_of_the_mean_square(scene):
    y = scene.y[7]

    def value(p):
        return misfit(p, np.empty(3), TIMES, y)

    def gradient(p):
        grad = np.full(3, np.nan)
        misfit(p, grad, TIMES, y)
        return grad

    p = np.array([1.3, 0.8, 0.2])
    assert misfit_alone(p, TIMES, y) == value(p)
    assert value(p) == pytest.approx(np.mean((model(TIMES, *p) - y) ** 2), rel=1e-13)
    assert check_grad(value, gradient, p) < 1e-6


def test_float32_stays_float32(scene):
    grad = np.empty(3, np.float32)
    found = misfit(scene.truth[7].astype("f4"), grad, TIMES.astype("f4"), scene.y[7].astype("f4"))
    (signature,) = [s for s in misfit.nopython_signatures if s.args[1].dtype.bitwidth == 32]
    assert str(signature.return_type) == "float32"
    assert found == pytest.approx(misfit(scene.truth[7], np.empty(3), TIMES, scene.y[7]), rel=1e-5)

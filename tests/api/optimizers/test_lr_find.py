"""The range test: what it suggests, that it is undone, and what it refuses."""

import numpy as np
import pytest

import fastadam
from fastadam.schedules import Cosine
from tests.api.optimizers.refused import NAN, assert_refused

INF = np.inf


def quadratic(x, bend=1.0):
    return lambda: (0.5 * bend * float(np.sum(x**2)), bend * x)


@pytest.mark.parametrize("bend", [1.0, 100.0])
def test_a_rate_of_gradient_descent_follows_the_curvature(bend):
    """Which converges below 2/bend, and fastest at 1/bend."""
    x = np.full(20, 3.0)
    rate = fastadam.lr_find(fastadam.SGD(x), quadratic(x, bend), 1e-5 / bend, 100.0 / bend)
    assert 0.01 / bend < rate < 2.0 / bend


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_rate_of_adam_follows_the_size_of_the_parameters(scale):
    x = np.full(20, scale)
    rate = fastadam.lr_find(fastadam.Adam(x), quadratic(x), 1e-6 * scale, 10.0 * scale)
    assert 0.01 * scale < rate < 2.0 * scale


def test_the_curve():
    x = np.full(5, 3.0)
    optimizer = fastadam.SGD(x)
    rate, curve = fastadam.lr_find(optimizer, quadratic(x), 3e-4, 1e5, 71, return_curve=True)
    np.testing.assert_allclose(curve.rates, np.geomspace(3e-4, 1e5, 71)[: curve.rates.size])
    assert rate in curve.rates
    assert 5 < curve.rates.size == curve.losses.size == curve.smoothed.size < 71  # ended early
    assert curve.losses[0] == curve.smoothed[0] == pytest.approx(22.5)
    # Independently: losses of gradient descent, and the average with its bias taken out.
    y, average = 3.0, 0.0
    for k, (step, loss) in enumerate(zip(curve.rates, curve.losses, strict=True), 1):
        assert loss == pytest.approx(2.5 * y**2, rel=1e-12)
        average = 0.9 * average + 0.1 * loss
        assert curve.smoothed[k - 1] == pytest.approx(average / (1.0 - 0.9**k))
        y -= step * y
    assert curve.losses[-1] > 4.0 * curve.losses[0] > curve.losses[-2]


class Stop(BaseException):
    pass


@pytest.mark.parametrize("ends", [None, 7])
def test_everything_is_as_before(ends):
    """After an exception too; and training then goes on as if nothing had been."""
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(4, 3)), rng.normal(size=3).astype(np.float32)
    schedule = Cosine(0.1, 50)
    optimizer = fastadam.Adam(
        [{"params": {"w": w}, "lr": schedule}, {"params": [b], "lr": 0.3, "betas": (0.8, 0.9)}]
    )
    for _ in range(3):
        optimizer.step([{"w": w.copy()}, [b.copy()]])
    calls = []

    def evaluate():
        calls.append(0)
        if len(calls) == ends:
            raise Stop
        loss = float(np.sum(w**2) + np.sum(b**2))
        return loss, [{"w": 2 * w}, [2 * b]]

    def everything():
        state = optimizer.state_dict()
        arrays = {key: np.asarray(value).tobytes() for key, value in state.items()}
        return w.tobytes(), b.tobytes(), arrays, [group["lr"] for group in optimizer.param_groups]

    before = everything()
    if ends is None:
        fastadam.lr_find(optimizer, evaluate)
    else:
        with pytest.raises(Stop):
            fastadam.lr_find(optimizer, evaluate)
    assert len(calls) > 5
    assert everything() == before
    assert optimizer.param_groups[0]["lr"] is schedule


def test_noise_is_averaged():
    rng = np.random.default_rng(0)
    x = np.full(50, 2.0)

    def evaluate():
        noise = rng.normal(size=50)
        return float(np.sum((x + 0.3 * noise) ** 2)), 2 * (x + 0.3 * noise)

    assert 0.01 < fastadam.lr_find(fastadam.Adam(x), evaluate) < 1.0


@pytest.mark.parametrize("loss", [NAN, INF])
def test_a_loss_that_is_not_finite_ends_it(loss):
    x, calls = np.full(5, 3.0), []

    def evaluate():
        calls.append(0)
        return (loss if len(calls) > 60 else float(np.sum(x**2))), 2 * x

    _, curve = fastadam.lr_find(fastadam.Adam(x), evaluate, return_curve=True)
    assert curve.rates.size == 61
    assert not np.isfinite(curve.losses[-1])
    assert (x == 3.0).all()


GOOD = {"first": 1e-6, "last": 1.0, "steps": 20, "smoothing": 0.5}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": 3}, ["optimizer", "3"]),
        ({"evaluate": "loss"}, ["evaluate", "'loss'"]),
        ({"first": 0.0}, ["first", "0.0"]),
        ({"first": NAN}, ["first", "nan"]),
        ({"last": 1e-7}, ["last", "1e-07"]),
        ({"last": INF}, ["last", "inf"]),
        ({"steps": 4}, ["steps", "4"]),
        ({"steps": 10.5}, ["steps", "10.5"]),
        ({"smoothing": 1.0}, ["smoothing", "1.0"]),
        ({"return_curve": 1}, ["return_curve", "1"]),
        ({"evaluate": lambda: (NAN, np.ones(2))}, ["the loss", "nan"]),
        ({"evaluate": lambda: ("low", np.ones(2))}, ["the loss", "'low'"]),
        ({"evaluate": lambda: (1.0, np.ones(2))}, ["the loss", "fall"]),
        ({"evaluate": lambda: (1.0, np.ones(3))}, ["grads", "(3,)"]),
    ],
)
def test_what_is_refused(change, words):
    x = np.ones(2)
    arguments = {"optimizer": fastadam.SGD(x), "evaluate": quadratic(x), **GOOD, **change}
    assert_refused(words, lambda: fastadam.lr_find(**arguments))
    assert (x == 1.0).all()

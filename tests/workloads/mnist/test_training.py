import math

import numpy as np
import pytest

from examples.mnist.settings import DEFAULT_RATES, OPTIMIZERS, Settings
from workloads.mnist.data import load_bundled_digits, load_data
from workloads.mnist.training import compute_accuracy, train


@pytest.fixture(scope="module")
def digits():
    return load_bundled_digits()


def run(settings, data, epochs):
    model = settings.make_model(data)
    optimizer = settings.make_optimizer(model)
    history = list(
        train(
            model,
            optimizer,
            data,
            epochs=epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
        )
    )
    return model, optimizer, history


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_learns_the_bundled_digits(digits, name):
    model, optimizer, history = run(Settings(name, batch_size=32), digits, 10)
    assert type(optimizer) is OPTIMIZERS[name]
    assert [result.epoch for result in history] == list(range(1, 11))
    assert history[-1].loss < history[0].loss / 2
    assert min(history[-1].accuracy, history[-1].averaged_accuracy) >= 0.9
    test = digits.x_test, digits.y_test
    assert history[-1].accuracy == compute_accuracy(model, model.params, *test)
    assert history[-1].averaged_accuracy == compute_accuracy(model, model.average, *test)
    assert all(result.seconds > 0 for result in history)


def test_mnist_is_learnt(real_mnist):
    data = load_data(real_mnist)
    assert (len(data.x_train), len(data.x_test)) == (60_000, 10_000)
    _, _, (result,) = run(Settings(), data, 1)
    assert min(result.accuracy, result.averaged_accuracy) >= 0.93


def test_equal_seeds_give_equal_runs(digits):
    (model, _, history), (again, _, history_again), (other, _, _) = (
        run(Settings(seed=seed), digits, 2) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(model.flat_params, again.flat_params)
    assert [r.loss for r in history] == [r.loss for r in history_again]
    assert (model.flat_params != other.flat_params).any()


class Recorder:
    """An optimiser that takes no step and remembers the gradients' sizes."""

    def __init__(self):
        self.steps = 0

    def step(self, grads):
        assert np.isfinite(grads).all()
        self.steps += 1


@pytest.mark.parametrize("batch_size", [1, 64, 1436, 1437, 5000])
def test_every_example_counts_once_an_epoch(digits, batch_size):
    model = Settings(hidden=8).make_model(digits)
    optimizer = Recorder()
    (result,) = train(model, optimizer, digits, epochs=1, batch_size=batch_size)
    assert optimizer.steps == math.ceil(len(digits.x_train) / batch_size)
    # Without steps, the epoch's average is the loss of the whole training set.
    p = {name: array.astype(np.float64) for name, array in model.params.items()}
    logits = np.maximum(digits.x_train @ p["w1"] + p["b1"], 0) @ p["w2"] + p["b2"]
    of_target = np.take_along_axis(logits, digits.y_train[:, None], axis=1)[:, 0]
    expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - of_target)
    assert result.loss == pytest.approx(expected, rel=1e-5)


def test_the_order_depends_on_the_seed_and_the_number_of_the_epoch(digits):
    losses = set()
    for seed in (0, 1):
        for first_epoch in (1, 2):
            model = Settings(hidden=8).make_model(digits)
            optimizer = Settings("sgd").make_optimizer(model)
            order = {"seed": seed, "first_epoch": first_epoch}
            (result,) = train(model, optimizer, digits, epochs=1, **order)
            assert result.epoch == first_epoch
            losses.add(result.loss)
    assert len(losses) == 4


def test_progress_sees_every_batch_of_every_epoch(digits):
    seen = []

    def progress(batches):
        for start in batches:
            seen.append(start)
            yield start

    model = Settings(hidden=8).make_model(digits)
    list(train(model, Recorder(), digits, epochs=2, batch_size=500, progress=progress))
    assert seen == [0, 500, 1000] * 2


def test_a_diverging_run_shows_it_in_its_loss(digits):
    model = Settings(hidden=8).make_model(digits)
    optimizer = OPTIMIZERS["sgd"](model.flat_params, lr=1e30)
    *_, result = train(model, optimizer, digits, epochs=2)
    assert not math.isfinite(result.loss)


@pytest.mark.parametrize(
    ("batch_size", "averaged"), [(8, [96, 112, 128, 144, 160, 176]), (64, [16])]
)
def test_the_average_is_over_the_second_half_of_the_last_epoch(digits, batch_size, averaged):
    model = Settings(hidden=8).make_model(digits)
    passed = []

    class Walker:
        def step(self, grads):
            passed.append(model.flat_params.copy())
            model.flat_params += 1.0

    list(train(model, Walker(), digits, epochs=2, batch_size=batch_size))
    last = passed[len(passed) // 2 :]
    expected = np.mean([*(last[i] + 1.0 for i in averaged), model.flat_params], axis=0)
    average = np.concatenate([array.ravel() for array in model.average.values()])
    np.testing.assert_allclose(average, expected, rtol=1e-5)


def test_each_optimiser_has_a_default_rate():
    assert DEFAULT_RATES.keys() == OPTIMIZERS.keys()
    for name, rate in DEFAULT_RATES.items():
        assert Settings(name).lr == rate


@pytest.mark.parametrize(
    "bad",
    [
        {"optimizer": "lion"},
        {"lr": -1.0},
        {"lr": math.nan},
        {"lr": math.inf},
        {"batch_size": 0},
        {"hidden": 0},
        {"seed": -1},
        {"optimizer": "sgd", "momentum": 1.0},
        {"momentum": 0.9},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(bad):
    *_, value = bad.values()
    with pytest.raises(ValueError, match=str(value)):
        Settings(**bad)

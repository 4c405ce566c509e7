import tracemalloc

import numpy as np
import pytest

from workloads.mnist.model import MLP, Batch


def make_batch(model, rows, rng):
    batch = Batch(model, rows)
    batch.x[...] = rng.uniform(0, 1, batch.x.shape)
    batch.y[...] = np.eye(batch.y.shape[1])[rng.integers(0, batch.y.shape[1], rows)]
    return batch


def reference_loss(model, batch):
    """Mean cross-entropy as the textbook has it."""
    p = model.params
    hidden = np.maximum(batch.x @ p["w1"] + p["b1"], 0)
    logits = hidden @ p["w2"] + p["b2"]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.mean(np.log(probabilities[batch.y == 1]))


def test_loss_and_gradient_agree_with_finite_differences():
    rng = np.random.default_rng(1)
    model = MLP(7, 5, 4, seed=2, dtype=np.float64)
    batch = make_batch(model, 6, rng)
    loss = model.compute_gradients(batch)
    assert loss == pytest.approx(reference_loss(model, batch), rel=1e-13)
    step = 1e-6
    expected = np.empty_like(model.flat_params)
    for i, value in enumerate(model.flat_params):
        model.flat_params[i] = value + step
        above = reference_loss(model, batch)
        model.flat_params[i] = value - step
        below = reference_loss(model, batch)
        model.flat_params[i] = value
        expected[i] = (above - below) / (2 * step)
    assert np.count_nonzero(expected) > expected.size / 2
    np.testing.assert_allclose(model.flat_grads, expected, rtol=0, atol=1e-9)


def test_parameters_and_gradients_are_views_of_the_flat_arrays():
    model = MLP(7, 5, 4)
    for flat, views in ((model.flat_params, model.params), (model.flat_grads, model.grads)):
        assert flat.dtype == np.float32
        assert flat.size == 7 * 5 + 5 + 5 * 4 + 4
        assert [view.shape for view in views.values()] == [(7, 5), (5,), (5, 4), (4,)]
        flat[...] = np.arange(flat.size)
        joined = np.concatenate([view.ravel() for view in views.values()])
        np.testing.assert_array_equal(joined, flat)


def test_large_logits_do_not_overflow():
    model = MLP(3, 4, 2, dtype=np.float32)
    batch = make_batch(model, 5, np.random.default_rng(0))
    model.flat_params *= 1e4
    loss = model.compute_gradients(batch)
    assert np.isfinite(loss)
    assert np.isfinite(model.flat_grads).all()


def test_a_batch_is_computed_without_large_allocations():
    model = MLP(200, 100)
    batch = make_batch(model, 500, np.random.default_rng(0))
    model.compute_gradients(batch)
    tracemalloc.start()
    model.compute_gradients(batch)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # NumPy itself buffers up to 8,192 elements of what it broadcasts.
    assert peak < 40_000 < batch.hidden.nbytes


def test_equal_seeds_give_equal_models():
    first, same, other = (MLP(6, 5, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.flat_params, same.flat_params)
    assert (first.flat_params != other.flat_params).any()


@pytest.mark.parametrize("rows", [0, 1, 1999, 2000, 2001, 4100])
def test_predict_gives_the_class_of_every_row(rows):
    model = MLP(6, 5)
    x = np.random.default_rng(0).uniform(0, 1, (rows, 6)).astype(np.float32)
    p = model.params
    logits = np.maximum(x @ p["w1"] + p["b1"], 0) @ p["w2"] + p["b2"]
    predicted = model.predict(x, model.params)
    chosen = np.take_along_axis(logits, predicted[:, None], axis=1)[:, 0]
    # Chunks of other heights may round a tie the other way.
    np.testing.assert_allclose(chosen, logits.max(axis=1), rtol=1e-5)

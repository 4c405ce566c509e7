"""Packing arrays into one buffer."""

import numpy as np
import pytest

import fastadam
from tests.api.optimizers.refused import assert_refused


@pytest.mark.parametrize("dtype", [np.float32, np.float64, None])
def test_views_show_the_buffer_in_order(dtype):
    w = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    arrays = {"w": np.asfortranarray(w), "empty": np.empty((0, 4), np.float32), "s": np.array(9)}
    flat, views = fastadam.pack(arrays, dtype)
    assert list(views) == ["w", "empty", "s"]
    assert flat.dtype == (dtype or np.float64)  # of float32 and int64
    np.testing.assert_array_equal(flat, [0, 1, 2, 3, 4, 5, 9])
    flat[:] = -1.0
    assert (views["w"] == -1.0).all()
    assert views["s"] == -1.0
    assert (w >= 0).all()
    for key, view in views.items():
        assert view.shape == arrays[key].shape
        assert view.flags.c_contiguous
        assert view.base is flat


def test_structures_are_kept():
    one, many = np.ones(3), [np.ones(2), np.zeros((1, 1))]
    assert fastadam.pack(one)[1].shape == (3,)
    assert [view.shape for view in fastadam.pack(many)[1]] == [(2,), (1, 1)]
    assert [view.shape for view in fastadam.pack(tuple(many))[1]] == [(2,), (1, 1)]


def test_packed_and_unpacked_steps_agree_bit_for_bit():
    rng = np.random.default_rng(0)
    shapes = {"w": (7, 5), "b": (5,), "s": ()}
    params = {key: rng.standard_normal(shape) for key, shape in shapes.items()}
    flat, views = fastadam.pack(params)
    flat_gradient, gradients = fastadam.pack(params)
    packed, unpacked = fastadam.RAdam(flat, lr=0.1), fastadam.RAdam(params, lr=0.1)
    for _ in range(12):
        flat_gradient[:] = rng.standard_normal(flat.size)
        packed.step(flat_gradient)
        unpacked.step(gradients)
    for key in shapes:
        assert views[key].tobytes() == params[key].tobytes()


@pytest.mark.parametrize(
    ("arrays", "keywords", "words"),
    [
        ([1.0], {}, ["arrays[0]", "1.0"]),
        ({"w": [1.0]}, {}, ["arrays['w'][0]", "1.0"]),
        (np.ones(3, int), {}, ["dtype", "int64"]),
        (np.ones(3), {"dtype": np.float16}, ["dtype", "float16"]),
        (np.ones(3, complex), {"dtype": np.float64}, ["arrays", "complex128"]),
        (np.ma.ones(3), {}, ["arrays", "array"]),
        ([], {}, ["arrays", "[]"]),
        (3, {}, ["arrays", "3"]),
    ],
)
def test_pack(arrays, keywords, words):
    assert_refused(words, lambda: fastadam.pack(arrays, **keywords))

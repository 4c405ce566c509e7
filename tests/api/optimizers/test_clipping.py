"""clip_norm and clip_value: gradients that are too long, or have elements that are too large."""

import math

import numpy as np
import pytest

import fastadam

SHAPES = [(300, 60), (7,), (), (40_000,), (0,)]


def make_arrays(dtype, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return [np.asarray(scale * rng.standard_normal(shape)).astype(dtype) for shape in SHAPES]


def exact_norm(arrays):
    """Compute the norm in extended range and precision."""
    squares = (np.square(array.astype(np.longdouble)).sum() for array in arrays)
    return np.sqrt(sum(squares, np.longdouble(0)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_norm_is_a_step_with_scaled_gradients(dtype):
    params, expected = make_arrays(dtype, 0), make_arrays(dtype, 0)
    optimizer = fastadam.Adam(params, lr=0.1, clip_norm=50.0)
    plain = fastadam.Adam(expected, lr=0.1)
    for seed in range(1, 5):
        grads = make_arrays(dtype, seed, 10.0 ** (seed - 3))  # the first two are short enough
        copies = [grad.copy() for grad in grads]
        optimizer.step(grads)
        norm = exact_norm(grads)
        assert optimizer.grad_norm == pytest.approx(float(norm), rel=1e-13)
        scale = dtype(min(1.0, 50.0 / (optimizer.grad_norm + 1e-6)))
        assert (scale == 1.0) == (seed < 3)
        plain.step([np.asarray(scale * grad) for grad in grads])
        assert all(map(np.array_equal, params, expected))
        assert all(map(np.array_equal, grads, copies))


def test_clip_value_cuts_each_element():
    params, expected = make_arrays(np.float32, 0), make_arrays(np.float32, 0)
    optimizer, plain = fastadam.SGD(params, clip_value=0.5), fastadam.SGD(expected)
    grads = make_arrays(np.float32, 1)
    grads[1][:3] = np.inf, -np.inf, np.nan
    optimizer.step(grads)
    plain.step([np.asarray(grad.clip(-0.5, 0.5)) for grad in grads])
    assert all(np.array_equal(*pair, equal_nan=True) for pair in zip(params, expected, strict=True))


@pytest.mark.parametrize("size", [1, 127, 16_384, 16_385, 100_003])
@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
def test_the_norm_does_not_depend_on_the_threads(dtype, size):
    gradient = np.random.default_rng(size).standard_normal(size).astype(dtype)
    norms, results = set(), []
    for threads in (1, 2, None):
        x = np.ones(size, dtype)
        optimizer = fastadam.Adam(x, clip_norm=0.1, average=0.9, threads=threads)
        for _ in range(8):  # enough for a trial of both kernels
            optimizer.step(gradient)
            norms.add(optimizer.grad_norm)
        results.append(x)
    assert len(norms) == 1
    assert norms.pop() == pytest.approx(float(exact_norm([gradient])), rel=1e-13)
    assert all(np.array_equal(result, results[0]) for result in results)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e38), (np.float32, 1e-40), (np.float64, 1e300), (np.float64, 1e-310)],
)
def test_the_norm_neither_overflows_nor_vanishes(dtype, size):
    x = np.zeros(20_000, dtype)
    gradient = np.full(20_000, size, dtype)
    optimizer = fastadam.SGD(x, lr=1.0, clip_norm=1.0)
    optimizer.step(gradient)
    assert optimizer.grad_norm == pytest.approx(float(exact_norm([gradient])), rel=1e-13)
    assert np.linalg.norm(x) == pytest.approx(min(1.0, optimizer.grad_norm), rel=1e-5)


@pytest.mark.parametrize(("value", "norm"), [(np.inf, math.inf), (np.nan, math.nan)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite_goes_on_as_in_torch(dtype, value, norm):
    x, gradient = np.ones(4, dtype), np.array([1.0, value, 2.0, 3.0], dtype)
    optimizer = fastadam.SGD([x, np.ones(2, dtype)], lr=1.0, clip_norm=1.0)
    optimizer.step([gradient, np.ones(2, dtype)])
    np.testing.assert_equal(optimizer.grad_norm, norm)
    # An infinite norm leaves 0 of all that is finite; a norm that is NaN leaves nothing.
    np.testing.assert_equal(x, [1.0, np.nan, 1.0, 1.0] if value == np.inf else 4 * [np.nan])


def test_skipping_comes_first():
    x = np.ones(2)
    optimizer = fastadam.Adam(x, clip_norm=1.0, nonfinite="skip")
    optimizer.step(np.array([3.0, 4.0]))
    optimizer.step(np.array([np.nan, 1.0]))
    assert (optimizer.step_count, optimizer.grad_norm) == (1, 5.0)


def test_the_norm_is_asked_for_too_early_or_in_vain():
    assert math.isnan(fastadam.Adam(np.ones(2), clip_norm=1.0).grad_norm)
    with pytest.raises(ValueError, match="clip_norm"):
        fastadam.Adam(np.ones(2)).grad_norm  # noqa: B018


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clip_norm": 0.0}, "clip_norm must be > 0, got 0.0"),
        ({"clip_value": -1.0}, "clip_value must be > 0, got -1.0"),
        ({"clip_norm": math.nan}, "clip_norm must be > 0, got nan"),
        ({"clip_norm": 1.0, "clip_value": 2.0}, "cannot be combined, got 1.0 and 2.0"),
    ],
)
def test_bad_limits(options, words):
    with pytest.raises(ValueError, match=words):
        fastadam.Adam(np.ones(2), **options)


def test_an_unknown_argument_is_named():
    with pytest.raises(TypeError, match=r"Adam\(\).*'clipnorm'; did you mean 'clip_norm'"):
        fastadam.Adam(np.ones(2), clipnorm=1.0)


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    arrays = make_arrays(np.float32, 0)
    tensors = [torch.nn.Parameter(torch.tensor(array)) for array in arrays]
    ours = fastadam.Adam(arrays, lr=1e-2, clip_norm=1.5)
    theirs = torch.optim.Adam(tensors, lr=1e-2)
    for seed in range(1, 20):
        grads = make_arrays(np.float32, seed)
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(grad)
        norm = torch.nn.utils.clip_grad_norm_(tensors, 1.5)
        theirs.step()
        ours.step(grads)
        assert ours.grad_norm == pytest.approx(float(norm), rel=1e-6)
    for array, tensor in zip(arrays, tensors, strict=True):
        np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=0, atol=2e-6)

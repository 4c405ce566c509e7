"""State in fewer bits, and parameters of bfloat16."""

import numpy as np
import pytest

import fastadam

EACH = pytest.mark.parametrize("kind", ["bfloat16", "uint8"])
SCALES = np.geomspace(1e-2, 1.0, 3_000).astype(np.float32)


def train(optimizer, x, steps, seed=0):
    """Go down a bowl by noisy gradients."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        optimizer.step(SCALES * x + 0.01 * rng.standard_normal(x.size, dtype=np.float32))


def loss(x):
    return float(np.mean(SCALES * np.square(x, dtype=np.float64)))


@pytest.mark.parametrize("rule", ["Adam", pytest.param("SGD", marks=pytest.mark.slow)])
@EACH
def test_it_trains_as_well_as_float32(kind, rule):
    losses = []
    for state_dtype in (None, kind):
        x = np.ones(3_000, np.float32)
        options = {"momentum": 0.9} if rule == "SGD" else {}
        optimizer = getattr(fastadam, rule)(x, lr=1e-2, state_dtype=state_dtype, **options)
        train(optimizer, x, 400)
        losses.append(loss(x))
    assert losses[0] < 0.1 * loss(np.ones(3_000))
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


@EACH
def test_the_second_moment_does_not_stand_still(kind):
    """It falls by a thousandth at each step: rounded to the nearest it would stay where it is."""
    x = np.ones(2_000, np.float32)
    optimizer = fastadam.Adam(x, lr=0.0, state_dtype=kind)
    optimizer.step(np.full(2_000, 10.0, np.float32))
    for _ in range(1_000):
        optimizer.step(np.full(2_000, 1.0, np.float32))
    state = optimizer.state_dict()
    if kind == "bfloat16":
        v = (state["group0/0/v"].astype(np.uint32) << 16).view(np.float32)
        expected = 0.1 * 0.999**1000 + (1 - 0.999**1000)
        assert v.mean() == pytest.approx(expected, rel=0.01)
    else:
        assert state["group0/0/v_scale"].max() < 2.0


@EACH
def test_a_run_goes_on_from_a_state(kind):
    whole = np.ones(3_000, np.float32)
    first = fastadam.Adam(whole, state_dtype=kind)
    train(first, whole, 5, seed=1)
    state, part = first.state_dict(), whole.copy()
    second = fastadam.Adam(part, state_dtype=kind)
    second.load_state_dict(state)
    train(first, whole, 5, seed=2)
    train(second, part, 5, seed=2)
    assert whole.tobytes() == part.tobytes()
    dtype = {"bfloat16": np.uint16, "uint8": np.uint8}[kind]
    assert state["group0/0/m"].dtype == dtype
    with pytest.raises(ValueError, match="state_dict"):
        fastadam.Adam(part).load_state_dict(state)


@EACH
def test_a_state_is_saved_in_c_order(kind):
    rng = np.random.default_rng(0)
    start, gradient = rng.standard_normal((2, 40, 50)).astype(np.float32)
    results = []
    for order in "CF":
        x = np.array(start, order=order)
        optimizer = fastadam.Adam(x, state_dtype=kind)
        optimizer.step(gradient)
        state = optimizer.state_dict()
        y = np.ascontiguousarray(x)
        other = fastadam.Adam(y, state_dtype=kind)
        other.load_state_dict(state)
        other.step(gradient)
        results.append(y)
    np.testing.assert_allclose(*results, rtol=0, atol=1e-3)


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"state_dtype='uint8'.*got params of float64"):
        fastadam.Adam(np.ones(2), state_dtype="uint8")
    with pytest.raises(ValueError, match="state_dtype must be one of bfloat16, uint8"):
        fastadam.Adam(np.ones(2, np.float32), state_dtype="float16")


@pytest.fixture
def bfloat16():
    return np.dtype(pytest.importorskip("ml_dtypes").bfloat16)


@pytest.mark.parametrize("state_dtype", [None, pytest.param("uint8", marks=pytest.mark.slow)])
def test_parameters_of_bfloat16_take_steps_below_their_spacing(bfloat16, state_dtype):
    """A rate of 1e-3 is a quarter of what 1 and its neighbour are apart."""
    x = np.ones(4_000, bfloat16)
    optimizer = fastadam.Adam(x, lr=1e-3, state_dtype=state_dtype, clip_norm=1e4)
    for _ in range(100):
        optimizer.step(np.ones(4_000, bfloat16))
    assert x.astype(np.float64).mean() == pytest.approx(0.9, abs=1e-3)
    assert optimizer.grad_norm == pytest.approx(4_000**0.5)


def test_parameters_of_bfloat16_elsewhere(bfloat16):
    flat, views = fastadam.pack({"w": np.ones((3, 2)), "b": np.zeros(2)}, dtype=bfloat16)
    assert flat.dtype == views["w"].dtype == bfloat16
    optimizer = fastadam.SGD([flat[:4:2], flat[4:]], lr=1.0, nonfinite="raise")
    with pytest.raises(ValueError, match=r"grads\[1\] must be finite, got nan"):
        optimizer.step([np.ones(2, bfloat16), np.full(4, np.nan, bfloat16)])
    with pytest.raises(TypeError, match=r"grads\[0\] must be bfloat16 .* got float32"):
        optimizer.step([np.ones(2, np.float32), np.ones(4, bfloat16)])
    optimizer.step([np.ones(2, bfloat16), np.ones(4, bfloat16)])
    assert flat.astype(float).tolist() == [0, 1, 0, 1, 0, 0, -1, -1]
    with pytest.raises(ValueError, match="average is for parameters of float32 or float64"):
        fastadam.Adam(flat, average=0.9)


def test_parameters_of_bfloat16_are_saved_as_bits(bfloat16, tmp_path):
    x, y = np.linspace(-1, 1, 5).astype(bfloat16), np.zeros(5, bfloat16)
    optimizer, again = (fastadam.SGD(each, momentum=0.9) for each in (x, y))
    optimizer.step(np.ones(5, bfloat16))
    optimizer.save(tmp_path / "run")
    fastadam.load(tmp_path / "run", again)
    assert x.tobytes() == y.tobytes() == fastadam.load(tmp_path / "run")["0"].tobytes()
    with pytest.raises(ValueError, match="its weights 'group0/0' must be of dtype float32"):
        fastadam.load(tmp_path / "run", fastadam.SGD(np.zeros(5, np.float32), momentum=0.9))

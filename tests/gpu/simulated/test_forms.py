"""What a step does beside the rule's update: clipped elements and averages, as on the CPU."""

import numpy as np
import pytest

import fastadam
from tests.gpu.family import assert_same_state, gradients
from tests.gpu.host import HostArray

pytestmark = [
    pytest.mark.usefixtures("gpu"),
    # Random bits are whole numbers that wrap around, which NumPy warns of.
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{"average": "equal"}, {"clip_value": 0.5, "average": 0.9}])
def test_clipped_and_averaged_steps_have_the_bits_of_the_cpu(options, dtype):
    shape = (5, 3)
    host, there = np.ones(shape, dtype), HostArray(np.ones(shape, dtype))
    cpu, gpu = fastadam.Adam(host, lr=0.1, **options), fastadam.Adam(there, lr=0.1, **options)
    for step in range(6):
        gradient = next(gradients(shape, dtype, 1, step))
        cpu.step(gradient)
        gpu.step(HostArray(gradient))
        if step == 2:
            cpu.restart_average()
            gpu.restart_average()
    assert there.array.tobytes() == host.tobytes()
    before = host.copy()
    with cpu.averaged(), gpu.averaged():
        assert there.array.tobytes() == host.tobytes() != before.tobytes()
    assert there.array.tobytes() == before.tobytes()
    state = gpu.state_dict()
    assert set(state) == set(cpu.state_dict())
    gpu.load_state_dict(cpu.state_dict())
    for key, value in gpu.state_dict().items():
        np.testing.assert_array_equal(value, state[key])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "bfloat16"], ids=str)
def test_clipped_norms_have_the_bits_of_the_cpu(dtype, gpu):
    assert_same_steps_of_many(gpu, real(dtype), clip_norm=0.5)


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        (np.float32, {"state_dtype": "bfloat16"}),
        (np.float32, {"state_dtype": "uint8", "average": 0.9}),
        ("bfloat16", {}),
        ("bfloat16", {"state_dtype": "bfloat16"}),
        ("bfloat16", {"state_dtype": "uint8", "clip_norm": 2.0}),
    ],
    ids=str,
)
def test_narrow_numbers_have_the_bits_of_the_cpu(dtype, options, gpu):
    assert_same_steps_of_many(gpu, real(dtype), amsgrad=True, **options)


def real(dtype):
    """Return a dtype, that of bfloat16 by its name."""
    if dtype == "bfloat16":
        return pytest.importorskip("ml_dtypes").bfloat16
    return dtype


def assert_same_steps_of_many(device, dtype, **options):
    """Step two arrays, one of which has no gradient once, and compare the norms too."""
    shapes = {"w": (131, 4), "b": ()}
    rng = np.random.default_rng(0)
    host = {key: np.asarray(rng.standard_normal(shape), dtype) for key, shape in shapes.items()}
    there = {key: HostArray(array.copy()) for key, array in host.items()}
    cpu, gpu = (fastadam.Adam(each, lr=0.1, **options) for each in (host, there))
    for step in range(3):
        g = {
            key: np.asarray(10.0 ** rng.integers(-3, 3) * rng.standard_normal(shape), dtype)
            for key, shape in shapes.items()
        }
        if step == 1:
            g["b"] = None
        cpu.step(g)
        on_gpu = {key: each if each is None else HostArray(each) for key, each in g.items()}
        waits = device.waits if step else 0  # kernels are made ready at the first step
        gpu.step(on_gpu)
        assert device.waits == waits or not step
        if "clip_norm" in options:
            assert gpu.grad_norm == cpu.grad_norm > 0.0
    for key, array in host.items():
        assert there[key].array.tobytes() == array.tobytes(), key
    assert_same_state(gpu, cpu)
    gpu.load_state_dict(cpu.state_dict())
    assert_same_state(gpu, cpu)


def test_what_is_not_finite_is_found_and_goes_into_the_norm():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    for dtype in (np.float32, bfloat16):
        p, g = HostArray(np.ones(3, dtype)), np.array([1.0, -np.inf, np.nan], dtype)
        before = p.array.tobytes()
        with pytest.raises(ValueError, match="grads must be finite, got -inf"):
            fastadam.Adam(p, nonfinite="raise", clip_norm=1.0).step(HostArray(g))
        optimizer = fastadam.Adam(p, nonfinite="skip", clip_norm=1.0)
        optimizer.step(HostArray(g))
        assert optimizer.step_count == 0
        assert np.isnan(optimizer.grad_norm)
        assert p.array.tobytes() == before
        optimizer.step(HostArray(np.ones(3, dtype)))
        assert optimizer.grad_norm == np.sqrt(3.0)


def test_what_does_not_go_together():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    for dtype, options, words in (
        (np.float64, {"state_dtype": "uint8"}, "state_dtype='uint8' is for .*float64"),
        (bfloat16, {"average": 0.9}, "average is for .* got params of bfloat16"),
    ):
        with pytest.raises(ValueError, match=words):
            fastadam.Adam(HostArray(np.ones(2, dtype)), **options)
    optimizer = fastadam.Adam(HostArray(np.ones(2, bfloat16)))
    for g in (np.ones(2, np.float32), np.ones(2, np.uint16)):
        with pytest.raises(TypeError, match="grads must be "):
            optimizer.step(HostArray(g))


@pytest.mark.filterwarnings("ignore:.* encountered:RuntimeWarning")
def test_nan_stays_nan_in_bfloat16():
    """A GPU's has all bits set but the sign, which rounding would carry over into -0."""
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    g = np.full(4, 0x7FFFFFFF, np.uint32).view(np.float32)
    p = HostArray(np.ones(4, np.float32))
    optimizer = fastadam.Adam(p, state_dtype="bfloat16")
    optimizer.step(HostArray(g))
    for name in ("m", "v"):
        state = optimizer.state_dict()[f"group0/0/{name}"].view(bfloat16).astype(np.float32)
        assert np.isnan(state).all()

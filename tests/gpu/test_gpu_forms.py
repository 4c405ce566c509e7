"""Clipped norms, narrow numbers and gradients of rows on a real GPU."""

import numpy as np
import pytest

import fastadam
from fastadam import Rows

from .family import assert_same_state, gradients
from .graphs import Walk, assert_replays_are_steps

pytestmark = pytest.mark.gpu

OPTIONS = [
    {"clip_norm": 0.5},
    {"state_dtype": "bfloat16"},
    {"state_dtype": "uint8"},
    {"state_dtype": "uint8", "clip_norm": 2.0, "amsgrad": True, "average": 0.9},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_forms_have_the_bits_of_the_cpu(options, cuda):
    shapes = {"w": (301, 707), "b": (1025,), "s": ()}
    host = {key: np.ones(shape, np.float32) for key, shape in shapes.items()}
    there = {key: cuda.to_device(array) for key, array in host.items()}
    cpu, gpu = (fastadam.Adam(each, lr=0.1, **options) for each in (host, there))
    for step in range(5):
        g = {
            key: np.asarray(next(gradients(shape, np.float32, 1, step)) * np.float32(1e-3))
            for key, shape in shapes.items()
        }
        if step == 3:
            g["b"] = None
        cpu.step(g)
        gpu.step({key: each if each is None else cuda.to_device(each) for key, each in g.items()})
        if "clip_norm" in options:
            assert gpu.grad_norm == cpu.grad_norm > 0.0
    for key, array in host.items():
        assert there[key].copy_to_host().tobytes() == array.tobytes(), key
    assert_same_state(gpu, cpu)
    gpu.load_state_dict(cpu.state_dict())
    assert_same_state(gpu, cpu)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_the_norm_of_more_blocks_than_a_tile(dtype, scale, cuda):
    rng = np.random.default_rng(0)
    g = (rng.standard_normal(20_000_003) * scale).astype(dtype)
    p, q = np.ones(g.size, dtype), cuda.to_device(np.ones(g.size, dtype))
    cpu, gpu = fastadam.SGD(p, clip_norm=1.0), fastadam.SGD(q, clip_norm=1.0)
    assert np.isnan(gpu.grad_norm)
    cpu.step(g)
    gpu.step(cuda.to_device(g))
    assert gpu.grad_norm == cpu.grad_norm
    assert q.copy_to_host().tobytes() == p.tobytes()


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_norms_that_are_not_finite(value, cuda):
    g = np.ones(100_000)
    g[77_777] = value
    p = cuda.to_device(np.ones(100_000))
    optimizer = fastadam.Adam(p, clip_norm=1.0)
    optimizer.step(cuda.to_device(g))
    np.testing.assert_equal(optimizer.grad_norm, value)
    skipping = fastadam.Adam(cuda.to_device(np.ones(100_000)), clip_norm=1.0, nonfinite="skip")
    skipping.step(cuda.to_device(g))
    assert skipping.step_count == 0


@pytest.mark.parametrize("options", [{}, *OPTIONS[:3]], ids=str)
@pytest.mark.usefixtures("cuda")
def test_torch_parameters_of_bfloat16(options):
    torch = pytest.importorskip("torch", reason="needs torch")
    bfloat16 = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes").bfloat16
    if not torch.cuda.is_available():
        pytest.skip("needs torch with CUDA")
    rng = np.random.default_rng(0)
    for size in (5, 4096, 100_003):
        p = rng.standard_normal(size).astype(bfloat16)
        q = to_torch(torch, p)
        cpu, gpu = (fastadam.Adam(each, lr=1e-2, **options) for each in (p, q))
        for _ in range(5):
            g = rng.standard_normal(size).astype(bfloat16)
            cpu.step(g)
            gpu.step(to_torch(torch, g))
        assert from_torch(torch, q).tobytes() == p.tobytes()
        assert_same_state(gpu, cpu)
    with pytest.raises(TypeError, match="grads must be bfloat16 like params, got float32"):
        gpu.step(torch.ones(size, device="cuda"))


def to_torch(torch, array):
    return torch.from_numpy(array.view(np.int16)).cuda().view(torch.bfloat16)


def from_torch(torch, tensor):
    return tensor.view(torch.int16).cpu().numpy()


def test_nan_stays_nan_in_bfloat16(cuda):
    p = cuda.to_device(np.ones(1000, np.float32))
    optimizer = fastadam.Adam(p, state_dtype="bfloat16")
    g = np.full(1000, np.inf, np.float32)
    optimizer.step(cuda.to_device(g))
    optimizer.step(cuda.to_device(-g))  # inf - inf
    bits = optimizer.state_dict()["group0/0/m"].astype(np.uint32) << 16
    assert np.isnan(bits.view(np.float32)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options", [{}, {"sparse": "exact"}, {"sparse": "exact", "weight_decay": 0.1}], ids=str
)
def test_gradients_of_rows(options, dtype, cuda):
    p, b = np.ones((1000, 37), dtype), np.ones(5, dtype)
    q, c = cuda.to_device(p), cuda.to_device(b)
    cpu = fastadam.AdamW([p, b], lr=0.01, betas=(0.8, 0.9), **{"weight_decay": 0.0, **options})
    gpu = fastadam.AdamW([q, c], lr=0.01, betas=(0.8, 0.9), **{"weight_decay": 0.0, **options})
    rng = np.random.default_rng(0)
    for step in range(300):
        rows = rng.integers(0, 1000 if step % 60 == 0 else 10, 40)
        g, h = rng.standard_normal((40, 37)).astype(dtype), rng.standard_normal(5).astype(dtype)
        cpu.step([Rows(rows, g), h])
        on_gpu = cuda.to_device(rows) if step % 2 else rows
        gpu.step([Rows(on_gpu, cuda.to_device(g)), cuda.to_device(h)])
    cpu.catch_up()
    gpu.catch_up()
    # Rows that rest fall by the GPU's own exponential, which may differ in the last bit of float64.
    tolerance = 0.0 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(q.copy_to_host(), p, rtol=tolerance, atol=tolerance)
    for key, value in cpu.state_dict().items():
        if isinstance(value, np.ndarray):
            rtol = 100 * np.finfo(dtype).eps
            np.testing.assert_allclose(gpu.state_dict()[key], value, rtol=rtol, err_msg=key)


def test_a_large_table(cuda):
    q = cuda.to_device(np.ones((1_000_000, 64), np.float32))
    optimizer = fastadam.Adam(q, lr=0.1, sparse="exact")
    rows = np.arange(0, 1_000_000, 7)
    g = cuda.to_device(np.ones((rows.size, 64), np.float32))
    optimizer.step_rows(rows, g)
    optimizer.step_rows([1], cuda.to_device(np.ones((1, 64), np.float32)))
    optimizer.catch_up()
    found = q.copy_to_host()
    p = np.ones((8, 64), np.float32)
    cpu = fastadam.Adam(p, lr=0.1, sparse="exact")
    cpu.step_rows([0, 7], np.ones((2, 64), np.float32))
    cpu.step_rows([1], np.ones((1, 64), np.float32))
    cpu.catch_up()
    assert found[:8].tobytes() == p.tobytes()
    assert (found[rows] == p[0]).all()


@pytest.mark.usefixtures("cuda")
def test_clipped_norms_in_a_graph():
    torch = pytest.importorskip("torch", reason="needs torch")
    if not torch.cuda.is_available():
        pytest.skip("needs torch with CUDA")

    def capture(function):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            function()
        return graph.replay

    walk = Walk(
        "adam",
        np.float32,
        lambda array: torch.from_numpy(array).cuda(),
        lambda there: there.cpu().numpy(),
        lambda there, array: there.copy_(torch.from_numpy(array)),
        capture,
        tolerance=2e-6,
        clip_norm=0.5,
    )
    assert_replays_are_steps(walk)
    assert walk.gpu.grad_norm == walk.cpu.grad_norm > 0.0

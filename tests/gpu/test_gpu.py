"""The optimisers on a real GPU; skipped where there is none."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastadam

from .family import (
    FAMILY,
    SIZES,
    assert_same_at_offsets,
    assert_same_lists,
    assert_same_state,
    assert_same_steps,
    gradients,
    start,
)

pytestmark = pytest.mark.gpu

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-12}


def from_gpu(array):
    return array.copy_to_host()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FAMILY)
def test_steps_have_the_bits_of_the_cpu(name, dtype, cuda):
    assert_same_steps(name, dtype, (301, 7), 7, cuda.to_device, from_gpu)


def test_a_large_array(cuda):
    assert_same_steps("adam", np.float32, (12_000_007,), 2, cuda.to_device, from_gpu)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["adam", "adam_amsgrad", "sgd"])
def test_pieces_that_are_not_whole_or_not_aligned_have_the_bits_of_the_cpu(name, dtype, cuda):
    def place(array, offset):
        whole = cuda.to_device(np.concatenate([np.zeros(offset, dtype), array]))
        return whole[offset:]

    sizes = (*SIZES, 1023, 1024, 1025, 2048, 3001)
    assert_same_at_offsets(name, dtype, sizes, 2, place, from_gpu)


@pytest.mark.parametrize("name", ["adam", "adamw_amsgrad", "nadam", "sgd"])
def test_lists_have_the_bits_of_the_cpu(name, cuda):
    def place(array, offset):
        whole = cuda.to_device(np.concatenate([np.zeros(offset, array.dtype), array]))
        return whole[offset:]

    sizes = (1000, 0, 1, 2047, 2048, 5, 100_003) * 30
    assert_same_lists(name, DTYPES, place, from_gpu, sizes=sizes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FAMILY)
def test_a_thousand_steps_agree_with_the_cpu(name, dtype, cuda):
    make, keywords = FAMILY[name]
    p = start((100,), dtype)
    q = cuda.to_device(p)
    cpu, gpu = make(p, **keywords), make(q, **keywords)
    rng = np.random.default_rng(1)
    for _ in range(1000):
        g = rng.standard_normal(100).astype(dtype)
        cpu.step(g)
        gpu.step(cuda.to_device(g))
    np.testing.assert_allclose(from_gpu(q), p, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3)])
def test_small_and_empty_arrays(shape, cuda):
    p = cuda.to_device(np.ones(shape))
    optimizer = fastadam.Adam(p, nonfinite="raise")
    optimizer.step(cuda.to_device(np.ones(shape)))
    np.testing.assert_allclose(from_gpu(p), np.full(shape, 0.999), rtol=1e-6)


def test_gradients_that_are_not_finite(cuda):
    p, g = cuda.to_device(np.ones(100_000)), np.ones(100_000)
    g[[70_000, 80_000]] = -np.inf, np.nan
    bad = cuda.to_device(g)
    skipping = fastadam.Adam(p, nonfinite="skip")
    skipping.step(bad)
    with pytest.raises(ValueError, match="grads must be finite, got -inf"):
        fastadam.Adam(p, nonfinite="raise").step(bad)
    assert (from_gpu(p) == 1.0).all()
    assert skipping.step_count == 0
    skipping.step(cuda.to_device(np.ones(100_000)))
    assert (from_gpu(p) != 1.0).all()


def test_a_run_moves_between_cpu_and_gpu(cuda, tmp_path):
    p, q = np.ones(50), cuda.to_device(np.ones(50))
    cpu, gpu = fastadam.NAdam([p]), fastadam.NAdam([q])
    for g in gradients((50,), np.float64, 4):
        gpu.step([cuda.to_device(g)])
        cpu.step([g])
    np.savez(tmp_path / "state.npz", **gpu.state_dict())
    with np.load(tmp_path / "state.npz") as saved:
        fresh = fastadam.NAdam([np.ones(50)])
        fresh.load_state_dict(saved)
        back = fastadam.NAdam([q])
        back.load_state_dict(fresh.state_dict())
    assert_same_state(back, cpu)


def test_packed_arrays_are_views(cuda):
    arrays = {"w": cuda.to_device(np.arange(6.0).reshape(2, 3)), "s": cuda.to_device(np.array(9.0))}
    flat, views = fastadam.pack(arrays)
    np.testing.assert_array_equal(from_gpu(flat), [0, 1, 2, 3, 4, 5, 9])
    fastadam.SGD(flat, lr=1.0).step(cuda.to_device(np.ones(7)))
    np.testing.assert_array_equal(from_gpu(views["w"]), np.arange(6.0).reshape(2, 3) - 1)
    assert from_gpu(views["s"]) == 8.0


def test_a_gradient_still_being_written_on_another_stream_is_waited_for(cuda):
    @cuda.jit
    def write_slowly(g):
        i = cuda.grid(1)
        for _ in range(200_000):
            cuda.nanosleep(1000)
        g[i] = 2.0

    one, other = cuda.stream(), cuda.stream()
    p = cuda.to_device(np.ones(32)).bind(one)
    g = cuda.to_device(np.full(32, np.nan)).bind(other)
    cuda.synchronize()
    optimizer = fastadam.SGD(p, lr=0.25)
    write_slowly[1, 32, other](g)
    optimizer.step(g)
    one.synchronize()
    np.testing.assert_array_equal(from_gpu(p), np.full(32, 0.5))


def test_another_thread_can_step(cuda):
    p, g = cuda.to_device(np.ones(10)), cuda.to_device(np.ones(10))
    optimizer = fastadam.SGD(p, lr=0.5)
    optimizer.step(g)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(optimizer.step, g).result()
    np.testing.assert_array_equal(from_gpu(p), np.zeros(10))


def test_arrays_on_different_sides_are_refused(cuda):
    p = cuda.to_device(np.ones(3))
    with pytest.raises(TypeError, match="grads must be on the GPU like params"):
        fastadam.Adam(p).step(np.ones(3))
    with pytest.raises(TypeError, match="grads must be a NumPy array"):
        fastadam.Adam(np.ones(3)).step(p)
    with pytest.raises(TypeError, match=r"grads\.grads must be on the GPU like params"):
        fastadam.Adam(p).step_rows([0], np.ones(1))
    with pytest.raises(ValueError, match="is on a GPU and"):
        fastadam.Adam([p, np.ones(3)])
    with pytest.raises(ValueError, match="contiguous"):
        fastadam.Adam(cuda.to_device(np.ones(6))[::2])
    assert (from_gpu(p) == 1.0).all()


def test_another_gpu_is_refused(cuda):
    if len(cuda.gpus) < 2:
        pytest.skip("needs two GPUs")
    p = cuda.to_device(np.ones(3))
    with cuda.gpus[1]:
        g = cuda.to_device(np.ones(3))
    with pytest.raises(ValueError, match="grads must be on GPU 0"):
        fastadam.Adam(p).step(g)


@pytest.mark.usefixtures("cuda")
def test_torch_agrees_and_its_current_stream_is_used():
    torch = pytest.importorskip("torch", reason="needs torch")
    if not torch.cuda.is_available():
        pytest.skip("needs torch with CUDA")
    torch.manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(shape, device="cuda")) for shape in ((30, 20), (20,))]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    optimizer, reference = fastadam.Adam(ours), torch.optim.Adam(theirs, fused=True)
    with torch.cuda.stream(torch.cuda.Stream()):
        for _ in range(50):
            for params in (ours, theirs):
                for p in params:
                    p.grad = None
                (params[0].sin() @ params[1]).square().sum().backward()
            optimizer.step([p.grad for p in ours])
            reference.step()
    torch.cuda.synchronize()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("cuda")
def test_cupy_arrays_on_a_stream():
    cupy = pytest.importorskip("cupy", reason="needs CuPy")
    p, q = cupy.ones((4, 5)), np.ones((4, 5))
    gpu, cpu = fastadam.AdamW(p), fastadam.AdamW(q)
    with cupy.cuda.Stream(non_blocking=True) as stream:
        for _ in range(20):
            gpu.step(cupy.sin(p))
        stream.synchronize()
    for _ in range(20):
        cpu.step(np.sin(q))
    np.testing.assert_allclose(p.get(), q, rtol=1e-12)

"""Steps of the whole family: the kernels' Python code gives what the CPU's compiled loops give."""

import numpy as np
import pytest

import fastadam
from tests.gpu.family import (
    FAMILY,
    SIZES,
    assert_same_at_offsets,
    assert_same_lists,
    assert_same_steps,
    gradients,
)
from tests.gpu.host import HostArray, place

pytestmark = pytest.mark.usefixtures("gpu")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FAMILY)
def test_steps_have_the_bits_of_the_cpu(name, dtype):
    assert_same_steps(name, dtype, (3, 5), 7, HostArray, lambda array: array.array)


@pytest.mark.parametrize(("name", "dtype"), [("adam", np.float32), ("sgd", np.float64)])
def test_pieces_that_are_not_whole_or_not_aligned_have_the_bits_of_the_cpu(name, dtype):
    assert_same_at_offsets(name, dtype, SIZES, 1, place, lambda array: array.array)


@pytest.mark.parametrize("name", ["adamw_amsgrad", "nadam", "sgd"])
def test_lists_have_the_bits_of_the_cpu(name, gpu):
    assert_same_lists(name, [np.float32, np.float64], place, lambda array: array.array)
    assert len([each for each in gpu.events if each[0] == "launch"]) == 2 * 3


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.usefixtures("gpu")
def test_a_limit_beyond_float32_is_none(count):
    params = [HostArray(np.ones(3, np.float32)) for _ in range(count)]
    fastadam.SGD(params, lr=0.5, clip_value=1e300).step(
        [HostArray(np.full(3, 3e38, np.float32)) for _ in range(count)]
    )
    assert all((p.array == np.float32(-1.5e38)).all() for p in params)


def test_news_are_sent_where_there_are_some(gpu):
    params, grads = [[HostArray(np.ones(3)) for _ in range(4)] for _ in range(2)]
    optimizer = fastadam.Adam(params)
    sent = []

    def step(grads):
        gpu.sizes.clear()
        optimizer.step(grads)
        sent.append(*gpu.sizes)

    for _ in range(2):
        step(grads)
    step(grads[::-1])
    step(grads[::-1])
    scalars = 8 * 11
    assert sent[1:] == [scalars, 4 * 16 + scalars, scalars]
    assert sent[0] > 4 * 16 + scalars


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3)])
@pytest.mark.parametrize("nonfinite", ["propagate", "raise", "skip"])
def test_small_and_empty_arrays(shape, nonfinite):
    p = HostArray(np.ones(shape, np.float32))
    optimizer = fastadam.Adam(p, nonfinite=nonfinite)
    optimizer.step(HostArray(np.ones(shape, np.float32)))
    assert optimizer.step_count == 1
    np.testing.assert_allclose(p.array, np.full(shape, 0.999, np.float32), rtol=1e-6)


def test_structures_and_groups():
    shapes = {"w": (2, 3), "b": (3,), "s": ()}
    host = {key: np.ones(shape) for key, shape in shapes.items()}
    there = {key: HostArray(array.copy()) for key, array in host.items()}

    def groups(arrays):
        return [
            {"params": {"w": arrays["w"], "b": arrays["b"]}, "lr": 0.1},
            {"params": [arrays["s"]], "betas": (0.5, 0.5)},
        ]

    cpu, gpu = fastadam.NAdam(groups(host)), fastadam.NAdam(groups(there))
    for step in range(4):
        g = {key: next(gradients(shape, float, 1, step)) for key, shape in shapes.items()}
        cpu.step([{"b": g["b"], "w": g["w"]}, [g["s"]]])
        on_gpu = {key: HostArray(array) for key, array in g.items()}
        gpu.step([{"b": on_gpu["b"], "w": on_gpu["w"]}, [on_gpu["s"]]])
    for key in shapes:
        assert there[key].array.tobytes() == host[key].tobytes()
    assert "9 parameters in 2 array(s)" in repr(gpu)
    assert gpu.param_groups[0]["params"]["w"] is there["w"]


def test_lr_may_be_a_callable_and_be_set():
    p, q = np.ones(3), HostArray(np.ones(3))
    cpu = fastadam.Adam(p, lr=lambda step: 0.1 / step)
    gpu = fastadam.Adam(q, lr=lambda step: 0.1 / step)
    for _ in range(3):
        cpu.step(np.full(3, 2.0))
        gpu.step(HostArray(np.full(3, 2.0)))
    cpu.lr = gpu.lr = 0.5
    cpu.step(np.full(3, 2.0))
    gpu.step(HostArray(np.full(3, 2.0)))
    assert q.array.tobytes() == p.tobytes()


def test_the_gradient_may_be_the_parameters():
    p = HostArray(np.array([1.0, -2.0]))
    optimizer = fastadam.SGD(p, lr=0.5)
    optimizer.step(p)  # the gradient of p @ p / 2
    np.testing.assert_array_equal(p.array, [0.5, -1.0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_skip_changes_nothing(bad):
    p, q = HostArray(np.ones(3)), HostArray(np.ones(4))
    optimizer = fastadam.Adam([p, q], nonfinite="skip")
    g = [HostArray(np.ones(3)), HostArray(np.array([1.0, 1.0, bad, 1.0]))]
    optimizer.step(g)
    assert optimizer.step_count == 0
    assert (p.array == 1.0).all()
    assert (q.array == 1.0).all()
    optimizer.step([HostArray(np.ones(3)), HostArray(np.ones(4))])
    assert optimizer.step_count == 1
    assert (q.array != 1.0).all()


def test_raise_names_the_gradient_and_its_first_bad_element():
    optimizer = fastadam.Adam({"b": HostArray(np.ones(5))}, nonfinite="raise")
    g = HostArray(np.array([0.0, 1.0, -np.inf, 2.0, np.nan]))
    with pytest.raises(ValueError, match=r"grads\['b'\] must be finite, got -inf"):
        optimizer.step({"b": g})
    assert optimizer.step_count == 0

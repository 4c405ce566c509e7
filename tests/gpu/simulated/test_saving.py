"""State dictionaries between host and GPU; packing."""

import numpy as np
import pytest

import fastadam
from tests.gpu.family import FAMILY, assert_same_state, gradients
from tests.gpu.host import HostArray

pytestmark = pytest.mark.usefixtures("gpu")


@pytest.mark.parametrize("name", ["adam_amsgrad", "nadam", "momentum", "sgd"])
@pytest.mark.parametrize("to_gpu", [False, True])
def test_a_run_that_moves_between_cpu_and_gpu_is_bit_exact(name, to_gpu, tmp_path):
    make, keywords = FAMILY[name]
    shape = (2, 3)
    steps = list(gradients(shape, np.float32, 8))
    whole = np.ones(shape, np.float32)
    expected = make({"w": whole}, **keywords)
    for g in steps:
        expected.step({"w": g})

    p = np.ones(shape, np.float32)
    on_host, on_gpu = make({"w": p}, **keywords), make({"w": HostArray(p)}, **keywords)
    first, second = (on_host, on_gpu) if to_gpu else (on_gpu, on_host)
    for i, g in enumerate(steps):
        if i == 3:
            state = first.state_dict()
            assert not any(hasattr(value, "__cuda_array_interface__") for value in state.values())
            np.savez(tmp_path / "state.npz", **state)
            with np.load(tmp_path / "state.npz", allow_pickle=False) as saved:
                second.load_state_dict(saved)
        optimizer = first if i < 3 else second
        optimizer.step({"w": g if optimizer is on_host else HostArray(g)})
    assert p.tobytes() == whole.tobytes()
    assert_same_state(second, expected)


def test_the_modes_of_schedule_free_have_the_bits_of_the_cpu():
    p, q = np.ones(5, np.float32), HostArray(np.ones(5, np.float32))
    cpu, gpu = fastadam.ScheduleFreeAdamW(p), fastadam.ScheduleFreeAdamW(q)
    for g in gradients((5,), np.float32, 4):
        cpu.step(g)
        gpu.step(HostArray(g))
    trained = p.copy()
    cpu.eval()
    gpu.eval()
    assert not np.array_equal(p, trained)
    assert q.array.tobytes() == p.tobytes()
    gpu.train()
    assert q.array.tobytes() == trained.tobytes()


def test_a_checkpoint_of_one_side_is_loaded_on_the_other(tmp_path):
    p, q = np.full((2, 3), 2.0), np.zeros((2, 3))
    on_host, on_gpu = fastadam.Adam({"w": p}), fastadam.Adam({"w": HostArray(q)})
    on_host.step({"w": np.arange(6.0).reshape(2, 3)})
    on_host.save(tmp_path / "run")
    fastadam.load(tmp_path / "run", on_gpu)
    assert q.tobytes() == p.tobytes()
    assert_same_state(on_gpu, on_host)
    on_gpu.step({"w": HostArray(np.ones((2, 3)))})
    on_gpu.save(tmp_path / "run")
    fastadam.load(tmp_path / "run", on_host)
    assert q.tobytes() == p.tobytes()
    assert_same_state(on_gpu, on_host)
    np.testing.assert_array_equal(fastadam.load(tmp_path / "run")["w"], p)


@pytest.mark.parametrize("wrap", [np.asarray, HostArray])
def test_arrays_of_either_side_can_be_loaded(wrap):
    """CuPy's `savez` and the like keep them on the GPU."""
    source = fastadam.Adam(np.ones(3))
    source.step(np.array([1.0, 2.0, 3.0]))
    state = source.state_dict()
    moved = {
        key: wrap(value) if isinstance(value, np.ndarray) else value for key, value in state.items()
    }
    for params in (np.ones(3), HostArray(np.ones(3))):
        target = fastadam.Adam(params)
        target.load_state_dict(moved)
        assert_same_state(target, source)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (np.ones(4), ["group0/0/m", "(3,)", "(4,)"]),
        (np.ones(3, np.float32), ["group0/0/m", "float64", "float32"]),
        (HostArray(np.ones(4)), ["group0/0/m", "(3,)", "(4,)"]),
        (HostArray(np.ones(6)[::2]), ["group0/0/m", "contiguous"]),
        ([1.0, 1.0, 1.0], ["group0/0/m", "[1.0, 1.0, 1.0]"]),
    ],
)
def test_what_cannot_be_loaded_changes_nothing(change, words):
    optimizer = fastadam.Adam(HostArray(np.ones(3)))
    optimizer.step(HostArray(np.ones(3)))
    before = optimizer.state_dict()
    state = {**before, "group0/0/v": before["group0/0/v"] + 1, "group0/0/m": change}
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        optimizer.load_state_dict(state)
    assert all(word in str(caught.value) for word in words)
    after = optimizer.state_dict()
    assert all(np.array_equal(after[key], value) for key, value in before.items())


def test_the_state_dict_is_a_copy():
    optimizer = fastadam.Adam([HostArray(np.ones(3))])
    optimizer.step([HostArray(np.ones(3))])
    optimizer.state_dict()["group0/0/m"][:] = 5.0
    assert (optimizer.state_dict()["group0/0/m"] != 5.0).all()


def test_packed_arrays_are_views_of_one_buffer():
    arrays = {
        "w": HostArray(np.arange(6.0).reshape(2, 3)),
        "e": HostArray(np.ones((0, 2))),
        "s": HostArray(np.array(9.0)),
    }
    flat, views = fastadam.pack(arrays)
    np.testing.assert_array_equal(flat.array, [0, 1, 2, 3, 4, 5, 9])
    assert {key: view.shape for key, view in views.items()} == {"w": (2, 3), "e": (0, 2), "s": ()}
    flat.array[:] = -1.0
    assert (views["w"].array == -1.0).all()
    assert views["s"].array == -1.0
    assert (arrays["w"].array >= 0.0).all()
    fastadam.SGD(flat, lr=1.0).step(HostArray(np.ones(7)))
    assert (views["w"].array == -2.0).all()
    one, view = fastadam.pack(HostArray(np.ones(3, np.float32)))
    assert one.array.dtype == view.array.dtype == np.float32


@pytest.mark.parametrize(
    ("make", "dtype", "words"),
    [
        (lambda: [np.ones(2), HostArray(np.ones(2))], None, ["arrays[1]", "on a GPU"]),
        (lambda: [HostArray(np.ones(2)), np.ones(2)], None, ["arrays[1]", "GPU", "arrays[0]"]),
        (
            lambda: [HostArray(np.ones(2)), HostArray(np.ones(2, np.float32))],
            None,
            ["[1]", "float32"],
        ),
        (lambda: [HostArray(np.ones(2))], np.float32, ["arrays[0]", "float32", "float64"]),
        (lambda: [HostArray(np.ones(2, int))], None, ["arrays[0]", "int64"]),
        (lambda: [HostArray(np.ones(4)[::2])], None, ["arrays[0]", "contiguous"]),
        (
            lambda: [HostArray(np.ones(2)), HostArray(np.ones(2), place=1)],
            None,
            ["[1]", "GPU 1", "GPU 0"],
        ),
    ],
)
def test_what_cannot_be_packed(make, dtype, words):
    arrays = make()
    with pytest.raises((TypeError, ValueError)) as caught:
        fastadam.pack(arrays, dtype)
    assert all(word in str(caught.value) for word in words)

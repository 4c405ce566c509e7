"""Gradients of rows, and what the other rows miss: the same bits as on the CPU."""

import numpy as np
import pytest

import fastadam
from fastadam import Rows
from tests.gpu.family import assert_same_state
from tests.gpu.host import HostArray

pytestmark = pytest.mark.usefixtures("gpu")

#: A name, the class and its arguments.
OPTIMIZERS = {
    "lazy": (fastadam.Adam, {"lr": 0.1}),
    "lazy nadam": (fastadam.NAdam, {}),
    "exact": (fastadam.Adam, {"lr": 1e-4, "betas": (0.2, 0.4), "sparse": "exact"}),
    "exact with decay": (fastadam.AdamW, {"weight_decay": 0.1, "sparse": "exact"}),
    "exact warm-up": (fastadam.Adam, {"lr": lambda step: 0.01 * step, "sparse": "exact"}),
    "exact sgd": (fastadam.SGD, {"lr": 0.1, "sparse": "exact"}),
    "exact momentum": (fastadam.SGD, {"lr": 0.1, "momentum": 0.2, "sparse": "exact"}),
}


@pytest.fixture(autouse=True)
def few_steps_are_missed(monkeypatch):
    monkeypatch.setattr("fastadam._forms.clocks.MOST_MISSED", 18)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*[(name, np.float32) for name in OPTIMIZERS], ("exact", np.float64)],
)
def test_steps_of_rows_have_the_bits_of_the_cpu(name, dtype, gpu):
    make, options = OPTIMIZERS[name]
    host = {"table": np.ones((6, 2), dtype), "b": np.ones(2, dtype)}
    there = {key: HostArray(array.copy()) for key, array in host.items()}
    cpu, on_gpu = make(host, **options), make(there, **options)
    rng = np.random.default_rng(0)
    waits = gpu.waits
    for step in range(34):
        # The first rows often, the others not for a long time, and one of them twice.
        rows = rng.integers(0, 2 if 3 < step < 29 else 6, 3)
        g, dense = rng.standard_normal((3, 2)).astype(dtype), rng.standard_normal(2).astype(dtype)
        if step == 12:
            g *= 0.0
        if step == 15:
            cpu.lr = on_gpu.lr = 5e-5
        if step == 31:
            cpu.param_groups[0]["lr"] = on_gpu.param_groups[0]["lr"] = 0.01
        cpu.step({"table": Rows(rows, g), "b": dense})
        on_gpu.step({"table": Rows(rows.tolist(), HostArray(g)), "b": HostArray(dense)})
        if step == 10:
            assert_same_state(on_gpu, cpu)
        if step == 1:
            waits = gpu.waits
        if step == 9:
            assert gpu.waits == waits
    cpu.catch_up()
    on_gpu.catch_up()
    for key, array in host.items():
        assert there[key].array.tobytes() == array.tobytes(), key
    assert_same_state(on_gpu, cpu)


def test_rows_on_the_gpu_and_dense_gradients_between_them():
    x = np.ones(5)
    y = HostArray(x.copy())
    cpu, gpu = (fastadam.Adam(each, lr=0.1, sparse="exact") for each in (x, y))
    for step in range(6):
        rows, g = np.array([4, step % 2, 4], np.int32), np.arange(1.0, 4.0)
        cpu.step_rows(rows, g)
        gpu.step_rows(HostArray(rows), HostArray(g))
        cpu.catch_up([3, 3, 0])
        gpu.catch_up(HostArray(np.array([3, 3, 0])))
        assert y.array.tobytes() == x.tobytes()
        if step == 3:
            cpu.step(np.ones(5))
            gpu.step(HostArray(np.ones(5)))
    saved = gpu.state_dict()
    assert_same_state(gpu, cpu)
    for optimizer in (cpu, gpu):
        optimizer.load_state_dict(saved)
    cpu.step_rows([1], np.ones(1))
    gpu.step_rows([1], HostArray(np.ones(1)))
    assert_same_state(gpu, cpu)


BAD = {
    "range": (lambda: Rows([0, 6], HostArray(np.ones((2, 3)))), ["grads.rows", "from 0 to 5", "6"]),
    "floats": (lambda: Rows([0.5], HostArray(np.ones((1, 3)))), ["grads.rows", "whole numbers"]),
    "floats there": (
        lambda: Rows(HostArray(np.ones(1)), HostArray(np.ones((1, 3)))),
        ["grads.rows", "whole numbers"],
    ),
    "host": (lambda: Rows([0], np.ones((1, 3))), ["grads.grads", "on the GPU like params"]),
    "shape": (lambda: Rows([0], HostArray(np.ones((2, 3)))), ["(1, 3)", "(2, 3)"]),
    "dtype": (lambda: Rows([0], HostArray(np.ones((1, 3), np.float32))), ["float64", "float32"]),
    "place": (lambda: Rows([0], HostArray(np.ones((1, 3)), place=1)), ["grads", "GPU 0"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows(case, gpu):
    make, words = BAD[case]
    p = HostArray(np.ones((6, 3)))
    optimizer = fastadam.Adam(p)
    gpu.events.clear()
    with pytest.raises((TypeError, ValueError)) as caught:
        optimizer.step(make())
    for word in words:
        assert word in str(caught.value)
    assert gpu.events == []
    assert (p.array == 1.0).all()
    assert optimizer.step_count == 0


def test_values_in_the_memory_of_the_parameters_and_what_does_not_go_together():
    p = HostArray(np.ones((6, 3)))
    with pytest.raises(ValueError, match="shares memory with params"):
        fastadam.Adam(p).step_rows([0, 1], HostArray(p.array[:2]))
    for options in ({"clip_norm": 1.0}, {"average": "equal"}):
        with pytest.raises(ValueError, match="gradient of rows, with which"):
            fastadam.Adam(p, **options).step_rows([0], HostArray(np.ones((1, 3))))
    with pytest.raises(ValueError, match="sparse='exact' does not go with nadam"):
        fastadam.NAdam(p, sparse="exact")


def test_what_is_not_finite_is_found():
    p = HostArray(np.ones((6, 3)))
    g = np.ones((2, 3))
    g[1, 2] = np.inf
    with pytest.raises(ValueError, match="grads must be finite, got inf"):
        fastadam.Adam(p, nonfinite="raise").step_rows([5, 0], HostArray(g))
    assert (p.array == 1.0).all()

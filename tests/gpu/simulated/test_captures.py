"""Steps in CUDA graphs: what is captured, what replays do, and what cannot be captured."""

import gc
import weakref
from functools import partial

import numpy as np
import pytest

import fastadam
from tests.gpu.graphs import Walk, assert_replays_are_steps
from tests.gpu.host import HostArray

STREAM = 5


def on_stream(array):
    return HostArray(array, STREAM)


@pytest.fixture
def capture(gpu):
    """Return what captures a function's launches, and returns what replays them."""
    return partial(gpu.capture, stream=STREAM)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("adam_l2", np.float32),
        ("nadam", np.float64),
        ("schedule_free_adamw", np.float32),
        ("sgd", np.float64),
    ],
)
def test_replays_are_steps(name, dtype, capture):
    def write(there, array):
        there.array[...] = array

    walk = Walk(name, dtype, on_stream, lambda there: there.array, write, capture)
    assert_replays_are_steps(walk)


def test_clipped_norms_are_captured(capture):
    def write(there, array):
        there.array[...] = array

    arguments = on_stream, lambda there: there.array, write, capture
    walk = Walk("adam", np.float32, *arguments, clip_norm=0.5)
    assert_replays_are_steps(walk)
    assert walk.gpu.grad_norm == walk.cpu.grad_norm > 0.0


def test_a_captured_step_is_a_launch_for_each_group_and_kind(gpu, capture):
    params = [on_stream(np.ones(3, dtype)) for dtype in (float, "f4", float, "f4")]
    optimizer = fastadam.Adam([{"params": params[:2]}, {"params": params[2:], "lr": 0.5}])
    grads = [on_stream(p.array.copy()) for p in params]
    gpu.events.clear()
    replay = capture(lambda: optimizer.step([grads[:2], grads[2:]]))
    assert gpu.events == []
    assert all((p.array == 1.0).all() for p in params)
    replay()
    assert gpu.events == [("launch", STREAM)] * 4
    for p, lr in zip(params, (0.001, 0.001, 0.5, 0.5), strict=True):
        np.testing.assert_allclose(p.array, 1.0 - lr, rtol=1e-6)


def test_groups_without_gradients_are_left_out_and_may_come_later(capture):
    a, b = on_stream(np.ones(3)), on_stream(np.ones(4))
    optimizer = fastadam.Adam([{"params": a}, {"params": b}], lr=0.25)
    first = capture(lambda: optimizer.step([a, None]))
    first()
    first()
    second = capture(lambda: optimizer.step([None, b]))
    second()
    state = optimizer.state_dict()
    assert state["step_count"] == 3
    assert (state["group0/missed_steps"], state["group1/missed_steps"]) == (1, 2)
    np.testing.assert_allclose(b.array, 0.75)
    added = on_stream(np.ones(2))
    optimizer.add_param_group({"params": added})
    first()
    third = capture(lambda: optimizer.step([None, None, added]))
    third()
    third()
    state = optimizer.state_dict()
    assert state["step_count"] == 6
    assert [state[f"group{i}/missed_steps"] for i in range(3)] == [3, 5, 4]
    np.testing.assert_allclose(added.array, 0.5, rtol=0.01)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"nonfinite": "skip"}, "nonfinite='skip' cannot be captured in a CUDA graph"),
        ({"average": 0.9}, "average=0.9 cannot be captured"),
        ({"lr": lambda step: 0.1}, "lr must be a number where a step is captured"),
    ],
)
def test_what_cannot_be_captured(options, match, gpu, capture):
    p = on_stream(np.ones(3))
    optimizer = fastadam.Adam(p, **options)
    with pytest.raises(ValueError, match=match):
        capture(lambda: optimizer.step(p))
    assert gpu.graph == []
    optimizer.step(on_stream(np.ones(3)))
    assert optimizer.step_count == 1


@pytest.mark.parametrize("options", [{"state_dtype": "uint8"}, {"sparse": "exact"}])
def test_forms_that_cannot_be_captured(options, gpu, capture):
    p = on_stream(np.ones(3, np.float32))
    optimizer = fastadam.Adam(p, **options)
    with pytest.raises(ValueError, match=r"a step with \w+='\w+' cannot be captured in"):
        capture(lambda: optimizer.step(p))
    assert gpu.graph == []
    assert (p.array == 1.0).all()


def test_gradients_that_cannot_be_captured(gpu, capture):
    p = on_stream(np.ones(3))
    optimizer = fastadam.Adam([p])
    rows = fastadam.Rows([0], on_stream(np.ones(1)))
    with pytest.raises(ValueError, match="gradients of rows cannot be captured in a CUDA graph"):
        capture(lambda: optimizer.step([rows]))
    with pytest.raises(ValueError, match=r"grads\[0\] names the stream 7, and the step is captur"):
        capture(lambda: optimizer.step([HostArray(np.ones(3), 7)]))
    with pytest.raises(ValueError, match="grads must hold a gradient where a step is captured"):
        capture(lambda: optimizer.step([None]))
    assert gpu.graph == []


def test_what_cannot_be_set_or_read_once_a_step_was_captured(gpu, capture):
    p = on_stream(np.ones(3))
    optimizer = fastadam.Adam({"p": p})
    replay = capture(lambda: optimizer.step({"p": p}))
    with pytest.raises(ValueError, match="lr must be a number where"):
        optimizer.lr = lambda step: 0.1
    with pytest.raises(ValueError, match="frozen cannot be set to True once a step was captured"):
        optimizer.param_groups[0]["frozen"] = True
    gpu.captured = STREAM
    for use in (lambda: optimizer.step_count, lambda: setattr(optimizer, "lr", 0.5)):
        with pytest.raises(RuntimeError, match="nothing can be read or set while a CUDA graph"):
            use()
    gpu.captured = None
    replay()
    assert optimizer.step_count == 1
    assert optimizer.lr == 0.001


def test_an_optimizer_goes_with_its_last_reference(capture):
    p = on_stream(np.ones(3))
    optimizer = fastadam.Adam(p)
    capture(partial(optimizer.step, p))
    group, gone = optimizer.param_groups[0], weakref.ref(optimizer)
    gc.disable()
    try:
        del optimizer
        assert gone() is None
    finally:
        gc.enable()
    group["lr"] = 0.5
    assert group["lr"] == 0.5

"""Which stream a step runs on, and whose order it keeps; when the host waits."""

import numpy as np
import pytest

import fastadam
from tests.gpu.host import HostArray

DEFAULT = 0  # Numba's


def stepped(gpu, params_stream, *gradient_streams, **keywords):
    """Return the events of one step of arrays with gradients of these streams."""
    params = [HostArray(np.ones(3), params_stream) for _ in gradient_streams]
    optimizer = fastadam.Adam(params, **keywords)
    gpu.events.clear()
    gpu.waits = 0
    optimizer.step([HostArray(np.ones(3), stream) for stream in gradient_streams])
    assert all((param.array != 1.0).all() for param in params)
    return gpu.events


@pytest.mark.parametrize("stream", [1, 2, 0x7F00])
def test_a_step_runs_on_the_stream_of_the_arrays(gpu, stream):
    assert stepped(gpu, stream, stream) == [("launch", stream)]
    assert stepped(gpu, stream, stream, None) == [("send", stream), ("launch", stream)]
    assert gpu.waits == 0


def test_arrays_that_name_no_stream_are_on_the_default_one(gpu):
    assert stepped(gpu, None, None) == [("launch", DEFAULT)]
    assert gpu.waits == 0


def test_gradients_of_another_stream_are_waited_for_and_not_overwritten_too_soon(gpu):
    assert stepped(gpu, 5, 7, 5, 9, 7) == [
        *[("order", 7, 5), ("order", 9, 5)],
        *[("send", 5), ("launch", 5)],
        *[("order", 5, 7), ("order", 5, 9)],
    ]
    assert stepped(gpu, None, 7) == [("order", 7, DEFAULT), ("launch", 0), ("order", DEFAULT, 7)]
    assert gpu.waits == 0


def test_a_change_of_the_current_stream_is_followed(gpu):
    p, g = HostArray(np.ones(3), 5), HostArray(np.ones(3), 5)
    optimizer = fastadam.Adam(p)
    optimizer.step(g)
    p.stream = g.stream = 9  # as CuPy's arrays do in `with stream:`
    gpu.events.clear()
    optimizer.step(g)
    assert gpu.events == [("launch", 9)]


def test_looking_for_nan_is_in_the_same_order_and_makes_the_host_wait_once(gpu):
    events = stepped(gpu, 5, 5, 7, nonfinite="skip")
    assert events == [
        ("fill", 5),
        *[("order", 7, 5), ("send", 5), ("launch", 5), ("order", 5, 7)],
        *[("order", 7, 5), ("send", 5), ("launch", 5), ("order", 5, 7)],
    ]
    assert gpu.waits == 1

"""Bad input: one row a case; an error that names the argument and the value, nothing written."""

import numpy as np
import pytest

import fastadam
from tests.gpu.host import HostArray


def read_only():
    array = np.ones(3)
    array.flags.writeable = False
    return array


def parts(*slices):
    """Return arrays that show parts of one piece of memory."""
    memory = np.ones(8)
    return [HostArray(memory[part]) for part in slices]


def masked():
    return HostArray(np.ones(3), mask=HostArray(np.ones(3, bool)))


def requiring_a_gradient():
    """Return an array that refuses the interface as torch does, and has no `detach`."""

    class Refusing:
        @property
        def __cuda_array_interface__(self):
            raise RuntimeError("use detach()")

    return Refusing()


PARAMS = {
    "int64": (lambda: HostArray(np.ones(3, int)), ["params", "int64"]),
    "float16": (lambda: HostArray(np.ones(3, np.float16)), ["params", "float16"]),
    "big-endian": (lambda: HostArray(np.ones(3, ">f8")), ["params", ">f8"]),
    "read-only": (lambda: HostArray(read_only()), ["params", "read-only"]),
    "strided": (lambda: HostArray(np.ones(6)[::2]), ["params", "contiguous", "(16,)"]),
    "Fortran": (lambda: HostArray(np.ones((2, 3), order="F")), ["params", "contiguous", "(8, 16)"]),
    "reversed": (lambda: [HostArray(np.ones(3)[::-1])], ["params[0]", "contiguous", "(-8,)"]),
    "masked": (masked, ["params", "masked"]),
    "stream 0": (lambda: HostArray(np.ones(3), 0), ["params", "stream 0"]),
    "stream -1": (lambda: HostArray(np.ones(3), -1), ["params", "stream -1"]),
    "stream 'main'": (lambda: HostArray(np.ones(3), "main"), ["params", "stream", "'main'"]),
    "twice": (lambda: parts(slice(8), slice(8)), ["params[0]", "params[1]", "share memory"]),
    "overlap": (lambda: parts(slice(3, 8), slice(4)), ["params[0]", "params[1]", "share memory"]),
    "host and GPU": (
        lambda: [np.ones(2), HostArray(np.ones(2))],
        ["params[1] is on a GPU", "params[0] is not"],
    ),
    "GPU and host": (
        lambda: {"w": HostArray(np.ones(2)), "b": np.ones(2)},
        ["params['w'] is on a GPU", "params['b'] is not"],
    ),
    "two GPUs": (
        lambda: [HostArray(np.ones(2)), HostArray(np.ones(2), place=1)],
        ["params[1] is on GPU 1", "params[0] on GPU 0"],
    ),
    "two streams": (
        lambda: [HostArray(np.ones(2), 5), HostArray(np.ones(2), 7)],
        ["params[1]", "7", "params[0]", "5"],
    ),
}

GRADS = {
    "host": (lambda: np.ones(3), ["grads", "GPU", "params", "dtype float64"]),
    "None": (lambda: None, ["grads", "None"]),
    "a list": (lambda: [HostArray(np.ones(3))], ["grads", "HostArray"]),
    "shape": (lambda: HostArray(np.ones(2)), ["grads", "(3,)", "(2,)"]),
    "dimensions": (lambda: HostArray(np.ones((3, 1))), ["grads", "(3,)", "(3, 1)"]),
    "float32": (lambda: HostArray(np.ones(3, np.float32)), ["grads", "float64", "float32"]),
    "int64": (lambda: HostArray(np.ones(3, int)), ["grads", "int64"]),
    "strided": (lambda: HostArray(np.ones(6)[::2]), ["grads", "contiguous", "(16,)"]),
    "masked": (masked, ["grads", "masked"]),
    "stream 0": (lambda: HostArray(np.ones(3), 0), ["grads", "stream 0"]),
    "stream True": (lambda: HostArray(np.ones(3), True), ["grads", "stream", "True"]),
    "another GPU": (lambda: HostArray(np.ones(3), place=1), ["grads", "GPU 0", "params"]),
}


def refused(words, call):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("case", PARAMS)
@pytest.mark.usefixtures("gpu")
def test_params(case):
    make, words = PARAMS[case]
    refused(words, lambda: fastadam.Adam(make()))


@pytest.mark.parametrize("case", GRADS)
def test_grads(case, gpu):
    make, words = GRADS[case]
    p = HostArray(np.ones(3))
    optimizer = fastadam.Adam(p)
    optimizer.step(HostArray(np.ones(3)))
    before, state = p.array.tobytes(), optimizer.state_dict()
    gpu.events.clear()
    bad = make()
    if isinstance(bad, list):
        bad = _Repeatable(bad)
    refused(words, lambda: optimizer.step(bad))
    assert gpu.events == []
    assert p.array.tobytes() == before
    after = optimizer.state_dict()
    assert all(np.array_equal(after[key], value) for key, value in state.items())


class _Repeatable(list):
    def __repr__(self):
        return f"[{type(self[0]).__name__}]"


@pytest.mark.parametrize(
    ("part", "shared"),
    [(slice(4, 8), "params[1]"), (slice(1, 5), "params[1]"), (slice(5, 9), "params[1]")],
)
@pytest.mark.usefixtures("gpu")
def test_a_gradient_in_the_memory_of_parameters(part, shared):
    memory = np.arange(12.0)
    params = [HostArray(memory[part]) for part in (slice(4), slice(4, 8))]
    optimizer = fastadam.Adam(params)
    before = memory.tobytes()
    refused(
        ["grads[0]", shared, "copy"],
        lambda: optimizer.step([HostArray(memory[part]), HostArray(np.ones(4))]),
    )
    assert memory.tobytes() == before
    optimizer.step([HostArray(memory[8:]), HostArray(np.ones(4))])


@pytest.mark.usefixtures("gpu")
def test_a_gradient_on_the_gpu_for_parameters_on_the_host():
    p = np.ones(3)
    optimizer = fastadam.Adam(p)
    refused(["grads", "NumPy", "on a GPU"], lambda: optimizer.step(HostArray(np.ones(3))))
    many = fastadam.Adam([p])
    refused(["grads", "sequence of 1", "on a GPU"], lambda: many.step(HostArray(np.ones(3))))
    groups = fastadam.Adam([{"params": p}])
    refused(["grads", "groups", "on a GPU"], lambda: groups.step(HostArray(np.ones(3))))
    assert (p == 1.0).all()


@pytest.mark.usefixtures("gpu")
def test_threads():
    refused(["threads", "2"], lambda: fastadam.Adam(HostArray(np.ones(3)), threads=2))


@pytest.mark.usefixtures("gpu")
def test_a_torch_like_array_that_cannot_be_detached():
    with pytest.raises(AttributeError, match="detach"):
        fastadam.Adam(requiring_a_gradient())

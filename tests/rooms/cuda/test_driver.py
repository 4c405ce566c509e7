"""How the driver is called, with a driver in its place that remembers."""

import ctypes
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from fastadam._cuda.driver import Arguments, Gpu, describe_vector


class Code(int):
    """A result code of the driver: 0 is success."""

    name = "CUDA_ERROR_TESTED"


class Driver:
    """Answers every call with what ``answers`` has for it, else with success alone."""

    CUstream_flags = SimpleNamespace(CU_STREAM_NON_BLOCKING="non-blocking")
    CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_RELAXED="relaxed")
    CUevent_flags = SimpleNamespace(CU_EVENT_DISABLE_TIMING="no timing")
    CUpointer_attribute = SimpleNamespace(CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL="ordinal")
    CUdevice_attribute = SimpleNamespace(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT="count")

    def __init__(self, **answers):
        self.calls = []
        self.answers = {"cuCtxGetDevice": (Code(0), 0), "cuDeviceGetAttribute": (Code(0), 4)}
        self.answers.update(answers)

    def __getattr__(self, name):
        def call(*arguments):
            self.calls.append((name, *arguments))
            return self.answers.get(name, (Code(0),))

        return call


@pytest.fixture
def make(monkeypatch):
    """Return a function that makes a GPU of a driver; its numba.cuda is in ``contexts``."""
    contexts = []

    def make(**answers):
        driver = Driver(**answers)
        driver.deferring = []

        @contextmanager
        def defer_cleanup():
            driver.deferring.append(True)
            try:
                yield
            finally:
                driver.deferring.pop()

        numba = SimpleNamespace(current_context=contexts.append, defer_cleanup=defer_cleanup)
        monkeypatch.setattr("fastadam._cuda.driver.load_api", lambda: (numba, driver))
        gpu = Gpu(0)
        driver.calls.clear()
        return gpu, driver, contexts

    return make


def test_a_launch(make):
    gpu, driver, _ = make()
    arguments = Arguments([7])
    gpu.run_all([gpu.make_launch_call(("function", "module"), 5, 9, arguments)])
    expected = ("cuLaunchKernel", "function", 5, 1, 1, 256, 1, 1, 0, 9)
    assert driver.calls == [(*expected, arguments.address, 0)]


def test_order_uses_an_event_that_lives_as_long_as_it_is_needed(make):
    gpu, driver, _ = make(cuEventCreate=(Code(0), "event"))
    gpu.run_all(gpu.make_order_calls(5, 7))
    assert driver.calls == [
        ("cuEventCreate", "no timing"),
        ("cuEventRecord", "event", 5),
        ("cuStreamWaitEvent", 7, "event", 0),
        ("cuEventDestroy", "event"),
    ]


def test_a_copy_from_a_stream_waits_for_that_stream_alone(make):
    gpu, driver, _ = make()
    gpu.read(99, (2,), np.float32, stream=5)
    names = [name for name, *_ in driver.calls]
    assert names == ["cuMemcpyDtoHAsync", "cuStreamSynchronize"]
    assert driver.calls[0][2:] == (99, 8, 5)
    driver.calls.clear()
    gpu.read(99, (2,), np.float32)
    assert [name for name, *_ in driver.calls] == ["cuCtxSynchronize", "cuMemcpyDtoH"]
    driver.calls.clear()
    assert gpu.read(0, (0, 3), np.float32).shape == (0, 3)
    assert driver.calls == []


def test_a_copy_in_the_order_of_a_stream_waits_for_nothing(make):
    gpu, driver, _ = make()
    gpu.run_all([gpu.make_send_call(99, 7, 24, 5)])
    assert driver.calls == [("cuMemcpyHtoDAsync", 99, 7, 24, 5)]


def test_a_copy_apart_has_a_stream_of_its_own_that_goes(make):
    gpu, driver, _ = make(cuStreamCreate=(Code(0), "own"))
    array = np.ones(3)
    gpu.send_apart(99, array)
    assert driver.calls == [
        ("cuStreamCreate", "non-blocking"),
        ("cuMemcpyHtoDAsync", 99, array.ctypes.data, 24, "own"),
        ("cuStreamSynchronize", "own"),
        ("cuStreamDestroy", "own"),
    ]
    driver.answers["cuMemcpyHtoDAsync"] = (Code(1),)
    with pytest.raises(RuntimeError, match="CUDA_ERROR_TESTED"):
        gpu.send_apart(99, array)
    assert driver.calls[-1] == ("cuStreamDestroy", "own")


def test_what_is_done_beside_a_capture_is_allowed_that_long_and_frees_nothing(make):
    gpu, driver, _ = make(cuThreadExchangeStreamCaptureMode=(Code(0), "global"))
    seen = []

    def fail():
        seen.append((list(driver.calls), list(driver.deferring)))
        raise KeyError

    with pytest.raises(KeyError), gpu.beside_capture():
        fail()
    assert seen == [([("cuThreadExchangeStreamCaptureMode", "relaxed")], [True])]
    assert driver.calls[1:] == [("cuThreadExchangeStreamCaptureMode", "global")]
    assert driver.deferring == []


@pytest.mark.parametrize("status", [0, 1])
def test_whether_a_stream_is_captured_is_asked(status, make):
    gpu, driver, _ = make(cuStreamIsCapturing=(Code(0), status))
    assert gpu.is_capturing(5) is bool(status)
    assert driver.calls == [("cuStreamIsCapturing", 5)]


def test_a_copy_to_the_gpu_waits_for_all_before_and_after(make):
    gpu, driver, _ = make()
    array = np.ones(2, np.float32)
    gpu.run_all(gpu.make_write_calls(99, array))
    copy = ("cuMemcpyHtoD", 99, array.ctypes.data, 8)
    assert driver.calls == [("cuCtxSynchronize",), copy, ("cuCtxSynchronize",)]
    assert gpu.make_write_calls(0, np.ones((0, 3))) == []


def test_calls_that_are_not_the_drivers_may_return_anything(make):
    gpu, *_ = make()
    found = []
    gpu.run_all([(id, found), (found.append, 1), (len, found)])
    assert found == [1]


def test_errors_of_the_driver_are_raised_by_name(make):
    gpu, *_ = make(cuLaunchKernel=(Code(700),))
    with pytest.raises(RuntimeError, match="CUDA_ERROR_TESTED"):
        gpu.run_all([gpu.make_launch_call(("function", "module"), 1, 0, Arguments([7]))])


def test_memory_elsewhere_is_told_apart(make):
    for answer, is_here in [((Code(0), 0), True), ((Code(0), 1), False), ((Code(1), 0), False)]:
        gpu, driver, _ = make(cuPointerGetAttribute=answer)
        assert gpu.holds(99) is is_here
        assert driver.calls == [("cuPointerGetAttribute", "ordinal", 99)]


def test_the_current_gpu_has_to_be_the_right_one_and_a_new_thread_gets_it(make):
    gpu, driver, contexts = make()
    gpu.require_current()
    assert contexts == []
    driver.answers["cuCtxGetDevice"] = (Code(201), 0)
    gpu.require_current()
    assert contexts == [0]
    driver.answers["cuCtxGetDevice"] = (Code(0), 1)
    with pytest.raises(RuntimeError, match=r"on GPU 0, and the current one is 1"):
        gpu.require_current()


def test_arguments_are_pointers_to_words_and_scalars():
    scalars = (ctypes.c_float * 2)(0.5, 0.25)
    fields = [111, *describe_vector(222, 5, 4)]
    assert fields == [111, 0, 0, 5, 4, 222, 5, 4]  # as Numba has it
    arguments = Arguments(fields, scalars)
    assert list(arguments.words) == fields
    pointers = (ctypes.c_uint64 * (len(fields) + 2)).from_address(arguments.address)
    found = [ctypes.c_uint64.from_address(pointer).value for pointer in pointers[:-2]]
    assert found == fields
    assert [ctypes.c_float.from_address(pointer).value for pointer in pointers[-2:]] == [0.5, 0.25]

"""Host memory in place of a GPU's: arrays that claim to be on one, and the GPU itself."""

import ctypes
from contextlib import nullcontext

import numpy as np

from fastadam._cuda.driver import Arguments


class HostArray:
    """An array with `__cuda_array_interface__`, in host memory."""

    def __init__(self, array, stream=None, place=0, **changes):
        self.array, self.stream, self.place, self._changes = array, stream, place, changes
        PLACES[array.ctypes.data] = place

    @property
    def __cuda_array_interface__(self):
        array = self.array
        description = {
            "shape": array.shape,
            "strides": None if array.flags.c_contiguous else array.strides,
            "typestr": array.dtype.str,
            "data": (array.ctypes.data, not array.flags.writeable),
            "stream": self.stream,
            "version": 3,
        }
        return {**description, **self._changes}

    def __getattr__(self, name):
        if name in ("shape", "dtype"):
            return getattr(self.array, name)
        raise AttributeError(name)

    def __iter__(self):
        raise AssertionError("the elements of an array on a GPU are not looked at one by one")

    def __repr__(self):
        raise AssertionError("an array on a GPU is not copied for a message")


def place(array, offset):
    """Return a copy that begins so many elements behind an address that 16 divides."""
    memory = np.zeros(array.size + offset + 4, array.dtype)
    skipped = -memory.ctypes.data % 16 // array.itemsize + offset
    view = memory[skipped : skipped + array.size]
    view[:] = array
    return HostArray(view)


#: The number of the GPU that each array claims to be on, by address.
PLACES = {}


class HostDevice:
    """The methods of `fastadam._cuda.driver.Gpu`, over host memory.

    What it is told is kept in ``events``: the streams of launches and orders.
    """

    #: None of those that tests use: their streams change.
    array_kind = type(None)

    #: Of a block: few, so that small arrays have whole blocks, and others.
    threads = 2
    most_blocks = 2

    def __init__(self, ordinal=0):
        self.ordinal = ordinal
        self.events = []
        self.sizes = []  # of what was sent
        self.waits = 0
        self._owned = {}

    def compile(self, function, signature):
        """Return something that `run` takes."""
        raise NotImplementedError

    def run(self, kernel, blocks, threads, arguments):
        """Run so many blocks of a kernel."""
        raise NotImplementedError

    def require_current(self):
        """Do nothing."""

    def holds(self, pointer):
        """Tell whether memory is on this GPU."""
        return PLACES.get(pointer, self.ordinal) == self.ordinal

    def empty(self, shape, dtype):
        """Return new memory that shows whether it is set before it is read."""
        array = np.full(shape, 0x2A if np.dtype(dtype).kind in "iu" else np.nan, dtype)
        return HostArray(array, place=self.ordinal)

    def view(self, owner, start, shape, dtype):
        """Return a part of an array."""
        length = int(np.prod(shape)) * dtype.itemsize
        part = owner.array.reshape(-1).view(np.uint8)[start : start + length]
        return HostArray(part.view(dtype).reshape(shape), place=self.ordinal)

    @staticmethod
    def pointer(array):
        """Return the address of an array."""
        return array.array.ctypes.data

    def fill(self, pointer, byte, size, stream):
        """Set bytes."""
        self.events.append(("fill", stream))
        ctypes.memset(pointer, byte, size)

    def make_fill_call(self, pointer, byte, size, stream):
        """Return the call that sets bytes."""
        return self.fill, pointer, byte, size, stream

    def read(self, pointer, shape, dtype, stream=None):
        """Return a copy."""
        assert self.captured is None
        self.waits += 1
        array = np.empty(shape, dtype)
        ctypes.memmove(array.ctypes.data, pointer, array.nbytes)
        return array

    def make_write_calls(self, pointer, array):
        """Return the call that copies an array."""
        return [(self._write, pointer, array)]

    def _write(self, pointer, array):
        assert array.flags.c_contiguous
        assert self.captured is None
        self.waits += 1
        ctypes.memmove(pointer, array.ctypes.data, array.nbytes)

    @staticmethod
    def make_copy_calls(pairs, size):
        """Make the calls that copy bytes to the first place of each pair from the second."""
        return [(ctypes.memmove, target, source, size) for target, source in pairs]

    def copy(self, target, source, size):
        """Copy bytes."""
        self.waits += 1
        ctypes.memmove(target, source, size)

    #: The stream whose launches go to the graph, if one's do.
    captured = None

    def is_capturing(self, stream):
        """Tell whether it is that stream."""
        return stream == self.captured

    @staticmethod
    def beside_capture():
        """Allow what is allowed anyway."""
        return nullcontext()

    def send_apart(self, target, array):
        """Copy an array."""
        ctypes.memmove(target, array.ctypes.data, array.nbytes)

    def capture(self, function, stream=5):
        """Capture what a function launches on a stream; return what replays it."""
        self.captured, self.graph = stream, []
        try:
            function()
        finally:
            self.captured, graph = None, self.graph
        return lambda: self.replay(graph)

    def replay(self, graph):
        """Run what was captured."""
        for call in graph:
            self.launch(*call)

    def make_send_call(self, target, source, size, stream):
        """Return the call that copies bytes."""
        return self._send, target, source, size, stream

    def _send(self, target, source, size, stream):
        assert self.captured is None
        self.events.append(("send", stream))
        self.sizes.append(size)
        ctypes.memmove(target, source, size)

    def make_order_calls(self, first, then):
        """Return the call that remembers it."""
        return [(self.events.append, ("order", first, then))]

    def synchronize(self):
        """Count it."""
        self.waits += 1

    def make_launch_call(self, kernel, blocks, stream, arguments, threads=0):
        """Return the call that runs a kernel at once."""
        return self.launch, kernel, blocks, stream, arguments, threads or self.threads

    def run_all(self, calls):
        """Make calls."""
        for function, *arguments in calls:
            function(*arguments)

    def launch(self, kernel, blocks, stream, arguments, threads):
        """Run a kernel at once."""
        assert blocks > 0
        if self.is_capturing(stream):
            scalars = arguments.scalars and type(arguments.scalars)(*arguments.scalars)
            copied = Arguments(list(arguments.words), scalars)
            self.graph.append((kernel, blocks, stream, copied, threads))
            return
        self.events.append(("launch", stream))
        self.run(kernel, blocks, threads, arguments)


def install(monkeypatch, make):
    """Have host devices made by ``make(ordinal)`` take the place of GPUs; return number 0."""
    from fastadam._cuda import arguments, arrays, backend

    devices = {}

    def find_gpu(pointer):
        ordinal = PLACES.get(pointer, 0)
        if ordinal not in devices:
            devices[ordinal] = make(ordinal)
        return devices[ordinal]

    for module in (arguments, arrays, backend):
        monkeypatch.setattr(module, "find_gpu", find_gpu)
    PLACES.clear()
    return find_gpu(0)

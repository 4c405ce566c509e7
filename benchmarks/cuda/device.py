"""A GPU as the `cuda` suite uses it: which one it is, its memory, its clock."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, types

from fastadam._numba import gpu as target

from ..harness.adam import Array
from .arrays import Arrays, Found, NumbaArrays
from .timing import Clock, complete_clock, enqueue_clock, event_clock

cuda: Any = None  # see `fastadam._numba.gpu.with_cuda`

#: Threads of a block of the searching kernel, and blocks for each multiprocessor.
_THREADS, _BLOCKS = 256, 32

_QUERY = "driver_version,pstate,clocks.sm,clocks.max.sm,clocks.mem,power.draw,power.limit"


class Gpu:
    """The current GPU.

    Raises
    ------
    ImportError, RuntimeError
        If there is none, or not what it takes to use it; the message says what is missing.
    """

    def __init__(self) -> None:
        self._cuda = target.load_cuda()
        if target.is_simulated():
            raise RuntimeError("the simulator (NUMBA_ENABLE_CUDASIM=1) has no times to measure")
        self._context = self._cuda.current_context()
        self.arrays = NumbaArrays(self._cuda)
        #: Time on the GPU; time of the host until it has asked, and until all is done.
        self.device_clock: Clock = event_clock(self._cuda.event)
        self.host_clock: Clock = enqueue_clock(self._cuda.synchronize)
        self.complete_clock: Clock = complete_clock(self._cuda.synchronize)

    def free_memory(self) -> int:
        """Return how many bytes nobody has."""
        return int(self._context.get_memory_info().free)

    def release(self) -> None:
        """Give back the memory of arrays that are gone; each library keeps it for itself."""
        self._cuda.synchronize()
        gc.collect()
        self._context.deallocations.clear()
        torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        if cupy is not None:
            cupy.get_default_memory_pool().free_all_blocks()

    def synchronize(self) -> None:
        """Wait for everything that the GPU was told."""
        self._cuda.synchronize()

    def outside(self, arrays: Arrays, array: Any, lowest: Array, highest: Array) -> Found:
        """Do what `arrays.outside` does, on the GPU: a billion elements take milliseconds."""
        kernel = load_search(lowest.dtype)
        blocks = _BLOCKS * self._cuda.get_current_device().MULTIPROCESSOR_COUNT
        first = self._cuda.to_device(np.array([len(array)]))
        limits = map(self._cuda.to_device, (lowest, highest))
        kernel[blocks, _THREADS](self._cuda.as_cuda_array(array), *limits, first)
        index = int(first.copy_to_host()[0])
        return None if index == len(array) else (index, arrays.fetch(array[index : index + 1])[0])

    def describe(self) -> dict[str, Any]:
        """Return name, memory and versions, as plain values for JSON."""
        device, memory = self._cuda.get_current_device(), self._context.get_memory_info()
        name = device.name
        return {
            "gpu": name.decode() if isinstance(name, bytes) else str(name),
            "compute_capability": ".".join(map(str, device.compute_capability)),
            "memory": int(memory.total),
            "free_memory": int(memory.free),
            "driver_supports_cuda": ".".join(map(str, self._cuda.cudadrv.driver.get_version())),
            "toolkit": ".".join(map(str, self._cuda.runtime.get_version())),
            "numba_cuda": find_version("numba_cuda"),
            "cupy": find_version("cupy"),
            "torch": find_version("torch"),
            **self.state(),
        }

    def state(self) -> dict[str, str]:
        """Return the driver's release, clocks and power as the driver's own tool tells them."""
        return ask_tool(str(self._cuda.get_current_device().uuid))


def find_version(module: str) -> str | None:
    """Return the version of a module that has been imported; installed is not yet usable."""
    return getattr(sys.modules.get(module), "__version__", None)


def ask_tool(uuid: str) -> dict[str, str]:
    """Ask ``nvidia-smi`` about a GPU; return nothing where there is no such program."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    command = [program, f"--id={uuid}", f"--query-gpu={_QUERY}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    names, values = _QUERY.split(","), done.stdout.strip().split(", ")
    return dict(zip(names, values, strict=True)) if len(values) == len(names) else {}


def headline(described: dict[str, Any]) -> str:
    """Return one line about a GPU."""
    parts = [
        described["gpu"],
        f"compute capability {described['compute_capability']}",
        f"{described['memory'] / 2**30:.1f} GiB, {described['free_memory'] / 2**30:.1f} free",
        f"driver {described.get('driver_version', 'of unknown release')} "
        f"(CUDA {described['driver_supports_cuda']})",
        f"toolkit {described['toolkit']}",
    ]
    for name, label in (("numba_cuda", "numba-cuda"), ("torch", "torch"), ("cupy", "CuPy")):
        if described[name]:
            parts.append(f"{label} {described[name]}")
    return ", ".join(parts)


def state_line(state: dict[str, str]) -> str:
    """Return one line about clocks and power, or nothing."""
    if not state:
        return ""
    return (
        f"{state['pstate']}, SM clock {state['clocks.sm']} of {state['clocks.max.sm']}, memory "
        f"clock {state['clocks.mem']}, {state['power.draw']} of {state['power.limit']}"
    )


@cache
def load_search(dtype: np.dtype[Any]) -> Any:
    """Compile the kernel that looks for what is outside."""
    return target.compile_gpu_kernel(*search_function(dtype))


def search_function(dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Return the kernel ``search(x, lowest, highest, first)``, not yet compiled, and its signature.

    It lowers ``first[0]`` to the index of the first element that is not within what is repeated.
    """

    @target.with_cuda
    def search(x: Any, lowest: Any, highest: Any, first: Any) -> None:
        i, stride = cuda.grid(1), cuda.gridsize(1)
        while i < x.size:
            place = i % lowest.size
            if not (x[i] >= lowest[place] and x[i] <= highest[place]):  # so is NaN
                cuda.atomic.min(first, 0, i)
                i = x.size
            i += stride

    vector = types.Array(from_dtype(dtype), 1, "C")
    return search, types.void(vector, vector, vector, types.Array(types.int64, 1, "C"))

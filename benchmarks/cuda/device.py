"""A GPU as the `cuda` suite uses it: which one it is, its memory, its clock."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from numba import types

from fastadam._numba import gpu as target

from .arrays import NumbaArrays
from .timing import Clock, enqueue_clock, event_clock

cuda: Any = None  # see `fastadam._numba.gpu.with_cuda`

_VECTOR = types.Array(types.float32, 1, "C")

#: Threads of a block of the copying kernel, and blocks for each multiprocessor.
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
        #: Time on the GPU, and time of the host.
        self.device_clock: Clock = event_clock(self._cuda.event)
        self.host_clock: Clock = enqueue_clock(self._cuda.synchronize)

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

    def copying_kernel(self) -> Callable[[Any, Any], None]:
        """Return ``copy(to, source)`` for float32 arrays of one length: a loop like a step's."""
        kernel = target.compile_gpu_kernel(*copy_function())
        blocks = _BLOCKS * self._cuda.get_current_device().MULTIPROCESSOR_COUNT
        return kernel[blocks, _THREADS]

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


def copy_function() -> tuple[Callable[..., None], Any]:
    """Return the kernel ``copy(to, source)``, not yet compiled, and its signature.

    It goes element by element, as a step's kernel goes.
    """

    @target.with_cuda
    def copy(to: Any, source: Any) -> None:
        i, stride = cuda.grid(1), cuda.gridsize(1)
        while i < to.size:
            to[i] = source[i]
            i += stride

    return copy, types.void(_VECTOR, _VECTOR)

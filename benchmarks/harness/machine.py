"""What the figures were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_PACKAGES = (
    *("fastadam", "numpy", "numba", "scipy", "torch", "scikit-learn", "jax", "optax"),
    *("ndoptimize", "lumafit", "scijit", "cma", "nlopt"),
)


def describe() -> dict[str, Any]:
    """Describe processor, versions, BLAS and load, as plain values for JSON."""
    import numba

    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "cpu": _cpu_model(),
        "cores": _cores(),
        "load_average_before": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "huge_pages": _first_line("/sys/kernel/mm/transparent_hugepage/enabled"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "numba_threads": numba.get_num_threads(),
        "blas": _blas(),
    }


def headline(machine: dict[str, Any]) -> str:
    """Two lines for the top of the terminal output."""
    versions = ", ".join(f"{name} {v}" for name, v in machine["packages"].items() if v)
    blas = ", ".join(f"{b['library']} on {b['threads']} threads" for b in machine["blas"])
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['numba_threads']} Numba threads, "
        f"{blas or 'BLAS unknown'}\nPython {machine['python']}, {versions}"
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError):
        return None


def _blas() -> list[dict[str, Any]]:
    """List the BLAS libraries that NumPy brings; empty without threadpoolctl."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    import numpy  # noqa: F401 - loads its BLAS, if nothing else has

    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return [
        {
            "library": " ".join(filter(None, (b["internal_api"], b["version"], kernels_of(b)))),
            "threads": b["num_threads"],
        }
        for b in found
    ]


def kernels_of(library: Mapping[str, Any]) -> str:
    """Tell which processor's kernels a BLAS library runs, where it says so."""
    return f"({library['architecture']} kernels)" if library.get("architecture") else ""

"""Compiled kernels on disk: reused, never wrong, never in the way."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from tests.processes import run_python

# Every child prints what Numba compiled and the bits of a short run.
CHILD = """
import json, sys, warnings
caught = []
warnings.showwarning = lambda message, *_, **__: caught.append(str(message))
warnings.simplefilter("always")
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, e): compiled.append(e.data["dispatcher"].py_func.__qualname__)
    def on_end(self, e): pass
event.register("numba:compile", Listener())
import fastadam
import numpy as np
after_import = len(compiled)
bits = ""
for name in sys.argv[1].split(","):
    for dtype in ("f4", "f8"):
        p = np.linspace(-1, 1, 40_000).astype(dtype)
        optimizer = getattr(fastadam, name)(p, lr=0.1, nonfinite="raise", threads={threads})
        for _ in range(9):
            optimizer.step(p.copy())
        bits += p[::4000].tobytes().hex()
import numba
@numba.njit
def other(x):
    return x + 1
assert other(1) == 2  # Numba still works where only ready kernels were loaded
compiled = [name for name in compiled if "_float" in name]
print(json.dumps({{"after_import": after_import, "compiled": sorted(set(compiled)), "bits": bits,
                  "warnings": caught}}))
"""


def start_child(cache, names="Adam", threads="None", **environment):
    code = textwrap.dedent(CHILD).format(threads=threads)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", code, names],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child):
    out, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    return json.loads(out)


def run_child(*arguments, **keywords):
    return finish(start_child(*arguments, **keywords))


def entries(cache):
    return sorted(cache.rglob("*.kernel"))


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """Return a cache that one process has filled, and what that process printed."""
    cache = tmp_path_factory.mktemp("cache")
    return cache, run_child(cache)


@pytest.fixture
def filled(warm, tmp_path):
    """Return a copy of the filled cache."""
    for path in warm[0].rglob("*.kernel"):
        copy = tmp_path / path.relative_to(warm[0])
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return tmp_path


def test_importing_compiles_nothing_and_the_first_steps_do(warm):
    cache, first = warm
    assert first["after_import"] == 0
    expected = {f"adam_{d}_{k}" for d in ("float32", "float64") for k in ("serial", "parallel")}
    expected |= {"all_finite_float32", "all_finite_float64"}
    assert set(first["compiled"]) <= expected  # the parallel loops where there is one thread
    assert len(entries(cache)) == len(first["compiled"])
    assert first["warnings"] == []


def test_a_second_process_compiles_nothing(warm):
    cache, first = warm
    second = run_child(cache)
    assert second["compiled"] == []
    assert second["bits"] == first["bits"]
    assert second["warnings"] == []


@pytest.mark.parametrize("damage", ["truncated", "emptied", "flipped", "foreign"])
def test_a_damaged_entry_is_built_again(filled, warm, damage):
    for path in entries(filled):
        content = bytearray(path.read_bytes())
        if damage == "truncated":
            content = content[: len(content) // 2]
        elif damage == "emptied":
            content = b""
        elif damage == "flipped":
            content[len(content) // 2] ^= 1
        else:
            content = b"not a kernel at all"
        path.write_bytes(content)
    child = run_child(filled)
    assert child["bits"] == warm[1]["bits"]
    assert child["compiled"] == warm[1]["compiled"]
    assert len(child["warnings"]) == 1
    assert "damaged" in child["warnings"][0]
    assert run_child(filled)["compiled"] == []  # and was put right


def test_an_entry_that_cannot_be_read_or_replaced(filled, warm):
    path = entries(filled)[0]
    path.unlink()
    path.mkdir()  # not even root can read or replace it
    child = run_child(filled)
    assert child["bits"] == warm[1]["bits"]
    assert len(child["compiled"]) == 1
    assert len(child["warnings"]) == 1


def test_nowhere_to_write(tmp_path, warm):
    file = tmp_path / "a-file"
    file.write_text("")
    # Neither beside the sources, nor in the user's cache, nor where the variable says.
    child = run_child(file / "below", NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator")
    assert child["bits"] == warm[1]["bits"]
    assert len(child["warnings"]) == 1
    assert "cannot be kept" in child["warnings"][0]


def test_many_cold_starts_at_once(tmp_path, warm):
    children = [
        start_child(tmp_path, "Adam,SGD" if i % 2 else "SGD,Adam", threads="1") for i in range(4)
    ]
    results = [finish(child) for child in children]
    assert {result["bits"] for result in results[1::2]} == {results[1]["bits"]}
    assert {result["bits"] for result in results[::2]} == {results[0]["bits"]}
    assert warm[1]["bits"] in results[1]["bits"]
    later = run_child(tmp_path, "Adam,SGD", threads="1")
    assert later["compiled"] == []
    assert later["bits"] == results[1]["bits"]
    assert not list(tmp_path.rglob("tmp*"))  # nothing half-written is left


def test_a_change_of_the_rules_is_seen(warm):
    """The digest of the sources is in the name of each entry."""
    code = """
from fastadam import cache
cache._source_digest.cache_clear()
cache.Path.read_bytes = lambda path: b"changed" if path.suffix == ".py" else open(path, "rb").read()
"""
    child = (
        textwrap.dedent(CHILD)
        .format(threads="1")
        .replace("import fastadam\n", code + "import fastadam\n", 1)
    )
    result = json.loads(run_python(child, "Adam", NUMBA_CACHE_DIR=str(warm[0])))
    assert "adam_float32_serial" in result["compiled"]


def test_numba_may_be_switched_off():
    code = """
import numpy as np, fastadam
p = np.ones(3); fastadam.Adam(p, nonfinite="raise").step(np.ones(3)); print(p[0])
"""
    assert float(run_python(code, NUMBA_DISABLE_JIT="1")) == pytest.approx(0.999)

"""Compiled kernels on disk: reused, never wrong, never in the way."""

import compileall
import json
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numba
import pytest
from numba import types

import fastadam
from fastadam._numba import cache as compiling
from fastadam._numba import kernel_files, private
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
    p = np.linspace(-1, 1, 40_000).astype("f4")
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
    expected = {"adam_float32_serial", "adam_float32_parallel", "all_finite_float32"}
    assert set(first["compiled"]) <= expected  # the parallel loops where there is one thread
    assert len(entries(cache)) == len(first["compiled"])
    assert first["warnings"] == []


def test_a_second_process_compiles_nothing(warm):
    cache, first = warm
    second = run_child(cache)
    assert second["compiled"] == []
    assert second["bits"] == first["bits"]
    assert second["warnings"] == []


@pytest.mark.parametrize(
    "damage",
    [
        "truncated",
        pytest.param("exchanged", marks=pytest.mark.fault(number=28)),
    ],
)
def test_a_damaged_entry_is_built_again(filled, warm, damage):
    contents = [path.read_bytes() for path in entries(filled)]
    for path, other in zip(entries(filled), contents[1:] + contents[:1], strict=True):
        content = path.read_bytes()  # exchanged: each is another's, and whole
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else other)
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


@pytest.mark.slow
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
from fastadam._numba import cache
cache.digest_sources.cache_clear()
cache.Path.read_bytes = lambda path: b"changed" if path.suffix == ".py" else open(path, "rb").read()
"""
    child = (
        textwrap.dedent(CHILD)
        .format(threads="1")
        .replace("import fastadam\n", code + "import fastadam\n", 1)
    )
    result = json.loads(run_python(child, "Adam", NUMBA_CACHE_DIR=str(warm[0])))
    assert "adam_float32_serial" in result["compiled"]


PACKAGE = Path(fastadam.__file__).parent

WITHOUT_SOURCES = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
caught = []
warnings.showwarning = lambda message, *_, **__: caught.append(str(message))
warnings.simplefilter("always")
import numba
import numpy as np
import fastadam
assert fastadam.__file__.startswith(sys.argv[1])
p = np.ones(3)
fastadam.SGD(p, lr=0.5, threads=1).step(2 * p)
assert (p == 0.0).all()
@numba.njit
def fun(x, a):
    return (x[0] - a) ** 2
for function in (fun, fun.py_func)[:int(sys.argv[2])]:
    options = {"lr": 0.1, "maxiter": 200}
    result = fastadam.minimize(function, [0.0], (3.0,), method="sgd", options=options)
    assert abs(result.x[0] - 3.0) < 1e-3, result
    result = fastadam.minimize_batch(
        function, [[0.0]], (), (np.full(1, 3.0),), method="sgd", options=options
    )
    assert abs(result.x[0, 0] - 3.0) < 1e-3, result
print(*caught, sep="\\n")
"""


@pytest.mark.fault(number=2)
@pytest.mark.parametrize(
    "kind", [pytest.param("zip", marks=pytest.mark.slow), "compiled", "some sources"]
)
def test_without_sources(tmp_path, kind):
    """All is compiled in the process, and it is said once."""
    place = tmp_path / "place"
    if kind == "zip":
        with zipfile.ZipFile(place.with_suffix(".zip"), "w") as file:
            for path in PACKAGE.rglob("*.py"):
                file.write(path, path.relative_to(PACKAGE.parent))
        place = place.with_suffix(".zip")
    else:
        copy = place / "fastadam"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        assert compileall.compile_dir(copy, legacy=True, quiet=1)
        for path in copy.rglob("*.py"):
            if kind == "compiled" or path.parent.name == "_search":
                path.unlink()
    printed = run_python(
        WITHOUT_SOURCES,
        str(place),
        str(2 * (kind == "zip")),
        NUMBA_CACHE_DIR=str(tmp_path / "cache"),
        PYTHONPATH="",
        cwd=tmp_path,
    )
    assert len(printed.splitlines()) == 1, printed
    assert "compiled in this process" in printed
    assert not entries(tmp_path)


def test_numba_may_be_switched_off():
    code = """
import numpy as np, fastadam
p = np.ones(3); fastadam.Adam(p, nonfinite="raise").step(np.ones(3)); print(p[0])
"""
    assert float(run_python(code, NUMBA_DISABLE_JIT="1")) == pytest.approx(0.999)


# ---------------------------------------------------------------------------------------------
# In this process
# ---------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Return ``compile()``, of a small kernel that is kept, and what `kernel_files` was told."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(private, "_warned", set())
    writes = []
    write = kernel_files.write

    def recording(path, identity, payload):
        write(path, identity, payload)  # if it raises, nothing is written
        writes.append((path, identity))

    monkeypatch.setattr(kernel_files, "write", recording)

    def kernel(x):
        return x + 1

    kernel.__qualname__ = "small"

    def compile_small():
        entry_point = compiling.compile_kernel(kernel, types.int64(types.int64))
        assert entry_point(1) == 2
        return len(writes)

    assert compile_small() == 1
    assert compile_small() == 1  # it was loaded
    return compile_small, *writes[0]


@pytest.mark.fault(number=28)
@pytest.mark.parametrize("payload", [b"junk", b"", b"cos\nnothing\n.", b"N.", b"(I1\nI2\nt."])
def test_a_whole_file_that_holds_no_kernel(kept, payload):
    compile_small, path, identity = kept
    kernel_files.write(path, identity, payload)
    with pytest.warns(RuntimeWarning, match="holds no kernel"):
        assert compile_small() == 3  # it is replaced
    assert compile_small() == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.fault(number=28)
def test_what_is_not_a_regular_file_is_replaced(kept):
    compile_small, path, _ = kept
    path.unlink()
    os.mkfifo(path)
    with pytest.warns(RuntimeWarning, match="is not a file"):
        assert compile_small() == 2
    assert compile_small() == 2


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners")
@pytest.mark.fault(number=28)
def test_nothing_is_loaded_where_everybody_writes(kept, monkeypatch):
    compile_small, path, _ = kept
    path.parent.chmod(0o777)
    monkeypatch.setattr(compiling.pickle, "loads", None)
    with pytest.warns(RuntimeWarning, match="can be written by other users"):
        assert compile_small() == 1
    assert compile_small() == 1  # without another warning


@pytest.mark.fault(number=28)
@pytest.mark.parametrize("name", [*compiling._SETTINGS, "CPU_NAME"])
def test_settings_that_change_machine_code_change_the_name(name, monkeypatch):
    codegen = numba.njit(lambda: 1).targetctx.codegen()
    cache = compiling._KernelCache(compiling.compile_kernel, "")
    before = cache._file(types.int64(types.int64), codegen)
    monkeypatch.setattr(numba.config, name, "another")
    after = cache._file(types.int64(types.int64), codegen)
    assert before[0] != after[0]
    assert before[1] != after[1]

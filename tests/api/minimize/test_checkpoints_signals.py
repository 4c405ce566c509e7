"""Processes that get SIGTERM, Ctrl-C or SIGKILL in a search: it goes on bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.processes import run_python

#: What searches are of, and how each of them shows all of a result.
COMMON = """
import json, sys, time
import numpy as np
from numba import njit
import fastadam


def in_python(x):
    time.sleep(1e-3)
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


@njit
def compiled(x):
    total = 0.0
    for k in range(100_000):
        for i in range(x.size - 1):
            total += 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 + k % 2
    return total / 100_000


def search(name, lr, path=None, seconds=1e6, maxiter=300):
    options = {"maxiter": maxiter, "lr": lr}
    if path is not None:
        options.update(checkpoint=path, checkpoint_seconds=seconds)
    result = fastadam.minimize(globals()[name], np.linspace(-1.2, 1.3, 6), options=options)
    return [result.nit, result.nfev, result.fun.hex(), *map(float.hex, result.x)]

"""
#: Goes on, or begins, and says so.
SEARCH = (
    COMMON
    + """
name, lr, path = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
search(name, lr, maxiter=2)  # all is compiled
print("ready", flush=True)
try:
    print(json.dumps(search(name, lr, path)))
except KeyboardInterrupt as interrupt:
    print(interrupt.result.status)
"""
)


def leave(number, *arguments):
    """Start a search in a process, and send it a signal; return what it prints, and its status."""
    command = [sys.executable, "-W", "error", "-c", SEARCH, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.08)
        process.send_signal(number)
        return process.communicate(timeout=60)[0].strip(), process.returncode


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize("lr", ['"auto"', "0.01"])
@pytest.mark.parametrize("name", ["in_python", "compiled"])
def test_a_search_that_is_told_to_end_saves_and_goes_on_bit_for_bit(name, lr, tmp_path):
    path = tmp_path / "run"
    whole = run_python(COMMON + f"print(json.dumps(search({name!r}, {lr})))")
    for number in (signal.SIGTERM, signal.SIGINT):
        before = path.stat().st_mtime_ns if path.exists() else 0
        end = leave(number, name, lr, str(path))
        expected = ("", -signal.SIGTERM) if number == signal.SIGTERM else ("98", 0)
        assert end == expected
        assert path.stat().st_mtime_ns > before
    assert run_python(SEARCH, name, lr, str(path)).splitlines()[1:] == [whole]
    assert os.listdir(tmp_path) == []


#: Searches in one process after the other, until one of them comes to the end.
KILLED = (
    COMMON
    + """
import os, random, signal

path, kills = sys.argv[1], 0
whole = search("in_python", "auto")
random.seed(0)
while True:
    ends, begins = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(begins, json.dumps(search("in_python", "auto", path, 0.0)).encode())
        finally:
            os._exit(0)
    os.close(begins)
    time.sleep(random.uniform(0.0, 0.3))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = os.read(ends, 10_000)
    os.close(ends)
    if found:
        break
    kills += 1
print(json.dumps([kills, json.loads(found) == whole, os.listdir(os.path.dirname(path))]))
"""
)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_search_that_is_killed_again_and_again_goes_on_bit_for_bit(tmp_path):
    kills, same, files = json.loads(run_python(KILLED, str(tmp_path / "run")))
    assert kills > 1
    assert same
    assert files == []

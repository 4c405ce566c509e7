"""Processes that are killed while they save: the file that is left goes on bit for bit."""

import json
import os

import pytest

from tests.processes import run_python

#: Trains in one process after the other, each of which saves all the time until it is killed.
PROGRAM = """
import hashlib, json, os, random, signal, sys, time
import numpy as np
import fastadam

path, kills = sys.argv[1], int(sys.argv[2])
offsets = np.arange(30_000.0)


def make():
    w = np.linspace(-1.0, 1.0, offsets.size)
    return fastadam.NAdam({"w": w}, lr=0.01, threads=1), w


def step(optimizer):
    optimizer.step({"w": np.sin(offsets + optimizer.step_count)})


def show(optimizer, w):
    state = optimizer.state_dict()
    parts = w.tobytes(), *(np.asarray(state[key]).tobytes() for key in sorted(state))
    return hashlib.sha256(b"".join(parts)).digest()


def is_as_expected(optimizer, w):
    while len(expected) <= optimizer.step_count:
        step(uninterrupted)
        expected.append(show(uninterrupted, uninterrupted_w))
    return show(optimizer, w) == expected[optimizer.step_count]


def train_until_killed():
    optimizer, w = make()
    fastadam.load(path, optimizer)
    os.write(pipe[1], b".")
    while True:
        step(optimizer)
        optimizer.save(path)


optimizer, _ = make()
step(optimizer)
begun = time.monotonic()
for _ in range(4):
    optimizer.save(path)
seconds = time.monotonic() - begun
uninterrupted, uninterrupted_w = make()
expected = [None]
loaded = equal = left = 0
random.seed(0)
for number in range(kills):
    pipe = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            train_until_killed()
        finally:
            os._exit(1)
    os.read(pipe[0], 1)
    time.sleep(random.uniform(0.0, seconds))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for end in pipe:
        os.close(end)
    left += len(os.listdir(os.path.dirname(path))) > 1
    optimizer, w = make()
    fastadam.load(path, optimizer)
    loaded += 1
    same = is_as_expected(optimizer, w)
    for _ in range(2):
        step(optimizer)
        same = same and is_as_expected(optimizer, w)
    equal += same
optimizer.save(path)
files = os.listdir(os.path.dirname(path))
print(json.dumps([loaded, equal, left, len(expected), files]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_killed_at_200_moments_while_saving_all_200_files_go_on(tmp_path):
    kills = 200
    loaded, equal, left, steps, files = json.loads(
        run_python(PROGRAM, str(tmp_path / "run"), str(kills))
    )
    assert (loaded, equal) == (kills, kills)
    assert left > kills // 4  # with a temporary file: it was killed while it wrote
    assert steps > kills // 4
    assert files == ["run"]

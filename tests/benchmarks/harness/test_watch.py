import os
import subprocess
import sys
import time

import pytest

from benchmarks.harness import watch
from benchmarks.harness.report import OK, Row, SuiteResult, Verdict
from benchmarks.harness.watch import Watch, watched

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/stat")


@linux
def test_share_grows_with_the_work_of_another_process():
    """Another process' work shows, our own does not (the machine may be busy otherwise)."""

    def share_while(work):
        observer = Watch()
        work()
        return observer.share()

    def spin():
        end = time.perf_counter() + 0.5
        while time.perf_counter() < end:
            pass

    program = "while True: pass"
    other = subprocess.Popen([sys.executable, "-c", program])
    try:
        busy = share_while(lambda: time.sleep(0.5))
    finally:
        other.kill()
        other.wait()
    assert busy > 0.3 / os.cpu_count()
    assert 0 <= share_while(spin) <= 1


def result_of_one():
    return SuiteResult([Row("a", "b", None, OK)], [Verdict("x", 1.0, None, note="said before")])


@pytest.mark.parametrize(
    ("share", "note"),
    [
        (None, "said before"),
        (0.01, "said before"),
        (0.5, "said before; NOISY: others had 50% of the machine"),
    ],
)
def test_noise_is_told(monkeypatch, share, note):
    monkeypatch.setattr(watch.Watch, "share", lambda self: share)
    result = watched(result_of_one)()
    assert result.verdicts[0].note == note
    assert result.rows[0].details["in_other_hands"] == share

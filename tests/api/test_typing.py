"""What a type checker sees: `typing/uses.txt` has right and wrong uses, line by line."""

import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from scipy.optimize import OptimizeResult

import fastadam
from fastadam import typing as types

USES = Path(__file__).parent / "typing" / "uses.txt"
ROOT = Path(fastadam.__file__).parents[1]


@pytest.mark.slow
@pytest.mark.fault(number=16)
def test_mypy_reports_wrong_uses_and_no_others(tmp_path, monkeypatch):
    pytest.importorskip("mypy")
    text = USES.read_text(encoding="utf-8")
    script = tmp_path / "uses.py"
    script.write_text(text, encoding="utf-8")
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    # Of an installed package, mypy says nothing either.
    strict = ["--strict", "--follow-imports=silent", "--config-file=", "--no-error-summary"]
    command = [sys.executable, "-m", "mypy", *strict, "--cache-dir", str(tmp_path), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    found = re.findall(r"uses\.py:(\d+): error: (.*)", done.stdout)
    assert found, done.stdout + done.stderr
    wrong = {i for i, line in enumerate(text.splitlines(), 1) if line.endswith("# error")}
    reported = {int(line): message for line, message in found}
    assert {i: reported[i] for i in sorted(reported.keys() - wrong)} == {}
    assert sorted(wrong - reported.keys()) == []


@pytest.mark.fault(number=16)
def test_annotations_hold_at_run_time():
    """For what reads them: documentation tools, and checkers of arguments."""
    public = [getattr(fastadam, name) for name in fastadam.__all__]
    for each in public:
        if inspect.isfunction(each):
            assert "return" in typing.get_type_hints(each)
        elif inspect.isclass(each) and issubclass(each, fastadam.Optimizer):
            assert "params" in typing.get_type_hints(each.__init__)
    for options_type in (types.MinimizeOptions, types.MinimizeBatchOptions):
        assert "lr" in typing.get_type_hints(options_type)
    assert types.MinimizeResult is types.BatchResult is types.MultistartResult is OptimizeResult
    assert types.DeviceBatchResult is OptimizeResult

"""What `help` shows of public names, on every Python."""

import inspect
import re

import pytest

import fastadam
from tests.processes import run_python

pytestmark = pytest.mark.smoke


def public_callables():
    """Return the functions, classes and methods that have a docstring of their own, by name."""
    found = {}
    for module, names in ((fastadam, fastadam.__all__), (fastadam.schedules, None)):
        for name in names or [name for name in vars(module) if name[0].isupper()]:
            value = getattr(module, name)
            if callable(value) and getattr(value, "__module__", "").startswith("fastadam"):
                found[f"{module.__name__}.{name}"] = value
    for name, method in vars(fastadam.Optimizer).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            found[f"fastadam.Optimizer.{name}"] = method
    return found


CALLABLES = public_callables()


@pytest.mark.fault(number=24)
@pytest.mark.parametrize("name", CALLABLES)
def test_every_argument_is_described_and_nothing_is_left_to_fill_in(name):
    text = inspect.getdoc(CALLABLES[name])
    assert not re.search(r"^\s*\{\w+\}\s*$", text, re.MULTILINE)
    if name in ("fastadam.Optimizer", "fastadam.CheckpointError"):  # which nobody makes
        return
    sections = re.split(r"^(\w+)\n-+$", text, flags=re.MULTILINE)
    described = dict(zip(sections[1::2], sections[2::2], strict=True)).get("Parameters", "")
    for argument in inspect.signature(CALLABLES[name]).parameters:
        if argument != "self":
            entry = rf"^(\w+, )*\**{argument}(, \w+)*( : .+)?$"
            assert re.search(entry, described, re.MULTILINE), argument


@pytest.mark.fault(number=24)
def test_docstrings_can_be_left_out():
    code = """
import subprocess, sys
code = "import fastadam; print(fastadam.Adam.__doc__)"
print(subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True).stdout)
"""
    assert run_python(code) == "None"

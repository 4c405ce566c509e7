"""The README's snippets run and print what they say; its commands are complete."""

import json
import re

import pytest

from examples.fit_pixels import OPTIONS, TUNED
from tests.processes import ROOT, run_python, run_script

README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
#: Processes that start elsewhere are to import what is tested, too.
HERE = {"PYTHONPATH": str(ROOT)}

DASK = [snippet for snippet in SNIPPETS if "distributed" in snippet]
#: In every process that Dask starts, and again at the prompt, a thousand searches take long.
FEWER = [snippet.replace("1000", "50") for snippet in SNIPPETS]

#: The snippets that make a script. Dask's goes on from the first two, as it says; its workers
#: import the script, and would all write the file of another snippet.
SCRIPTS = {
    "all but Dask's": [snippet for snippet in SNIPPETS if snippet not in DASK],
    "Dask's": [*FEWER[:2], *(snippet for snippet in FEWER if "distributed" in snippet)],
}

PROMPT = """
import sys
from code import InteractiveConsole
from json import loads

console = InteractiveConsole(vars(sys.modules["__main__"]))
console.write = sys.exit  # what went wrong
for line in loads(sys.argv[1]):
    unfinished = console.push(line)
assert not unfinished
"""


def promised(snippets):
    """Return what comments say is printed."""
    comments = re.findall(r"^ *print\(.*\)  # (.*)$", "\n".join(snippets), re.MULTILINE)
    return [comment.partition(", the")[0] for comment in comments]


def test_there_are_so_many_snippets():
    assert (len(SNIPPETS), len(DASK), len(promised(SNIPPETS))) == (6, 1, 4)


@pytest.mark.fault(number=21)
@pytest.mark.parametrize("name", SCRIPTS)
def test_snippets_run_as_a_script(name, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("\n".join(SCRIPTS[name]), encoding="utf-8")
    printed = run_script(script, **HERE).splitlines()
    # Dask's workers print what comes before the snippet with the guard, too.
    assert set(printed) == set(promised(SCRIPTS[name]))
    assert printed[-1] == promised(SCRIPTS[name])[-1]
    assert name == "Dask's" or printed == promised(SCRIPTS[name])


@pytest.mark.fault(number=21)
def test_snippets_run_as_pasted_at_the_prompt(tmp_path):
    lines = [line for snippet in FEWER for line in [*snippet.splitlines(), ""]]
    printed = run_python(PROMPT, json.dumps(lines), cwd=tmp_path, **HERE)
    assert printed.splitlines() == promised(SNIPPETS)


def test_what_the_decay_fits_are_tuned_by_is_said():
    tuned = {name: OPTIONS[name] for name in ("lr", "betas")}
    assert all(f"`{name}={value}`" in README for name, value in tuned.items())
    assert all(f"{name}={value}" in TUNED for name, value in tuned.items())


def test_the_two_commands_stand_there_word_for_word():
    assert '\npip install -e ".[examples]" && python -m examples.mnist\n' in README
    assert '\npip install -e ".[test]" && python -m pytest\n' in README

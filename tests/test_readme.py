"""The README's snippets run and print what they say; its commands are complete."""

import re
from pathlib import Path

from tests.processes import run_python

README = Path(__file__).parents[1] / "README.md"


def test_the_snippets_run_in_order(tmp_path):
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(snippets) == 6
    program = "\n".join(snippets)
    printed = run_python(program, cwd=tmp_path).splitlines()
    promised = re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)
    assert len(printed) == len(promised) == 4
    for output, comment in zip(printed, promised, strict=True):
        assert comment.partition(", the")[0] == output


def test_the_two_commands_stand_there_word_for_word():
    text = README.read_text()
    assert '\npip install -e ".[examples]" && python -m examples.mnist\n' in text
    assert '\npip install -e ".[test]" && python -m pytest\n' in text

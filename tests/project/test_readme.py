"""The snippets of the README and of the documentation run and print what they say."""

import importlib.util
import json
import re
from textwrap import dedent

import pytest

import fastadam
from benchmarks.batch.fitters import PLAIN_OPTIONS, TUNED
from tests.processes import ROOT, run_python, run_script

README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PICTURES = re.findall(r"!\[.*\]\(.*/docs/_static/(\w+\.png)\)", README)
FEWER = [snippet.replace("1000", "50") for snippet in SNIPPETS]  # a thousand searches take long
#: Processes that start elsewhere are to import what is tested, too.
HERE = {"PYTHONPATH": str(ROOT)}

DOCS = ROOT / "docs"
BLOCK = re.compile(
    r"^\.\. code-block:: python\n((?: +:.*\n)*)\n((?:(?: .*)?\n)+?)(?=\S|\Z)", re.MULTILINE
)

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


def snippets_of(page):
    """Return the snippets of a page of the documentation that can run here."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    wanted = [
        code
        for options, code in blocks
        if ("needs-gpu" not in options or has_gpu())
        and ("needs-torch" not in options or has_torch("needs-gpu" in options))
    ]
    return [dedent(code).replace("1000", "50") for code in wanted]


def has_torch(on_gpu):
    if importlib.util.find_spec("torch") is None:
        return False
    return not on_gpu or importlib.import_module("torch").cuda.is_available()


def has_gpu():
    try:
        return fastadam.cuda.is_available()
    except ImportError:
        return False


PAGES = {
    str(page.relative_to(DOCS)): page
    for page in sorted(DOCS.rglob("*.rst"))
    if "code-block:: python" in page.read_text(encoding="utf-8")
}


def promised(snippets):
    """Return what comments say is printed."""
    comments = re.findall(r"^ *print\(.*\)  # (.*)$", "\n".join(snippets), re.MULTILINE)
    return [comment.partition(", the")[0] for comment in comments]


def test_there_are_so_many_snippets():
    assert (len(SNIPPETS), len(promised(SNIPPETS))) == (3, 3)
    assert len(PAGES) == 13
    for page in PAGES.values():
        text = page.read_text(encoding="utf-8")
        assert text.count("code-block:: python") == len(BLOCK.findall(text))


@pytest.mark.fault(number=21)
def test_snippets_run_as_a_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("\n".join(SNIPPETS), encoding="utf-8")
    assert run_script(script, **HERE).splitlines() == promised(SNIPPETS)


@pytest.mark.fault(number=21)
def test_snippets_run_as_pasted_at_the_prompt(tmp_path):
    lines = [line for snippet in FEWER for line in [*snippet.splitlines(), ""]]
    printed = run_python(PROMPT, json.dumps(lines), cwd=tmp_path, **HERE)
    assert printed.splitlines() == promised(SNIPPETS)


@pytest.mark.fault(number=21)
@pytest.mark.parametrize("name", PAGES)
def test_the_snippets_of_a_page_run_one_after_the_other(name, tmp_path):
    snippets = snippets_of(PAGES[name])
    script = tmp_path / "script.py"
    script.write_text("\n".join(snippets), encoding="utf-8")
    assert run_script(script, **HERE).splitlines() == promised(snippets)


def test_what_the_decay_fits_are_tuned_by_is_said():
    page = (DOCS / "benchmarks.rst").read_text(encoding="utf-8")
    tuned = {name: PLAIN_OPTIONS[name] for name in ("lr", "betas")}
    assert all(f"``{name}={value}``" in page for name, value in tuned.items())
    assert all(f"{name}={value}" in TUNED for name, value in tuned.items())


def test_the_two_commands_stand_there_word_for_word():
    assert '\npip install -e ".[examples]" && python -m examples.mnist\n' in README
    assert '\npip install -e ".[test]" && python -m pytest\n' in README


def test_links_work_on_a_package_index():
    """They are absolute, and begin as pyproject.toml's do; pages and files are there."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    urls = dict(re.findall(r'^(\w+) = "(https://.*)"$', text, re.MULTILINE))
    pages, files = f"{urls['Documentation']}/en/latest/", f"{urls['Source']}/blob/main/"
    raw = files.replace("github.com", "raw.githubusercontent.com").replace("/blob/", "/")
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 8
    for link in links:
        if link.startswith(pages):
            assert (DOCS / link.removeprefix(pages).replace(".html", ".rst")).exists(), link
        elif link != urls["Documentation"]:
            assert link.startswith((files, raw)), link
            assert (ROOT / link.removeprefix(files).removeprefix(raw)).exists(), link


def test_the_readme_is_short_and_its_pictures_small():
    assert len(README.splitlines()) <= 120
    for picture in PICTURES:
        assert (DOCS / "_static" / picture).stat().st_size < 100_000


def test_the_readmes_pictures_are_those_that_are_drawn_from_the_tables():
    page = (DOCS / "benchmarks.rst").read_text(encoding="utf-8")
    drawn = (DOCS / "pictures" / "benchmarks.py").read_text(encoding="utf-8")
    assert len(PICTURES) == 2
    for picture in PICTURES:
        assert f"image:: _static/{picture}" in page
        assert f'"_static" / "{picture}"' in drawn
    for table in re.findall(r'"(\w+)\.csv"', drawn):
        assert f"benchmarks/{table}.csv" in page
    # What stood there as figures would be out of date with the next run.
    assert not re.search(r"^\|.*\d.*\|$", README, re.MULTILINE)


def test_the_version_stands_once():
    written = re.compile(rf"version[\W_]+{re.escape(fastadam.__version__)}")
    places = ["pyproject.toml", "fastadam/__init__.py", "docs/conf.py", "CITATION.cff", "README.md"]
    found = [place for place in places if written.search((ROOT / place).read_text("utf-8"))]
    assert found == ["fastadam/__init__.py"]
    assert f"\n## {fastadam.__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")

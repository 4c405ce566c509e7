"""What `dir`, `help` and `import *` show: public names, and no others."""

import pydoc
from importlib import import_module

import pytest

import fastadam

pytestmark = pytest.mark.smoke

SUBMODULES = ["cuda", "problems", "schedules", "typing"]


@pytest.mark.fault(number=17)
def test_dir_shows_the_public_names():
    assert dir(fastadam) == sorted([*fastadam.__all__, "__version__"])


@pytest.mark.fault(number=17)
@pytest.mark.parametrize("name", SUBMODULES)
def test_dir_of_the_public_submodules(name):
    module = import_module(f"fastadam.{name}")
    assert getattr(fastadam, name) is module
    assert dir(module) == sorted(module.__all__)


@pytest.mark.parametrize("name", ["", *SUBMODULES])
def test_all_that_is_public_is_there(name):
    module = import_module(f"fastadam.{name}".rstrip("."))
    assert len(set(module.__all__)) == len(module.__all__)
    for each in module.__all__:
        assert getattr(module, each) is not None


@pytest.mark.parametrize("name", ["minimise", "adams", "nothing"])
def test_other_names_are_not_there(name):
    for module in (fastadam, fastadam.typing, fastadam.schedules):
        with pytest.raises(AttributeError, match=name):
            getattr(module, name)


@pytest.mark.fault(number=17)
def test_help_begins_with_what_there_is():
    lines = pydoc.plain(pydoc.render_doc(fastadam)).splitlines()
    overview = "\n".join(lines[: lines.index("PACKAGE CONTENTS")])
    assert len(overview.splitlines()) < 40
    assert [name for name in fastadam.__all__ if f"`{name}`" not in overview] == []
    functions = lines[lines.index("FUNCTIONS") :]
    heads = [line.split("(")[0].strip() for line in functions if line.startswith("    ")]
    assert not {"__dir__", "__getattr__", "import_module"} & set(heads)

"""Tests of what users see use what users have."""

import ast

import pytest

from tests.processes import ROOT

API = sorted((ROOT / "tests" / "api").rglob("*.py"))
#: Where names within tests may be private.
ROOMS = ("fastadam._", "tests.rooms", "tests.gpu", "tests.numba_contract")


def named(path):
    """Return what a module imports, and its strings, which a child process may run."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("path", API, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_private_names_are_for_the_tests_of_rooms(path):
    """`fastadam.__name__` and its like are public."""
    names = [name.replace("fastadam.__", "") for name in named(path)]
    assert [name for name in names if any(room in name for room in ROOMS)] == []

"""Private parts of Numba are used in one room, `fastadam._numba`, and nowhere else."""

import ast

import pytest

from tests.processes import ROOT

PACKAGE = ROOT / "fastadam"
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "_numba"]

#: What `import numba` gives, and its documentation names.
PUBLIC = {
    "NumbaError",
    "config",
    "from_dtype",
    "get_num_threads",
    "njit",
    "prange",
    "set_num_threads",
    "typeof",
    "types",
}


def find_names(tree):
    """Find the full name of each thing that is imported, and chains of a module's own `numba`."""
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    chains = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if "numba" not in imported:
        return imported
    return imported | {chain for chain in chains if chain.startswith("numba.")}


def is_private(name):
    first, *parts = name.split(".")
    if first == "llvmlite":
        return True
    if first != "numba" or not parts or name == "numba.extending.register_jitable":
        return False
    return any(part.startswith("_") for part in parts) or parts[0] not in PUBLIC


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_other_rooms_use_what_is_public(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert set(filter(is_private, find_names(tree))) == set()


def test_what_is_private_is_seen():
    text = """
import numba, numba.core.types
from numba import njit, cloudpickle
from numba.extending import intrinsic, register_jitable
numba.core.cgutils.pack_array
numba.types.intp
"""
    assert set(filter(is_private, find_names(ast.parse(text)))) == {
        "numba.core.types",
        "numba.cloudpickle",
        "numba.extending.intrinsic",
        "numba.core.cgutils.pack_array",
        "numba.core.cgutils",
        "numba.core",
    }

"""Data flows one way: a lower room never imports a higher one."""

import ast
from pathlib import Path

import fastadam

PACKAGE = Path(fastadam.__file__).parent

#: What each room stands on directly; it may use what these stand on, too.
BELOW = {
    "_rules": [],
    "_numba": [],
    "_objective": ["_numba"],
    "_search": ["_objective", "_rules"],
    "_backend": ["_rules"],
    "_forms": ["_rules", "_numba"],
    "_cpu": ["_backend", "_forms"],
    "_cuda": ["_backend", "_search", "_forms"],
    "_checkpoint": [],
    "_optimizers": ["_cpu", "_cuda", "_checkpoint"],
    "_names": [],
    "_minimize": ["_search", "_checkpoint", "_names"],
    "_batch": ["_minimize", "_search", "_cuda"],
    "_uncertainty": ["_batch"],
    "_inside": ["_minimize", "_search"],
    "_fit": ["_batch", "_numba"],
    "problems": [],
    "schedules": [],
    "cuda": ["_cuda"],
    "torch": ["_cpu", "_optimizers"],
    "typing": [],
    "_validate": [],
    "_uninterrupted": [],
}
#: What is below all of them, in this order.
GROUND = ["typing", "_validate", "_uninterrupted"]


def allowed(room):
    """Return all that a room may import."""
    ground = GROUND[: GROUND.index(room)] if room in GROUND else GROUND
    return {*ground, *BELOW[room], *(each for below in BELOW[room] for each in allowed(below))}


def imports(path):
    """Return the rooms that a module imports: at its top, in functions, for type checkers."""
    inside = path.relative_to(PACKAGE).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            yield from (name[1] for name in names if name[0] == "fastadam" and len(name) > 1)
        elif isinstance(node, ast.ImportFrom):
            start = ["fastadam", *inside[:-1]][: len(inside) + 1 - node.level] if node.level else []
            module = [*start, *(node.module.split(".") if node.module else [])]
            if module == ["fastadam"]:
                yield from (alias.name for alias in node.names)
            elif module[0] == "fastadam":
                yield module[1]


def edges():
    """Return each import of another room, as (module, room, room)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for other in imports(path):
            if room not in ("__init__", other):
                yield path.relative_to(PACKAGE).as_posix(), room, other


def test_every_room_is_known():
    rooms = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")}
    assert {room.removesuffix(".py") for room in rooms} - {"__init__"} == BELOW.keys()


def test_a_room_imports_what_is_below_it():
    found = list(edges())
    assert ("_search/iteration.py", "_search", "_rules") in found
    assert [edge for edge in found if edge[2] not in allowed(edge[1])] == []

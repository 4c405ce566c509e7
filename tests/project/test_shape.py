"""The shape of the code: files that can be read in one sitting, functions with few parameters."""

import ast
from pathlib import Path

import pytest

from tests.processes import ROOT

MOST_LINES, MOST_PARAMETERS, MOST_BODY_LINES = 350, 13, 60

FILES = sorted(
    path.relative_to(ROOT)
    for room in ("fastadam", "benchmarks", "examples", "tests", "docs")
    for path in Path(ROOT, room).rglob("*.py")
)


def functions(path):
    """Yield the functions of a file."""
    tree = ast.parse(Path(ROOT, path).read_text(encoding="utf-8"))
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def parameters(function):
    """Return the parameters of a function, without what a method is called on."""
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [*names[names[:1] in (["self"], ["cls"]) :], *filter(None, (given.vararg, given.kwarg))]


def body_lines(function):
    """Return the number of lines of a function after its signature, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_the_files_are_found():
    assert len(FILES) > 150


@pytest.mark.parametrize("room", sorted({path.parts[0] for path in FILES}))
def test_files_and_functions_are_short(room):
    too_much = []
    for path in FILES:
        if path.parts[0] != room:
            continue
        lines = len(Path(ROOT, path).read_text(encoding="utf-8").splitlines())
        if lines > MOST_LINES:
            too_much.append(f"{path} has {lines} lines")
        for function in functions(path):
            where = f"{path}:{function.lineno} {function.name}"
            if len(parameters(function)) > MOST_PARAMETERS:
                too_much.append(f"{where} has {len(parameters(function))} parameters")
            if body_lines(function) > MOST_BODY_LINES:
                too_much.append(f"{where} has {body_lines(function)} lines")
    assert too_much == []

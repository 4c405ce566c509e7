"""The arithmetic of rules stands in their room alone, and is plain: read from the source."""

import ast
from pathlib import Path

import pytest

import fastadam
from fastadam._rules.table import RULES

PACKAGE = Path(fastadam.__file__).parent
#: What other rooms may compute with: the search chooses step sizes, and differences know the
#: machine's epsilon.
OTHERS = {"lr", "eps"}
#: What only the room of the rules computes with: the scalars, and what they are made from.
WORDS = {name for rule in RULES for name in (*rule.hyper, *rule.hyper_parameters)} - OTHERS
ELSEWHERE = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in ("_rules", "problems")
)
#: The functions that a rule's arithmetic is made of, besides its own.
FUNCTIONS = {"abs", "min", "sqrt", "exp", "log"}


def named(node):
    """Return the name of a variable, attribute or entry."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return node.slice.value if isinstance(node.slice, ast.Constant) else named(node.value)
    return None


def operands(node):
    """Return what an operation computes with, if it is one."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [node.operand]
    if isinstance(node, ast.AugAssign):
        return [node.target, node.value]
    return []


def formulas(source):
    """Return the lines that compute with what only rules compute with."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        for operand in operands(node)
        if {named(operand), named(getattr(operand, "value", None))} & WORDS
    ]


def test_no_other_room_computes_with_hyper_parameters():
    assert len(ELSEWHERE) > 50
    found = {str(path): formulas(path.read_text(encoding="utf-8")) for path in ELSEWHERE}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "m = beta1 * m + g",
        "c = 1.0 - values['betas'][0]",
        "p -= options.weight_decay",
        "x = -sign",
        "product *= group['momentum']",
    ],
)
def test_a_formula_elsewhere_is_seen(line):
    assert formulas(line)


def test_what_is_no_formula_is_not():
    assert formulas("h = (s.lr * 0.5, *h[1:])\nf(beta1, momentum)") == []


def functions_in(room):
    """Return the functions of scalars, by name."""
    found = {}
    for path in sorted((PACKAGE / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                getattr(decorator, "id", None) == "register_jitable"
                for decorator in node.decorator_list
            ):
                found[node.name] = node
    return found


ARITHMETIC = functions_in("_rules")


def test_each_rule_is_made_of_functions_that_are_found():
    used = {f.__name__ for rule in RULES for f in (rule.coefficients, rule.update)}
    assert used <= ARITHMETIC.keys()


SHARED = [name for name in ARITHMETIC if not name.startswith("_")]  # `_load2` indexes arrays


@pytest.mark.parametrize("name", SHARED)
def test_arithmetic_is_plain(name):
    """No loop, array or other function: so that it means the same in every loop."""
    for node in ast.walk(ARITHMETIC[name]):
        assert not isinstance(node, (ast.For, ast.While, ast.Subscript, ast.Lambda, ast.Try))
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if called != "register_jitable":
                assert called in FUNCTIONS | ARITHMETIC.keys()

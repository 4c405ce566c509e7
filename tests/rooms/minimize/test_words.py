"""The words and options in `fastadam.typing` are those that the code knows."""

import typing
from dataclasses import fields

import pytest
from scipy.optimize import show_options

from fastadam import typing as types
from fastadam._batch.arguments import BatchOptions
from fastadam._minimize import options, polish
from fastadam._optimizers import options as optimizer
from fastadam._rules.table import METHODS


@pytest.mark.fault(number=16)
def test_words_are_those_that_the_code_knows():
    assert list(typing.get_args(types.Method)) == list(METHODS)
    lower = {name.lower() for name in typing.get_args(types.PolishMethod)}
    assert lower == set(polish._METHODS) - set(polish._HESSIAN)
    for name in typing.get_args(types.PolishMethod):
        assert show_options("minimize", name, disp=False)
    assert typing.get_args(types.Nonfinite) == optimizer.NONFINITE_WORDS


@pytest.mark.fault(number=16)
def test_options_are_those_that_the_code_knows():
    common = set(options._CHECKS).union(*map(options._rule_options, METHODS))
    own = {field.name for field in fields(BatchOptions)} - {"rates"}
    assert set(types.MinimizeOptions.__annotations__) == common
    batch = set(types.MinimizeBatchOptions.__annotations__)
    assert batch == (common | own) - {"return_all", "polish"}

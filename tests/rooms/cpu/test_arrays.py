"""Which gradients a kernel reads where they are, and which through a copy."""

import numpy as np
import pytest

from fastadam._backend import ParamSpec
from fastadam._cpu.arrays import ParamArray, find_owner
from fastadam._rules.adam import ADAM


def wrap(array):
    return ParamArray(ParamSpec("params", "", "0", array, ADAM, 0))


def frozen(array):
    array.flags.writeable = False
    return array


READ_IN_PLACE = {
    "as it is": (np.ones((3, 4)), np.ones((3, 4))),
    "read-only": (np.ones((3, 4)), frozen(np.ones((3, 4)))),
    "both transposed": (np.ones((3, 4)).T, np.ones((3, 4)).T),
}
COPIED = {
    "transposed": (np.ones((3, 4)), np.ones((4, 3)).T),
    "strided": (np.ones((3, 4)), np.ones((3, 8))[:, ::2]),
    "parameters transposed": (np.ones((3, 4)).T, np.ones((4, 3))),
}


@pytest.mark.parametrize("case", [*READ_IN_PLACE, *COPIED])
def test_where_a_gradient_is_read(case):
    array, gradient = {**READ_IN_PLACE, **COPIED}[case]
    taken = wrap(array).take_gradient(gradient, frozenset())
    assert taken.flags.c_contiguous
    assert np.shares_memory(taken, gradient) == (case in READ_IN_PLACE)


def test_a_gradient_in_the_memory_of_parameters_is_copied():
    memory = np.ones(8)
    param = wrap(memory[:4])
    owners = frozenset([id(find_owner(param.array))])
    taken = param.take_gradient(memory[4:], owners)
    assert not np.shares_memory(taken, memory)


@pytest.mark.parametrize("array", [np.ones((3, 4)), np.ones((3, 4)).T, np.ones((3, 8))[:, ::2]])
def test_what_kernels_write_is_the_parameters_or_a_working_copy(array):
    param = wrap(array)
    assert np.shares_memory(param.flat, array) == param.is_view
    param.gather()
    param.flat[0] = 7.0
    function, *arguments = param.make_scatter_call()
    function(*arguments)
    assert array[0, 0] == 7.0

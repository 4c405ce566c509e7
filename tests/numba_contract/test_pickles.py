"""Functions of every kind travel, compiled ones too, by one pickler."""

import json

import pytest

from tests.processes import run_python

pytestmark = pytest.mark.smoke

# Run as a script: its functions have no module that another process could import.
PACK = """
import json, sys
import cloudpickle
from fastadam._batch.workers import messages
import numba
import numpy as np

scale = 3.0

@numba.njit
def helper(x):
    return scale * x[0]

@numba.njit
def calls(x):
    return helper(x) + 1.0

@numba.njit
def falls(x):
    return falls(x - 1.0) if x[0] > 0.0 else x[0]

def make(k, wrap):
    return wrap(lambda x: k * x[0])

def around(x):
    return calls(x) + 1.0

def to_and_fro(x):
    return fro(x)

@numba.njit
def fro(x):
    return x[0]

fro.partner = to_and_fro
declared = numba.njit("float64(float64[::1])", error_model="numpy")(lambda x: 1.0 / x[0])
functions = {
    "lambda": lambda x: x[0] + scale,
    "closure": make(2.0, lambda f: f),
    "compiled": calls,
    "compiled closure": make(2.0, numba.njit),
    "compiled lambda": numba.njit(lambda x: x[0] + 2.0),
    "recursive": falls,
    "Python around compiled": around,
    "with options": declared,
    "in each other's names": to_and_fro,
}
x = np.full(1, 2.5)
values = {name: float(function(x)) for name, function in functions.items()}
data = {name: messages._dumps(function).hex() for name, function in functions.items()}
print(json.dumps([values, data, messages._dumps(list(functions.values())).hex()]))
"""

UNPACK = """
import json, sys
import cloudpickle
from fastadam._batch.workers import messages
import numba
import numpy as np

with open(sys.argv[1]) as file:
    values, data, together = json.load(file)
functions = {name: cloudpickle.loads(bytes.fromhex(each)) for name, each in data.items()}
again = dict(zip(functions, cloudpickle.loads(bytes.fromhex(together))))
x = np.full(1, 2.5)
for name, function in [*functions.items(), *again.items()]:
    assert float(function(x)) == values[name], name
    assert numba.extending.is_jitted(function) == (name in sys.argv[2:]), name
assert functions["with options"](np.zeros(1)) == np.inf
try:
    functions["with options"](x.astype(np.float32))
except TypeError:  # it takes what it was declared for, and no more
    pass
else:
    raise AssertionError
assert cloudpickle.loads(messages._dumps(functions["compiled"])) is functions["compiled"]
"""


def test_functions_travel_from_one_process_to_another(tmp_path):
    path = tmp_path / "functions.json"
    path.write_text(run_python(PACK), encoding="utf-8")
    names = json.loads(path.read_text(encoding="utf-8"))[0]
    compiled = [name for name in names if "compiled" in name and "Python" not in name]
    run_python(UNPACK, str(path), *compiled, "recursive", "with options")

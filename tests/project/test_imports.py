"""Every module can be imported with what its extra installs, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from tests.processes import ROOT, run_python

#: The packages of each extra, by the names under which they are imported.
EXAMPLES = "matplotlib", "pooch", "requests", "sklearn", "threadpoolctl", "tqdm"
DOCS = "numpydoc", "pydata_sphinx_theme", "sphinx", "sphinx_gallery"
TESTS = "distributed", "hypothesis", "ml_dtypes", "pytest", "safetensors", "xarray"
OTHERS = "torch", "jax", "optax", "optimistix", "cupy", "numba_cuda", "numba.cuda", "cuda"
OTHERS += "ndoptimize", "lumafit", "scijit", "cma", "nlopt"
TUNING = ("optuna",)

#: A room, and what is not there for it.
ROOMS = {
    "fastadam": (*EXAMPLES, *TUNING, *DOCS, *TESTS, *OTHERS),
    "examples": (*TUNING, *DOCS, *TESTS, *OTHERS, "benchmarks"),
    "benchmarks": (*TUNING, *DOCS, *TESTS, *OTHERS, "examples"),
    "workloads": (*TUNING, *DOCS, *TESTS, *OTHERS, "examples", "benchmarks"),
    "tests": (*DOCS, *OTHERS),
}

PROGRAM = """
import sys
from importlib import import_module
from json import loads

missing, modules = map(loads, sys.argv[1:])


class Without:
    "All finders, which find nothing of what is missing."

    def __init__(self, finders):
        self._finders = finders

    def find_spec(self, name, *rest):
        if any(f"{name}.".startswith(f"{package}.") for package in missing):
            return None
        found = (f.find_spec(name, *rest) for f in self._finders if hasattr(f, "find_spec"))
        return next((spec for spec in found if spec is not None), None)


sys.meta_path = [Without(sys.meta_path)]
for package in missing:
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
        del sys.modules[name]
for name in modules:
    try:
        import_module(name)
    except ImportError as error:
        print(f"{name}: {error}")
"""


def modules_of(room):
    """Return the names of a room's modules; those that run when they are imported are no part."""
    paths = sorted(path.relative_to(ROOT) for path in (ROOT / room).rglob("*.py"))
    names = [".".join(path.with_suffix("").parts) for path in paths if path.stem != "__main__"]
    return [name.removesuffix(".__init__") for name in names]


def imported(room, modules):
    """Import modules with what is there for a room, and return what went wrong, in lines."""
    return run_python(PROGRAM, json.dumps(ROOMS[room]), json.dumps(modules), cwd=ROOT).splitlines()


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_imports_what_its_extra_does_not_install(room):
    modules = [name for name in modules_of(room) if not name.startswith("fastadam.torch")]
    assert len(modules) > 4
    assert imported(room, modules) == []


def test_what_needs_an_extra_says_so():
    (line,) = imported("fastadam", ["fastadam.torch"])
    assert line.startswith("fastadam.torch: ")
    assert 'pip install "fastadam[torch]"' in line


def test_these_are_the_extras():
    """A package that an extra gains is to be named above, too."""
    text = Path(ROOT, "pyproject.toml").read_text(encoding="utf-8")
    extras = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    named = {name.replace("-", "_") for name in re.findall(r'"([A-Za-z][\w-]*)', extras)}
    known = {
        *EXAMPLES,
        *TUNING,
        *DOCS,
        *TESTS,
        *OTHERS,
        "scikit_learn",
        "fastadam",
        "numpy",
        "mypy",
        "ruff",
        "pytest_xdist",
    }
    assert named <= known

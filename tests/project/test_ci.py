"""`.ci/run` with stand-ins for Python: what it runs, in which environments, and what fails it."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Makes "environments" whose python and pip write down what they are asked, and fail where told.
STAND_IN = r"""#!/bin/bash
name=${VIRTUAL_ENV##*/}
if [ "$1" = -m ] && [ "$2" = venv ]; then
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    printf '#!/bin/bash\nexec python -m pip "$@"\n' > "$3/bin/pip"
    chmod +x "$3/bin/pip"
    printf 'export VIRTUAL_ENV="%s" PATH="%s/bin:$PATH"\n' "$3" "$3" > "$3/bin/activate"
    exit
fi
[ "$1" = --version ] && exit
[ "$1" = -m ] && shift
# Each installation has another Numba, unless they are all to have one.
[ "$*" = "pip freeze" ] && echo "numba==${NUMBA:-$(wc -l < "$LOG")}" && exit
echo "$name: $*; data: ${FASTADAM_DATA:-none}" >> "$LOG"
[ -z "$FAILING" ] || [[ ! "$name: $*" == $FAILING ]]
"""


def run_ci(tmp_path, failing="", **environment):
    """Return the exit status, and what was run, a line each."""
    repository = tmp_path / "repository"
    (repository / ".ci").mkdir(parents=True)
    for name in (".ci/run", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, repository / name)
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("python3", *(f"python3.{minor}" for minor in range(10, 15))):
        (commands / name).write_text(STAND_IN)
        (commands / name).chmod(stat.S_IRWXU)
    log = tmp_path / "log"
    log.touch()
    inherited = {k: v for k, v in os.environ.items() if k not in ("FASTADAM_DATA", "PYTHON")}
    result = subprocess.run(
        ["bash", str(repository / ".ci" / "run")],
        env={
            **inherited,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "LOG": str(log),
            "FAILING": failing,
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, log.read_text().splitlines()


bash = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="needs bash"
)


@bash
def test_the_readmes_two_commands_come_first_and_alone(tmp_path):
    status, lines = run_ci(tmp_path, FASTADAM_DATA="")
    assert status == 0
    names = [line.partition(": ")[0] for line in lines]
    example, tests = dict.fromkeys(names[:4])
    assert lines[:2] == [
        f"{example}: pip install -e .[examples]; data: none",
        f"{example}: examples.mnist; data: none",
    ]
    assert [line for line in lines if line.startswith(tests)][:2] == [
        f"{tests}: pip install -e .[test]; data: none",
        f"{tests}: pytest; data: none",
    ]
    # No environment is made for two extras, and the rest is after both commands.
    installs = [line for line in lines if "pip install" in line and "-e" in line]
    assert len({line.partition(": ")[0] for line in installs}) == len(installs)
    others = [i for i, line in enumerate(lines) if re.search("ruff|mypy|sphinx|cuda12", line)]
    assert len(others) >= 5
    assert min(others) > lines.index(f"{tests}: pytest; data: none")


@bash
def test_the_rest_is_run_too(tmp_path):
    _, lines = run_ci(tmp_path, FASTADAM_DATA="/mnist")
    text = "\n".join(lines)
    assert re.search(r"examples\.mnist; data: /mnist", text)
    assert re.search(r"pytest -m slow; data: /mnist", text)
    assert re.search(r"^docs: sphinx .*--fail-on-warning .*--nitpicky .*docs ", text, re.MULTILINE)
    for python in ("3.10", "3.11", "3.12", "3.13", "3.14"):
        assert f"python-{python}: pytest -m smoke" in text
    oldest = re.findall(r"python-(\S+): pip install .*numba==(\S+) numpy==\S+ scipy==", text)
    assert oldest == [("3.10", "0.63")]


@bash
def test_a_numba_that_was_tested_is_not_tested_again(tmp_path):
    _, lines = run_ci(tmp_path, NUMBA="0.68.1")
    assert [line for line in lines if line.startswith("newest-numba: pytest")] == []
    assert re.match("newest-numba: pip install .*--upgrade numba", lines[-1])


FAILURES = [
    "*: pip install -e .?examples?",
    "*: examples.mnist",
    "*: pip install -e .?test?",
    "*tests: pytest",
    "*: pytest -m slow",
    "*: ruff check .",
    "*: ruff format --check .",
    "*: mypy",
    "lint: pytest*",
    "docs: sphinx*",
    "cuda: pytest*",
    "python-3.10: pytest*",
    "python-3.14: pytest*",
    "newest-numba: pytest -m slow*",
]


@bash
@pytest.mark.parametrize("failing", FAILURES)
def test_each_failure_fails_it(tmp_path, failing):
    if failing.startswith("cuda") and not sys.platform.startswith("linux"):
        pytest.skip("CUDA's wheels are for Linux")
    status, lines = run_ci(tmp_path, failing)
    assert status != 0
    assert lines  # and nothing is run after it
    pattern = failing.replace(".", r"\.").replace("*", ".*").replace("?", ".")
    assert re.match(pattern, lines[-1])

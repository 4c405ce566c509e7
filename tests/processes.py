"""Code in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_python(code, *arguments, cwd=None, **environment):
    """Run code with warnings as errors; return what it prints."""
    return _run("-c", code, *arguments, cwd=cwd, **environment)


def run_script(path, **environment):
    """Run a script where it is, with warnings as errors; return what it prints."""
    return _run(str(path), cwd=path.parent, **environment)


def _run(*command, cwd, **environment):
    result = subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()

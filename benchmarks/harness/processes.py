"""Programs in processes of their own, where nothing has been imported, compiled or allocated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping


class ProcessError(RuntimeError):
    """A measured process failed; the message ends with what it printed."""


def run_fresh(program: str, environment: Mapping[str, str]) -> list[float]:
    """Run ``program`` in a new interpreter and return the list that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise ProcessError(f"a fresh process failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])

"""Write result files so that they are complete or absent, and find out early if they cannot be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class OutputError(ValueError):
    """A file asked for cannot be written; the message names it and says why."""


def check_writable(path: Path) -> None:
    """Raise OutputError if :func:`replacing` could not write `path`."""
    if path.exists() and not path.is_file():
        raise OutputError(f"cannot write {path}: it exists and is not a file")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {folder}")
    try:
        # Permissions, read-only disks and full ones: only an attempt knows them all.
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of `path` once it is written completely."""
    # Resolved, so that a link stays a link and the file it points to is replaced.
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)

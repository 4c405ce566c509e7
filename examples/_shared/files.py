"""Write result files so that they are complete or absent, and find out early if they cannot be."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


class OutputError(ValueError):
    """A file asked for cannot be written; the message names it and says why."""


def check_writable(path: Path) -> None:
    """Raise OutputError if :func:`replacing` could not write `path`."""
    try:
        exists = _exists(path)
        if exists and not path.is_file():
            raise OutputError(f"cannot write {path}: it exists and is not a file")
        folder = path.resolve().parent
        if not folder.is_dir():
            raise OutputError(f"cannot write {path}: there is no folder {folder}")
        # Permissions, read-only disks and full ones: only an attempt knows them all.
        with _temporary_file(path.resolve()) as file:
            file.write(b"\0")
    except OSError as error:  # and names that are too long, links that lead in a circle
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of `path` once it is written completely."""
    # Resolved, so that a link stays a link and the file it points to is replaced.
    target = path.resolve()
    with _temporary_file(target) as file:
        yield file
        file.close()
        os.replace(file.name, target)


def _exists(path: Path) -> bool:
    """Tell whether there is something; Path.exists hides some of what can be wrong with a name."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _temporary_file(target: Path) -> Iterator[BinaryIO]:
    """Open a new file beside `target`, and remove it at the end if it is still there."""
    for path in _abandoned(target):
        with suppress(OSError):  # another process was faster, or (on Windows) it is being written
            path.unlink()
    temporary = target.with_name(f"{_prefix(target)}{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
    finally:
        temporary.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    """Return how the names of temporary files for `target` begin, on this machine.

    They are short even if the target's name is as long as names can be.
    """
    identity = f"{target.name} {platform.node()}".encode(errors="surrogateescape")
    return f".{hashlib.sha256(identity).hexdigest()[:16]}-"


def _abandoned(target: Path) -> list[Path]:
    """Return the temporary files for `target` of processes that were killed."""
    found = target.parent.glob(f"{_prefix(target)}*.tmp")
    return [path for path in found if not _is_running(path.stem.rpartition("-")[2])]


def _is_running(process: str) -> bool:
    if os.name == "nt":  # os.kill would end it; but Windows removes no file that is open
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except (ValueError, PermissionError):  # no number, or a process of another user
        return True
    return True

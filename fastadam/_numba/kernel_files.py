"""Files that hold machine code: read only if they are whole, and from somebody who may be trusted.

A file begins with a digest of what it was made from and of the rest of it. So one that was cut,
changed, or copied over another, is seen.

What is read runs as the user who reads it. So it has to be a regular file, and nobody can have put
it there but the user, root, and the members of a group of the user's, if that group may write to
the folder, or to the one above it, and if that one belongs to the user or root: who owns it has let
the group in.

So two users share a folder that root has made for their group, as far as their umasks say. For root
itself no group is enough. On Windows, where a file has no such owner, the rights of the folder are
all there is.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

_DIGEST_SIZE = hashlib.sha256().digest_size

# Not through a link, and without waiting for the other end of a pipe.
_FLAGS = ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK")  # not every system has all
_READ = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in _FLAGS)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

#: What a new file allows at most, before the umask: a file that all may write would not be read.
_MODE = 0o664


class RefusedError(Exception):
    """There is a file, or a folder, that is not to be used; and why."""


def read(path: Path, identity: bytes) -> bytes:
    """Read what `write` has written.

    FileNotFoundError if there is nothing, RefusedError if there is something else or somebody else
    may have written it.
    """
    group = _require_trusted_folder(path.parent)
    if path.is_symlink():
        raise RefusedError(f"{path} is a link")
    descriptor = os.open(path, _READ)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError(f"{path} is not a file")
        _require_trusted(path, status, group)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read()
    finally:
        os.close(descriptor)
    digest, payload = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
    if _digest(identity, payload) != digest:
        raise RefusedError(f"{path} is damaged")
    return payload


def write(path: Path, identity: bytes, payload: bytes) -> None:
    """Write a file under its final name in one move, with what the umask allows.

    RefusedError if it would not be read there. Whatever is raised, nothing is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _require_trusted_folder(path.parent)
    new = path.with_name(f"{path.name}.{os.urandom(8).hex()}.tmp")
    descriptor = os.open(new, _CREATE, _MODE)
    try:
        with open(descriptor, "wb") as file:
            file.write(_digest(identity, payload) + payload)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise


def _digest(identity: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(identity).digest() + payload).digest()


def _require_trusted_folder(folder: Path) -> int | None:
    """Find the group that may write to a folder, if one may; refuse one that others may."""
    if not hasattr(os, "geteuid"):
        return None
    status = folder.stat()
    owner = status if status.st_uid in _owners() else folder.parent.stat()
    group = _find_group(owner)
    _require_trusted(folder, status, group)
    return group


def _owners() -> tuple[int, int]:
    return os.geteuid(), 0


def _find_group(folder: os.stat_result) -> int | None:
    """Find the group that the user or root lets write to a folder, if the user belongs to it."""
    bits = folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if os.geteuid() == 0 or folder.st_uid not in _owners() or bits != stat.S_IWGRP:
        return None
    return folder.st_gid if folder.st_gid in {os.getegid(), *os.getgroups()} else None


def _require_trusted(path: Path, status: os.stat_result, group: int | None) -> None:
    """Refuse what somebody else may have written."""
    if not hasattr(os, "geteuid"):
        return
    shared = group is not None and status.st_gid == group
    if status.st_uid not in _owners() and not shared:
        raise RefusedError(f"{path} belongs to another user")
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not shared):
        raise RefusedError(f"{path} can be written by other users")

"""Files of arrays and texts: complete or as they were before, and read completely or refused.

They are safetensors files. The version of the format and a digest of the contents are among the
texts, so that any program can read the arrays, and no flipped bit is taken for a number.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

#: Of what is written. Those before it can be read, see the files in `tests/rooms/checkpoint`.
VERSION = 1

Arrays = Mapping[str, NDArray[Any]]
Texts = Mapping[str, str]
StrPath = str | os.PathLike[str]

#: The keys of the texts that are the format's own.
_VERSION, _DIGEST = "fastadam_checkpoint", "sha256"
#: As safetensors has it: more bytes of names and texts are no header.
_LONGEST_HEADER = 100_000_000
#: What is read back as it was written, by every version of the package.
_DTYPES = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
_DTYPES |= {"bool", "float16", "float32", "float64"}


class CheckpointError(ValueError):
    """A file is no checkpoint that can be used: the message names it and says what is wrong.

    It is cut short or has a flipped bit, is something else, or comes from a newer fastadam.
    """


def write(path: StrPath, arrays: Arrays, metadata: Texts) -> None:
    """Write a file in one go: whoever reads it finds the one before or this one, whole.

    Raises ImportError without safetensors, TypeError for an array whose dtype files do not have,
    ValueError if there is something that is no file, and OSError.
    """
    safetensors = _import_safetensors()
    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES or not array.dtype.isnative:
            raise TypeError(f"{name} cannot be saved: its dtype is {array.dtype}")
    kept = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    texts = {**metadata, _VERSION: str(VERSION)}
    texts[_DIGEST] = _digest(kept, texts)
    data = safetensors.save(kept, texts)
    with _replacing(_find_target(path)) as file:
        file.write(data)


def check_writable(path: StrPath) -> None:
    """Raise what `write` would raise, as far as that can be known before."""
    _import_safetensors()
    folder = _find_target(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{path} cannot be written: the folder {folder} is read-only")


def _find_target(path: StrPath) -> Path:
    """Find the file that a path leads to, so that a link stays one."""
    target = Path(os.path.realpath(path))
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(target).st_mode):
            raise ValueError(f"{path} is not a file, and cannot be replaced by a checkpoint")
    return target


def read(path: StrPath) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read what `write` wrote.

    Raises ImportError without safetensors, OSError if the file cannot be read, and
    `CheckpointError` whatever is wrong with it.
    """
    safetensors, path = _import_safetensors(), os.fspath(path)
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
        raise CheckpointError(f"{path} is not a file")
    try:
        with open(path, "rb") as file:
            texts = _read_header(file)
            _check_version(texts)
            file.seek(0)
            loaded = safetensors.load(file.read())
        digest = texts.pop(_DIGEST)
        if digest != _digest(loaded, texts):
            raise ValueError("its contents are not what was written")
    except (OSError, MemoryError):
        raise
    except CheckpointError as error:
        raise CheckpointError(f"{path} {error}") from None
    except Exception as error:  # of JSON, of safetensors, of names that are not there
        raise CheckpointError(
            f"{path} is damaged, or no checkpoint of fastadam: {error}"
        ) from error
    del texts[_VERSION]
    # Older versions of safetensors give arrays that are read-only.
    return {name: np.require(array, requirements="W") for name, array in loaded.items()}, texts


def _import_safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "checkpoints need safetensors, which the extra installs: "
            'pip install "fastadam[checkpoints]"'
        ) from error
    return safetensors.numpy


def _digest(arrays: Arrays, texts: Texts) -> str:
    """Digest what a file tells, however it is laid out."""
    names = sorted(arrays)
    told = [[name, arrays[name].dtype.name, arrays[name].shape] for name in names]
    digest = hashlib.sha256(json.dumps([told, texts], sort_keys=True).encode())
    for name in names:
        digest.update(arrays[name].reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _read_header(file: BinaryIO) -> dict[str, str]:
    """Read the texts, if the file is as long as its header says: no more is read of another."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if not 0 < length <= min(size - 8, _LONGEST_HEADER):
        raise ValueError("it has no header")
    header = json.loads(file.read(length))
    texts = dict(header.pop("__metadata__"))
    end = max((each["data_offsets"][1] for each in header.values()), default=0)
    if 8 + length + end != size:
        raise ValueError(f"it has {size:,} bytes of {8 + length + end:,}")
    return texts


def _check_version(texts: Texts) -> None:
    version = int(texts[_VERSION])
    if version > VERSION:
        raise CheckpointError(
            f"is of version {version}, and this fastadam reads versions up to {VERSION}"
        )


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of another once it is on the disk."""
    for abandoned in _find_abandoned(target):
        with suppress(OSError):
            abandoned.unlink()
    temporary = target.with_name(f"{_prefix(target)}{os.getpid()}-{uuid4().hex[:8]}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            with suppress(FileNotFoundError):
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too, where a folder can be opened."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _prefix(target: Path) -> str:
    """Begin the names of a file's temporary ones on this machine: short, whatever its own."""
    identity = f"{target.name} {platform.node()}".encode(errors="surrogateescape")
    return f".{hashlib.sha256(identity).hexdigest()[:16]}-"


def _find_abandoned(target: Path) -> list[Path]:
    """Find the temporary files of processes that were killed."""
    found = target.parent.glob(f"{_prefix(target)}*.tmp")
    return [path for path in found if not _is_running(path.stem.split("-")[1])]


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

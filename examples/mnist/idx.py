"""Read the IDX files MNIST is published in, and check everything that can be checked.

An IDX file is a header (two zero bytes, a code for the element type, the number of dimensions, then
each dimension as a big-endian 32-bit integer) followed by the elements in C order.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
CONTENTS = {1: "labels", 3: "images"}


class DataError(ValueError):
    """A data file is not what it should be; the message names the file and what is wrong."""


def read_idx(path: Path, n_dims: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : Path
        The file, compressed by gzip or not: its first bytes decide, not its name, because browsers
        like to unpack a download and keep the ``.gz``.
    n_dims : int
        The number of dimensions expected: 1 for labels, 3 for images.

    Returns
    -------
    ndarray of uint8, read-only

    Raises
    ------
    DataError
        If the file is damaged, truncated, too long, or holds something else.
    OSError
        If the file cannot be read.
    """
    content = _unpacked(path)
    if len(content) < 4:
        raise DataError(f"{path}: truncated: {len(content)} bytes are too few for an IDX header")
    if content[:2] != b"\x00\x00":
        raise DataError(
            f"{path}: not an IDX file: it starts with {content[:4].hex(' ')} instead of 00 00"
        )
    if content[2] != UNSIGNED_BYTE:
        raise DataError(
            f"{path}: the element type is 0x{content[2]:02x}, expected 0x{UNSIGNED_BYTE:02x} "
            "(unsigned bytes)"
        )
    if content[3] != n_dims:
        raise DataError(f"{path}: found {_describe(content[3])} where {_describe(n_dims)} belong")
    header_size = 4 + 4 * n_dims
    if len(content) < header_size:
        raise DataError(
            f"{path}: truncated: {len(content)} bytes are too few for an IDX header "
            f"of {n_dims} dimensions"
        )
    # Python integers: the product of three 32-bit sizes from a damaged header may exceed 64 bits.
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", n_dims, offset=4))
    expected, found = math.prod(shape), len(content) - header_size
    if found != expected:
        problem = "truncated" if found < expected else "bytes left over at the end"
        raise DataError(
            f"{path}: {problem}: the header promises {' x '.join(map(str, shape))} = "
            f"{expected:,} bytes of data, the file holds {found:,}"
        )
    return np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if not content:
        raise DataError(f"{path}: the file is empty")
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except EOFError:
        raise DataError(f"{path}: truncated: the gzip data ends too early") from None
    except (OSError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error})") from None


def _describe(n_dims: int) -> str:
    dimensions = f"{n_dims} dimension{'s' * (n_dims != 1)}"
    return f"{CONTENTS[n_dims]} ({dimensions})" if n_dims in CONTENTS else dimensions

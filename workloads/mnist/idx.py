"""Read the IDX files MNIST is published in, and check everything that can be checked.

An IDX file is a header (two zero bytes, a code for the element type, the number of dimensions, then
each dimension as a big-endian 32-bit integer) followed by the elements in C order.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from contextlib import nullcontext
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08

#: More than any data set in MNIST's format: the largest file of EMNIST holds 547 MB.
LARGEST = 2**30
CONTENTS = {1: "labels", 3: "images"}

Stream = gzip.GzipFile | BufferedReader


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
        If the file is damaged, truncated, too long, or holds something else. No more of it is
        read, or unpacked, than its header promises.
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise DataError(f"{path}: the file is empty")
        is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        try:
            with gzip.open(file) if is_packed else nullcontext(file) as stream:
                return _read_array(path, size, stream, n_dims)
        except EOFError:
            raise DataError(f"{path}: truncated: the gzip data ends too early") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: damaged gzip data ({error})") from None


def _read_array(path: Path, size: int, stream: Stream, n_dims: int) -> NDArray[np.uint8]:
    shape = _read_header(path, stream, n_dims)
    # Python integers: the product of three 32-bit sizes from a damaged header may exceed 64 bits.
    promise = f"the header promises {' x '.join(map(str, shape))}"
    expected = math.prod(shape)
    if math.prod(max(n, 1) for n in shape) > LARGEST:
        raise DataError(
            f"{path}: truncated, damaged or too large: {promise} bytes of data, "
            f"at most {LARGEST:,} are read"
        )
    if size > expected + expected // 1000 + 2**16:  # more than gzip makes of data without a pattern
        raise DataError(f"{path}: bytes left over at the end: {promise} bytes, it has {size:,}")
    content = stream.read(expected + 1)
    found = len(content)
    if found != expected:
        problem = "truncated" if found < expected else "bytes left over at the end"
        more = "" if found < expected else " or more"
        raise DataError(
            f"{path}: {problem}: {promise} = {expected:,} bytes of data, the file holds "
            f"{found:,}{more}"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_header(path: Path, stream: Stream, n_dims: int) -> tuple[int, ...]:
    """Read the header from a stream, check it, and return the shape."""
    header_size = 4 + 4 * n_dims
    header = stream.read(header_size)
    if len(header) < 4:
        raise DataError(f"{path}: truncated: {len(header)} bytes are too few for an IDX header")
    if header[:2] != b"\x00\x00":
        raise DataError(
            f"{path}: not an IDX file: it starts with {header[:4].hex(' ')} instead of 00 00"
        )
    if header[2] != UNSIGNED_BYTE:
        raise DataError(
            f"{path}: the element type is 0x{header[2]:02x}, expected 0x{UNSIGNED_BYTE:02x} "
            "(unsigned bytes)"
        )
    if header[3] != n_dims:
        raise DataError(f"{path}: found {_describe(header[3])} where {_describe(n_dims)} belong")
    if len(header) < header_size:
        raise DataError(
            f"{path}: truncated: {len(header)} bytes are too few for an IDX header "
            f"of {n_dims} dimensions"
        )
    return tuple(int(n) for n in np.frombuffer(header, ">u4", n_dims, offset=4))


def _describe(n_dims: int) -> str:
    dimensions = f"{n_dims} dimension{'s' * (n_dims != 1)}"
    return f"{CONTENTS[n_dims]} ({dimensions})" if n_dims in CONTENTS else dimensions

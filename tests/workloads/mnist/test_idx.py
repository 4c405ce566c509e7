import gzip
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from workloads.mnist.idx import DataError, read_idx

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([3, 1, 4], np.uint8)


@pytest.mark.parametrize("array", [IMAGES, LABELS], ids=["images", "labels"])
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["file", "file.gz"])
def test_reads_what_was_written_whatever_the_name(tmp_path, idx, array, compress, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(idx(array)) if compress else idx(array))
    read = read_idx(path, array.ndim)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


def flip(content, position):
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


# One row a case: how the bytes of a valid image file are spoilt, and what the error says.
DAMAGES = [
    ("empty", lambda c: b"", "empty"),
    ("two bytes", lambda c: c[:2], "truncated: 2 bytes"),
    ("half a header", lambda c: c[:9], "truncated: 9 bytes"),
    ("one byte short", lambda c: c[:-1], r"truncated.*2 x 3 x 4 = 24 bytes.*holds 23"),
    ("one byte more", lambda c: c + b"\0", r"left over.*24 bytes.*holds 25"),
    ("another format", lambda c: b"\x89PNG" + c[4:], "not an IDX file.*89 50 4e 47"),
    ("float elements", lambda c: c[:2] + b"\x0d" + c[3:], "element type is 0x0d"),
    ("two dimensions", lambda c: c[:3] + b"\x02" + c[4:], "2 dimensions where images"),
    ("huge sizes", lambda c: c[:4] + b"\xff" * 12 + c[16:], "truncated.*4294967295 x"),
    ("no gzip data", lambda c: gzip.compress(c)[:8], "truncated: the gzip"),
    ("gzip cut short", lambda c: gzip.compress(c)[:-9], "truncated: the gzip"),
    ("gzip checksum", lambda c: flip(gzip.compress(c), -6), "damaged gzip"),
    ("gzip header", lambda c: flip(gzip.compress(c), 2), "damaged gzip"),
    ("gzip body", lambda c: gzip.compress(c)[:10] + b"\xff" * 40, "damaged gzip"),
    ("bytes after gzip", lambda c: gzip.compress(c) + b"more", "damaged gzip"),
]


@pytest.mark.parametrize(
    ("spoil", "problem"), [row[1:] for row in DAMAGES], ids=[row[0] for row in DAMAGES]
)
def test_damage_is_named(tmp_path, idx, spoil, problem):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(spoil(idx(IMAGES)))
    with pytest.raises(DataError, match=problem) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value)


# One row a case: what a header says, and what the error says.
@pytest.mark.fault(number=33)
@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        ((2, 3, 4), "left over.*24 bytes.*holds 25 or more"),
        ((0, 2**32 - 1, 2**32 - 1), "too large.*0 x 4294967295 x 4294967295 bytes"),
        ((2**32 - 1, 28, 28), "4294967295 x 28 x 28 bytes.*at most 1,073,741,824"),
    ],
)
@pytest.mark.parametrize("is_packed", [True, False])
def test_no_more_is_read_than_the_header_promises(tmp_path, shape, problem, is_packed):
    """Of zeros that were packed a thousand to one, and of a file that is mostly a hole."""
    path = tmp_path / "train-images-idx3-ubyte"
    header = struct.pack(">BBBB3I", 0, 0, 8, 3, *shape)
    if is_packed:
        packer = zlib.compressobj(wbits=31)
        path.write_bytes(packer.compress(header + bytes(2**25)) + packer.flush())
    else:
        path.write_bytes(header + b"\0")
        os.truncate(path, 2**36)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=problem if is_packed or shape[0] != 2 else "left over"):
            read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.fault(number=33)
def test_a_hole_after_packed_data_is_not_searched(tmp_path, idx):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx(IMAGES)))
    os.truncate(path, 2**36)  # gzip would skip the zeros one by one
    with pytest.raises(DataError, match=r"left over at the end.*it has 68,719,476,736"):
        read_idx(path, 3)


def test_images_are_not_taken_for_labels_nor_labels_for_images(tmp_path, idx):
    path = tmp_path / "file"
    path.write_bytes(idx(IMAGES))
    with pytest.raises(DataError, match=r"found images \(3 dimensions\) where labels"):
        read_idx(path, 1)
    path.write_bytes(idx(LABELS))
    with pytest.raises(DataError, match=r"found labels \(1 dimension\) where images"):
        read_idx(path, 3)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere", 1)

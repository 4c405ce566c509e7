import gzip

import numpy as np
import pytest

from examples.mnist.idx import DataError, read_idx

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

import gzip

import numpy as np
import pytest

from workloads.mnist import data
from workloads.mnist.data import load_bundled_digits, load_data
from workloads.mnist.download import DownloadError
from workloads.mnist.idx import DataError


def not_called(*args):
    raise AssertionError("a named folder must be the only source")


@pytest.fixture
def no_download(monkeypatch):
    monkeypatch.setattr(data, "fetch_mnist", not_called)


@pytest.mark.usefixtures("no_download")
def test_a_folder_gives_pixels_and_labels(mnist_folder, mnist_arrays):
    loaded = load_data(mnist_folder)
    for part, x, y in (
        ("train", loaded.x_train, loaded.y_train),
        ("t10k", loaded.x_test, loaded.y_test),
    ):
        images = mnist_arrays[f"{part}-images-idx3-ubyte"]
        assert x.dtype == np.float32
        assert x.flags.c_contiguous
        np.testing.assert_array_equal(x, images.reshape(-1, 784) / np.float32(255))
        assert y.dtype == np.int64
        np.testing.assert_array_equal(y, mnist_arrays[f"{part}-labels-idx1-ubyte"])
    assert loaded.x_train.min() == 0
    assert loaded.x_train.max() == 1
    assert str(mnist_folder) in loaded.name


@pytest.mark.usefixtures("no_download")
def test_the_argument_goes_before_the_environment(monkeypatch, mnist_folder, tmp_path):
    monkeypatch.setenv("FASTADAM_DATA", str(mnist_folder))
    assert len(load_data().x_train) == 40
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        load_data(tmp_path / "elsewhere")


@pytest.mark.usefixtures("no_download")
def test_a_bad_folder_in_the_environment_is_an_error(monkeypatch, mnist_folder):
    monkeypatch.setenv("FASTADAM_DATA", str(mnist_folder / "t10k-labels-idx1-ubyte"))
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte is not a folder"):
        load_data()


@pytest.mark.usefixtures("no_download")
def test_every_missing_file_is_named(mnist_folder):
    (mnist_folder / "train-labels-idx1-ubyte.gz").unlink()
    (mnist_folder / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_data(mnist_folder)
    message = str(caught.value)
    assert "train-labels-idx1-ubyte" in message
    assert "t10k-images-idx3-ubyte" in message
    assert "train-images" not in message


# One row a case: the array that replaces a valid one, and what the error says.
MISLABELLED = [
    ("sizes", "train-images-idx3-ubyte", np.zeros((40, 28, 27), np.uint8), "28x27, expected 28x28"),
    ("count", "train-images-idx3-ubyte", np.zeros((39, 28, 28), np.uint8), "39 images.* 40 labels"),
    ("label", "t10k-labels-idx1-ubyte", np.arange(12, dtype=np.uint8), "label 10 at position 10"),
    ("none", "t10k-images-idx3-ubyte", np.zeros((0, 28, 28), np.uint8), "no images"),
    ("labels", "t10k-images-idx3-ubyte", np.zeros(12, np.uint8), "found labels"),
    ("images", "t10k-labels-idx1-ubyte", np.zeros((12, 28, 28), np.uint8), "found images"),
]


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize(
    ("name", "array", "problem"),
    [row[1:] for row in MISLABELLED],
    ids=[row[0] for row in MISLABELLED],
)
def test_files_that_do_not_fit_are_named(mnist_folder, idx, name, array, problem):
    # The plain file is found before the compressed one.
    (mnist_folder / name).write_bytes(idx(array))
    with pytest.raises(DataError, match=problem) as caught:
        load_data(mnist_folder)
    assert str(mnist_folder / name) in str(caught.value)


def test_the_cache_is_read_when_it_is_there(monkeypatch, mnist_folder):
    monkeypatch.setattr(data, "fetch_mnist", lambda say: mnist_folder)
    assert len(load_data(say=not_called).x_train) == 40


def test_without_mnist_one_line_and_the_bundled_digits(monkeypatch):
    def fail(say):
        raise DownloadError("no connection, 2 mirrors tried")

    monkeypatch.setattr(data, "fetch_mnist", fail)
    said = []
    loaded = load_data(say=said.append)
    (line,) = said
    assert "\n" not in line
    for words in ("could not be downloaded", "no connection", "8x8, 1,797 images", "--data DIR"):
        assert words in line
    assert loaded.x_train.shape[1] == 64


def test_bundled_digits_are_split_the_same_way_each_time():
    first, second = load_bundled_digits(), load_bundled_digits()
    assert len(first.x_train) + len(first.x_test) == 1797
    assert len(first.x_test) == 360
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.x_train.dtype == np.float32
    assert first.y_train.dtype == np.int64
    assert first.x_train.min() == 0
    assert first.x_train.max() == 1
    for labels in (first.y_train, first.y_test):
        counts = np.bincount(labels, minlength=10) / len(labels)
        assert counts.min() > 0.09
        assert counts.max() < 0.11


def test_a_file_named_gz_may_be_unpacked(mnist_folder):
    path = mnist_folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.decompress(path.read_bytes()))
    assert load_data(mnist_folder).x_train.shape == (40, 784)

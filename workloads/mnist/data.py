"""Where the handwritten digits come from: a folder, the cache, a download, or scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .download import DownloadError, fetch_mnist
from .idx import DataError, read_idx

ENVIRONMENT_VARIABLE = "FASTADAM_DATA"
PARTS = {"train": "train", "test": "t10k"}
IMAGE_SHAPE = (28, 28)
N_CLASSES = 10


@dataclass(frozen=True)
class Dataset:
    """Images of handwritten digits, split into training and test examples.

    Attributes
    ----------
    name : str
        What the data are and where they come from, for people.
    x_train, x_test : ndarray of float32, shape (n, n_pixels)
        Pixels in [0, 1], a row an image.
    y_train, y_test : ndarray of int64, shape (n,)
        The digit each image shows.
    """

    name: str
    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    n_classes: int = N_CLASSES


def load_data(
    directory: str | os.PathLike[str] | None = None, *, say: Callable[[str], object] = print
) -> Dataset:
    """Load MNIST from the first source there is, or scikit-learn's digits if there is none.

    The sources, in order: `directory`; the folder named by the environment variable
    ``FASTADAM_DATA``; the user's cache; a download into that cache; the 1,797 digits bundled with
    scikit-learn. A folder that was named is the only source: if something is wrong with it, that
    is an error.

    Parameters
    ----------
    directory : path-like, optional
        Folder of the four IDX files, compressed by gzip or not.
    say : callable
        Gets a line of text when a download starts, and when there is no MNIST to be had.

    Raises
    ------
    DataError, OSError
        If a file is missing, unreadable, or wrong in any way; the message names it.
    """
    directory = directory or os.environ.get(ENVIRONMENT_VARIABLE)
    if directory:
        return read_directory(_expanded(Path(directory)))
    try:
        cache = fetch_mnist(say)
    except DownloadError as error:
        say(
            f"MNIST could not be downloaded ({error}): training on scikit-learn's bundled "
            "handwritten digits (8x8, 1,797 images) instead. If you have MNIST's four files, "
            "give their folder with --data DIR."
        )
        return load_bundled_digits()
    return read_directory(cache)


def read_directory(directory: Path) -> Dataset:
    """Read the four IDX files of MNIST, or of anything published in its shape, from a folder."""
    if not directory.is_dir():
        problem = "is not a folder" if directory.exists() else "does not exist"
        raise FileNotFoundError(f"data folder {directory} {problem}")
    names = [_file_name(part, kind) for part in PARTS for kind in ("images", "labels")]
    paths = {name: _find(directory, name) for name in names}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise FileNotFoundError(
            f"{directory}: missing {', '.join(missing)} (looked for each with and without .gz)"
        )
    found = [path for path in paths.values() if path is not None]
    x_train, y_train = _read_part(*found[:2])
    x_test, y_test = _read_part(*found[2:])
    return Dataset(f"28x28 images from {directory}", x_train, y_train, x_test, y_test)


def _expanded(directory: Path) -> Path:
    try:
        return directory.expanduser()
    except RuntimeError as error:  # ~somebody, who is unknown here
        raise FileNotFoundError(f"data folder {directory}: {error}") from error


def load_bundled_digits() -> Dataset:
    """Load scikit-learn's 1,797 digits of 8x8 pixels; a fixed fifth of each digit is for tests."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        (digits.data / 16).astype(np.float32),
        digits.target.astype(np.int64),
        test_size=0.2,
        stratify=digits.target,
        random_state=0,
    )
    return Dataset("8x8 images bundled with scikit-learn", x_train, y_train, x_test, y_test)


def _file_name(part: str, kind: str) -> str:
    return f"{PARTS[part]}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"


def _find(directory: Path, name: str) -> Path | None:
    candidates = (directory / name, directory / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _read_part(
    images_path: Path, labels_path: Path
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    images, labels = read_idx(images_path, n_dims=3), read_idx(labels_path, n_dims=1)
    if images.shape[1:] != IMAGE_SHAPE:
        raise DataError(
            f"{images_path}: the images are {images.shape[1]}x{images.shape[2]}, expected 28x28"
        )
    if len(images) == 0:
        raise DataError(f"{images_path}: there are no images in it")
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images):,} images, but {labels_path} {len(labels):,} labels"
        )
    if labels.max() >= N_CLASSES:
        where = int(np.argmax(labels >= N_CLASSES))
        raise DataError(
            f"{labels_path}: label {labels[where]} at position {where}; labels go from 0 to 9"
        )
    pixels = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)
    return pixels, labels.astype(np.int64)

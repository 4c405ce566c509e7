"""Fetch MNIST's four files into the user's cache, from whichever mirror answers, verified."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

# The published SHA-256 of each file.
FILES = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}
#: Bytes; the largest of them has 9.9 million. A larger one need not be read to know it for damaged.
LARGEST = 2**24
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
ANSWER_SECONDS = 4.0
STALL_SECONDS = 10.0


class DownloadError(Exception):
    """MNIST is not in the cache and could not be fetched; the message says why."""


def cache_directory() -> Path:
    """Return the folder the files are kept in."""
    import pooch

    return Path(pooch.os_cache("fastadam")) / "mnist"


def fetch_mnist(say: Callable[[str], object]) -> Path:
    """Return the folder of the four verified files, after downloading those it lacks.

    A file appears in the cache complete and verified or not at all (pooch downloads beside it and
    renames), so any number of processes may do this at once.

    Parameters
    ----------
    say : callable
        Gets a line of text when a download starts.

    Raises
    ------
    DownloadError
        If no mirror has all the missing files, or the cache cannot be written.
    """
    cache = cache_directory()
    wanted = [name for name in FILES if not _is_intact(cache / name)]
    if not wanted:
        return cache
    damaged = [str(cache / name) for name in wanted if (cache / name).exists()]
    try:
        # Made here because pooch's own attempt fails when two processes start at once.
        cache.mkdir(parents=True, exist_ok=True)
        mirrors = _answering_first(wanted[0])
        say(f"Downloading MNIST (11 MB) to {cache}")
        for name in wanted:
            mirrors = _fetch(name, cache, mirrors)
    except OSError as error:
        raise DownloadError(f"the cache cannot be written: {error}") from error
    except DownloadError as error:
        if damaged:
            raise DownloadError(f"{error}; damaged in the cache: {', '.join(damaged)}") from error
        raise
    return cache


def _is_intact(path: Path) -> bool:
    import pooch

    if not path.is_file() or path.stat().st_size > LARGEST:
        return False
    return pooch.file_hash(str(path)) == FILES[path.name]


def _answering_first(name: str) -> list[str]:
    """Return the mirrors, the first to answer for the file `name` in front.

    They are asked side by side and given up together: without a network, a single attempt can hang
    for minutes (each name server and then each address of a host has its own timeout).
    """
    import pooch

    answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def ask(mirror: str) -> None:
        try:
            head = pooch.HTTPDownloader(timeout=ANSWER_SECONDS)
            found = head(mirror + name, None, None, check_only=True)
            answers.put((mirror, "" if found else "file not found"))
        except (OSError, ValueError) as error:
            answers.put((mirror, _reason(error)))

    for mirror in MIRRORS:
        threading.Thread(target=ask, args=(mirror,), daemon=True).start()
    deadline = time.monotonic() + ANSWER_SECONDS
    reasons = dict.fromkeys(MIRRORS, f"no answer within {ANSWER_SECONDS:g} s")
    try:
        for _ in MIRRORS:
            mirror, reason = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            if not reason:
                return [mirror, *(other for other in MIRRORS if other != mirror)]
            reasons[mirror] = reason
    except queue.Empty:
        pass
    raise DownloadError(_summary(reasons))


def _fetch(name: str, cache: Path, mirrors: list[str]) -> list[str]:
    """Fetch one file from the first mirror that has it; return the mirrors, that one in front."""
    import pooch

    # pooch announces every file, retry and hash through this logger.
    pooch.get_logger().setLevel(logging.ERROR)
    reasons = {}
    for mirror in mirrors:
        downloader = pooch.HTTPDownloader(timeout=STALL_SECONDS, chunk_size=1 << 16)
        try:
            pooch.retrieve(
                mirror + name, FILES[name], fname=name, path=cache, downloader=downloader
            )
        except (OSError, ValueError) as error:
            reasons[mirror] = _reason(error)
        else:
            return [mirror, *(other for other in mirrors if other != mirror)]
    raise DownloadError(_summary(reasons))


def _reason(error: Exception) -> str:
    """Say in a few words why a download failed: the texts of requests' errors fill a screen."""
    from requests import exceptions

    if isinstance(error, exceptions.Timeout):
        return "timed out"
    if isinstance(error, exceptions.SSLError):
        return "certificate not accepted"
    if isinstance(error, exceptions.ConnectionError | exceptions.ChunkedEncodingError):
        return "no connection"
    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, ValueError) and not isinstance(error, exceptions.RequestException):
        return "wrong SHA-256"
    return str(error)


def _summary(reasons: dict[str, str]) -> str:
    if len(set(reasons.values())) == 1:
        return f"{next(iter(reasons.values()))}, {len(reasons)} mirrors tried"
    return "; ".join(f"{mirror.split('/')[2]}: {reason}" for mirror, reason in reasons.items())

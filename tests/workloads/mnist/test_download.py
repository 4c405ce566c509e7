import hashlib
import logging
import threading

import pooch
import pytest
import requests

from workloads.mnist import download
from workloads.mnist.download import MIRRORS, DownloadError, fetch_mnist

CONTENT = {name: f"the content of {name}".encode() for name in download.FILES}
FIRST, SECOND = MIRRORS


@pytest.fixture
def said():
    return []


@pytest.fixture
def web(monkeypatch):
    """Put a web of our own behind pooch: what each mirror does when asked for a file."""

    class Web:
        def __init__(self):
            self.answers = dict.fromkeys(MIRRORS, lambda name: CONTENT[name])
            self.fetched = []
            self.lock = threading.Lock()

        def __call__(self, **options):
            assert options["timeout"] <= 10
            return self.download

        def download(self, url, output_file, pooch, check_only=False):
            mirror, name = url.rsplit("/", 1)
            content = self.answers[mirror + "/"](name)
            if check_only:
                return content is not None
            with self.lock:
                self.fetched.append((mirror + "/", name))
            if content is None:
                response = requests.Response()
                response.status_code = 404
                raise requests.exceptions.HTTPError(response=response)
            with open(output_file, "wb") as file:
                file.write(content)
            return None

    web = Web()
    monkeypatch.setattr(pooch, "HTTPDownloader", web)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(download, "FILES", hashes)
    return web


def failing(error):
    def answer(name):
        raise error

    return answer


def assert_complete(folder):
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT


def test_four_files_are_downloaded_once(web, said, caplog, capfd):
    pooch_logger = pooch.get_logger()
    caplog.set_level(logging.INFO, logger=pooch_logger.name)
    assert_complete(fetch_mnist(said.append))
    (line,) = said
    assert str(download.cache_directory()) in line
    assert len(web.fetched) == 4
    assert_complete(fetch_mnist(said.append))
    assert len(web.fetched) == 4
    assert len(said) == 1
    assert not pooch_logger.isEnabledFor(logging.WARNING)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "error",
    [requests.exceptions.ConnectTimeout(), requests.exceptions.ConnectionError(), OSError("odd")],
    ids=["timeout", "connection", "other"],
)
@pytest.mark.parametrize("dead", MIRRORS, ids=["first", "second"])
def test_one_mirror_is_enough(web, said, dead, error):
    web.answers[dead] = failing(error)
    assert_complete(fetch_mnist(said.append))
    assert {mirror for mirror, _ in web.fetched} == set(MIRRORS) - {dead}


def test_a_mirror_that_lacks_a_file_is_left_for_the_other(web, said):
    web.answers[FIRST] = lambda name: None if "labels" in name else CONTENT[name]
    assert_complete(fetch_mnist(said.append))


@pytest.mark.parametrize("liar", MIRRORS, ids=["first", "second"])
def test_a_wrong_hash_is_never_kept(web, said, monkeypatch, liar):
    other = SECOND if liar == FIRST else FIRST
    web.answers[liar] = lambda name: b"something else"
    monkeypatch.setattr(download, "_answering_first", lambda name: [liar, other])
    assert_complete(fetch_mnist(said.append))
    # Once found out, the liar is not asked first again.
    assert [mirror for mirror, _ in web.fetched] == [liar, other, other, other, other]


def test_a_damaged_file_in_the_cache_is_replaced(web, said):
    folder = fetch_mnist(said.append)
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    assert_complete(fetch_mnist(said.append))
    assert len(web.fetched) == 5


def test_a_damaged_file_is_named_when_it_cannot_be_replaced(web, said):
    folder = fetch_mnist(said.append)
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(b"damaged")
    web.answers = dict.fromkeys(MIRRORS, failing(requests.exceptions.ConnectionError()))
    with pytest.raises(DownloadError) as caught:
        fetch_mnist(said.append)
    assert f"damaged in the cache: {path}" in str(caught.value)


# One row a case: what both mirrors do, and what the error says.
FAILURES = [
    ("offline", failing(requests.exceptions.ConnectionError("long text")), "no connection, 2 mirr"),
    ("silent", failing(requests.exceptions.ReadTimeout()), "timed out, 2 mirrors"),
    ("intercepted", failing(requests.exceptions.SSLError()), "certificate not accepted"),
    ("gone", lambda name: None, "file not found"),
    ("lying", lambda name: b"something else", "wrong SHA-256, 2 mirrors"),
]


@pytest.mark.parametrize(
    ("answer", "problem"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_failure_of_both_mirrors_ends_after_one_file(web, said, answer, problem):
    web.answers = dict.fromkeys(MIRRORS, answer)
    with pytest.raises(DownloadError, match=problem):
        fetch_mnist(said.append)
    assert len({name for _, name in web.fetched}) <= 1
    assert list(download.cache_directory().iterdir()) == []


def test_different_failures_are_told_by_mirror(web, said):
    web.answers[FIRST] = failing(requests.exceptions.ConnectionError())
    web.answers[SECOND] = lambda name: None
    with pytest.raises(DownloadError, match=r"ossci.*: no connection; storage.*: file not found"):
        fetch_mnist(said.append)


def test_mirrors_that_never_answer_are_given_up(web, said, monkeypatch):
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.05)
    over = threading.Event()
    web.answers = dict.fromkeys(MIRRORS, lambda name: over.wait(timeout=60))
    with pytest.raises(DownloadError, match=r"no answer within 0\.05 s, 2 mirrors"):
        fetch_mnist(said.append)
    over.set()


def test_a_cache_that_cannot_be_written_is_named(web, said):
    download.cache_directory().write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match=r"cannot be written.*cache"):
        fetch_mnist(said.append)
    assert web.fetched == []


def test_without_a_network_the_real_downloader_gives_up(said, capfd):
    with pytest.raises(DownloadError, match="2 mirrors tried"):
        fetch_mnist(said.append)
    assert said == []
    assert capfd.readouterr() == ("", "")

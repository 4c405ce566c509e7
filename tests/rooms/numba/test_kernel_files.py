"""Files of machine code: whole ones of trusted users are read, others refused, at once."""

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from fastadam._numba import kernel_files
from fastadam._numba.kernel_files import RefusedError, read, write

pytestmark = pytest.mark.smoke

NAME, PAYLOAD = b"adam", b"machine code"

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners")
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")


@pytest.fixture
def path(tmp_path):
    """Return a file as `write` writes it."""
    path = tmp_path / "cache" / "adam.kernel"
    write(path, NAME, PAYLOAD)
    return path


def test_what_is_written_is_read(path):
    assert read(path, NAME) == PAYLOAD
    assert os.listdir(path.parent) == [path.name]
    write(path, NAME, b"other")
    assert read(path, NAME) == b"other"
    with pytest.raises(FileNotFoundError):
        read(path.with_name("nothing"), NAME)
    with pytest.raises(FileNotFoundError):
        read(path.parent / "no folder" / "nothing", NAME)


@pytest.mark.fault(number=28)
def test_a_file_is_bound_to_what_it_was_made_from(path):
    write(path.with_name("adamw.kernel"), b"adamw", PAYLOAD)
    shutil.copy(path.with_name("adamw.kernel"), path)
    with pytest.raises(RefusedError, match="damaged"):
        read(path, NAME)


@pytest.mark.parametrize("content", [b"", b"short", bytes(32), bytes(99)])
def test_a_file_that_is_damaged(path, content):
    path.write_bytes(content)
    with pytest.raises(RefusedError, match="damaged"):
        read(path, NAME)


@posix
@pytest.mark.fault(number=28)
@pytest.mark.parametrize("kind", ["pipe", "link", "broken link", "link to a device", "folder"])
def test_only_regular_files_are_read(path, kind):
    other = path.with_name("other.kernel")
    path.rename(other)
    if kind == "pipe":
        os.mkfifo(path)  # a reader would wait for ever
    elif kind == "link":
        path.symlink_to(other)
    elif kind == "broken link":
        path.symlink_to("nothing")
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(RefusedError, match=r"is (a link|not a file)"):
        read(path, NAME)
    if kind == "folder":
        with pytest.raises(IsADirectoryError):
            write(path, NAME, PAYLOAD)
        assert not list(path.parent.glob("*.tmp"))
    else:
        write(path, NAME, PAYLOAD)  # it is replaced, and what a link points to is not touched
        assert read(path, NAME) == read(other, NAME) == PAYLOAD


@posix
@pytest.mark.fault(number=28)
def test_what_everybody_can_write_is_not_read(path):
    path.chmod(0o666)
    with pytest.raises(RefusedError, match=r"adam\.kernel can be written by other users"):
        read(path, NAME)
    path.chmod(0o644)
    path.parent.chmod(0o777)
    with pytest.raises(RefusedError, match=r"cache can be written by other users"):
        read(path, NAME)
    with pytest.raises(RefusedError, match=r"cache can be written by other users"):
        write(path, NAME, PAYLOAD)
    path.parent.chmod(0o755)
    assert read(path, NAME) == PAYLOAD


ME, OTHER, TEAM, STRANGERS = 1000, 1001, 50, 60
FOLDER, FILE = stat.S_IFDIR, stat.S_IFREG


def status(kind, mode, owner, group):
    return os.stat_result((kind | mode, 0, 0, 1, owner, group, 0, 0, 0, 0))


@posix
@pytest.mark.fault(number=28)
@pytest.mark.parametrize(
    ("above", "folder", "file", "trusted"),
    [
        # (mode, owner, group) of each. Alone: only what is mine or root's.
        ((0o755, 0, 0), (0o755, ME, TEAM), (0o644, ME, TEAM), True),
        ((0o755, 0, 0), (0o755, 0, 0), (0o644, 0, 0), True),
        ((0o1777, 0, 0), (0o755, ME, TEAM), (0o644, ME, TEAM), True),
        ((0o755, 0, 0), (0o755, ME, TEAM), (0o644, OTHER, TEAM), False),
        ((0o755, 0, 0), (0o755, OTHER, TEAM), (0o644, OTHER, TEAM), False),
        ((0o1777, 0, 0), (0o755, OTHER, TEAM), (0o644, OTHER, TEAM), False),
        ((0o1777, 0, 0), (0o755, OTHER, TEAM), (0o644, ME, TEAM), False),
        ((0o755, 0, 0), (0o757, ME, TEAM), (0o644, ME, TEAM), False),
        ((0o755, 0, 0), (0o755, ME, TEAM), (0o646, ME, TEAM), False),
        # A group that I belong to, let in by me or root.
        ((0o755, 0, 0), (0o775, ME, TEAM), (0o664, OTHER, TEAM), True),
        ((0o755, 0, 0), (0o775, ME, TEAM), (0o664, ME, TEAM), True),
        ((0o755, 0, 0), (0o775, ME, TEAM), (0o664, OTHER, STRANGERS), False),
        ((0o2775, 0, TEAM), (0o2775, OTHER, TEAM), (0o664, OTHER, TEAM), True),
        ((0o2775, ME, TEAM), (0o755, OTHER, TEAM), (0o644, OTHER, TEAM), True),
        ((0o2777, 0, TEAM), (0o2775, OTHER, TEAM), (0o664, OTHER, TEAM), False),
        ((0o2775, 0, TEAM), (0o2777, OTHER, TEAM), (0o664, OTHER, TEAM), False),
        # A group that somebody else has let in, or that I do not belong to.
        ((0o2775, OTHER, TEAM), (0o2775, OTHER, TEAM), (0o664, OTHER, TEAM), False),
        ((0o755, 0, 0), (0o775, ME, STRANGERS), (0o644, ME, STRANGERS), False),
        ((0o2775, 0, STRANGERS), (0o775, OTHER, STRANGERS), (0o664, OTHER, STRANGERS), False),
        ((0o755, 0, 0), (0o755, ME, TEAM), (0o664, ME, TEAM), False),
    ],
)
def test_who_is_trusted(above, folder, file, trusted, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: ME)
    monkeypatch.setattr(os, "getegid", lambda: ME)
    monkeypatch.setattr(os, "getgroups", lambda: [TEAM])

    class Folder(type(Path())):
        def stat(self):
            return status(FOLDER, *(folder if self.name == "cache" else above))

    def check():
        group = kernel_files._require_trusted_folder(Folder("/above/cache"))
        kernel_files._require_trusted(Path("/above/cache/file"), status(FILE, *file), group)

    if trusted:
        check()
    else:
        with pytest.raises(RefusedError):
            check()
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # root trusts no group
    monkeypatch.setattr(os, "getgroups", lambda: [0, TEAM])
    if any(owner != 0 or mode & 0o022 for mode, owner, _ in (folder, file)):
        with pytest.raises(RefusedError):
            check()
    else:
        check()


@posix
@pytest.mark.fault(number=27)
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_permissions_are_as_the_umask_says(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        path = tmp_path / "adam.kernel"
        write(path, NAME, PAYLOAD)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_no_umask_at_all(tmp_path):
    """The files can still be read: not everybody can write them."""
    before = os.umask(0)
    try:
        write(tmp_path / "adam.kernel", NAME, PAYLOAD)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "adam.kernel").stat().st_mode) == 0o664


@pytest.mark.fault(number=27)
def test_a_full_disk_leaves_nothing(path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write(path, NAME, bytes(1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(path.parent) == [path.name]
    assert read(path, NAME) == PAYLOAD


@pytest.mark.fault(number=27)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_move_leaves_nothing(path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(error)):
        write(path, NAME, b"new")
    monkeypatch.undo()
    assert os.listdir(path.parent) == [path.name]
    assert read(path, NAME) == PAYLOAD


@contextlib.contextmanager
def acting_as(user, group, umask=0o022):
    """Have this process act as another user for a while; only root can."""
    groups, before = os.getgroups(), os.umask(umask)
    os.setgroups([group])
    os.setegid(group)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
        os.umask(before)


@pytest.fixture
def shared():
    """Return a folder that all can reach, as pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    shutil.rmtree(folder)


@root
@pytest.mark.fault(number=27)
def test_two_users_share_the_folder_of_their_group(shared):
    os.chown(shared, 0, TEAM)
    shared.chmod(0o2775)
    path = shared / "cache" / "adam.kernel"
    with acting_as(ME, TEAM, 0o002):
        write(path, NAME, PAYLOAD)
    with acting_as(OTHER, TEAM, 0o002):
        assert read(path, NAME) == PAYLOAD
        write(path, NAME, b"newer")
    with acting_as(ME, TEAM, 0o002):
        assert read(path, NAME) == b"newer"
    with acting_as(OTHER, STRANGERS), pytest.raises(RefusedError, match="belongs to another user"):
        read(path, NAME)
    with pytest.raises(RefusedError, match="belongs to another user"):
        read(path, NAME)  # as root


@root
@pytest.mark.fault(number=28)
def test_files_of_another_user_in_a_folder_of_all(shared):
    shared.chmod(0o777)
    path = shared / "cache" / "adam.kernel"
    with acting_as(ME, TEAM):
        write(path, NAME, PAYLOAD)
        assert read(path, NAME) == PAYLOAD
    with acting_as(OTHER, TEAM), pytest.raises(RefusedError, match="belongs to another user"):
        read(path, NAME)
    with pytest.raises(RefusedError, match="belongs to another user"):
        read(path, NAME)  # as root
    os.chown(path, 0, 0)
    with pytest.raises(RefusedError, match="belongs to another user"):
        read(path, NAME)  # its folder does, too

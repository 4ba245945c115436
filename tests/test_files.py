"""Files that are whole or not there, and reads that stop at the limit."""

from __future__ import annotations

import errno
import io
import os
import stat
import threading
from pathlib import Path

import pytest

from imcodec.errors import InvalidFileError, InvalidImageError, LimitError, OutputError, UsageError
from imcodec.files import display_name, read_bytes, write_atomic

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
not_root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="nothing is forbidden to root"
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    write_atomic(path, b"one")
    assert path.read_bytes() == b"one"
    write_atomic(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["a.onnx"]


@pytest.fixture(params=["nameless", "named"])
def unfinished(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files can have no name, and where they must have one."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


@pytest.mark.usefixtures("unfinished")
@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.replace", "os.fchmod"])
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_interrupted_write(
    place: str, failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise failure

    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(place, fail)
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("place", ["os.open", "os.link"])
def test_interrupted_once_the_file_is_there(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that comes with the return of the call that made the file, or gave it a name."""
    if place == "os.open":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    real = getattr(os, place[3:])

    def interrupted(*arguments: object, **keywords: object) -> None:
        real(*arguments, **keywords)
        assert len(names(tmp_path)) == 2
        raise KeyboardInterrupt

    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(place, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("place", ["os.open", "os.link"])
def test_where_files_need_a_name(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(os, place[3:])

    def refused(name: object, *arguments: int, **keywords: bool) -> int:
        nameless = place == "os.link" or (name == tmp_path and arguments[0] != os.O_RDONLY)
        if nameless:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        return int(real(name, *arguments, **keywords))

    monkeypatch.setattr(place, refused)
    write_atomic(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert names(tmp_path) == ["a"]


def test_file_and_folder_reach_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[bool, list[str]]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        flushed.append((is_folder, names(tmp_path)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomic(tmp_path / "a", b"1")
    assert [kind for kind, _ in flushed] == [False, True]
    assert "a" not in flushed[0][1]
    assert flushed[1][1] == ["a"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files need a name here")
def test_a_new_file_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    real = os.link

    def link(source: str, name: Path, **keywords: int) -> None:
        given.append(name.name)
        real(source, name, **keywords)

    monkeypatch.setattr(os, "link", link)
    write_atomic(tmp_path / "a", b"1")
    assert given == ["a"]
    write_atomic(tmp_path / "a", b"2")
    assert given[1].startswith(".imcodec-")
    assert (tmp_path / "a").read_bytes() == b"2"


def test_what_a_killed_process_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[Path] = []
    path = tmp_path / "a.onnx"

    def killed(self: Path, target: Path) -> None:
        left.append(self.with_name(f"{self.name}.kept"))
        left[0].write_bytes(self.read_bytes())  # the other one is removed on the way out
        raise KeyboardInterrupt

    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_atomic(path, b"new")
    (tmp_path / ".imcodec-of-another").touch()
    write_atomic(path, b"newer")
    assert left[0].exists()  # somebody may be writing it
    for other in tmp_path.iterdir():
        os.utime(other, (1, 1))
    write_atomic(path, b"newest")
    assert names(tmp_path) == [".imcodec-of-another", "a.onnx"]
    assert path.read_bytes() == b"newest"


def test_a_file_that_came_meanwhile_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if names(tmp_path) == []:
            (tmp_path / "a").write_bytes(b"other")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomic(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert names(tmp_path) == ["a"]


@posix
@pytest.mark.usefixtures("unfinished")
def test_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    reference = tmp_path / "reference"
    reference.touch()
    write_atomic(path, b"1")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(reference.stat().st_mode)
    path.chmod(0o640)
    write_atomic(path, b"2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
def test_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "target"
    target.parent.mkdir()
    link = tmp_path / "link"
    link.symlink_to(target)
    for content in (b"created through the link", b"replaced through the link"):
        write_atomic(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert names(target.parent) == ["target"]


@posix
def test_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OutputError):
        write_atomic(tmp_path / "a", b"1")
    assert names(tmp_path) == ["a", "b"]


@posix
def test_device_and_pipe(tmp_path: Path) -> None:
    write_atomic(os.devnull, b"gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_atomic(pipe, b"through")
    reader.join()
    assert received == [b"through"]
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_device() -> None:
    with pytest.raises(OutputError, match="no space left"):
        write_atomic("/dev/full", b"1")


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the folder does not exist"):
        write_atomic(tmp_path / "none" / "a", b"1")
    with pytest.raises(OutputError, match="it is a directory"):
        write_atomic(tmp_path, b"1")
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file" / "a", tmp_path / ("n" * 300), "a\0b"):
        with pytest.raises(OutputError) as caught:
            write_atomic(bad, b"1")
        assert len(str(caught.value).splitlines()) == 1
    assert names(tmp_path) == ["file"]


@not_root
def test_read_only(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(OutputError, match="read-only"):
        write_atomic(path, b"new")
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(OutputError, match="permission"):
            write_atomic(path, b"new")
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == b"old"


# Reading


def test_limit_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    for limit in (5, 6, 0):
        assert read_bytes(path, limit) == b"12345"
        assert read_bytes(io.BytesIO(b"12345"), limit) == b"12345"
    for source in (path, str(path), io.BytesIO(b"12345")):
        with pytest.raises(LimitError, match="limit of 4 bytes"):
            read_bytes(source, 4)


def test_no_more_is_read_than_needed() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 <= size <= 1 << 20
            self.given += size
            return bytes(size)

    stream = Endless()
    with pytest.raises(LimitError):
        read_bytes(stream, 3_000_000)  # type: ignore[arg-type]
    assert stream.given == 3_000_001


@posix
def test_pipe_is_read_whole(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = os.urandom(200_000)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    assert read_bytes(pipe, 1 << 20) == content
    writer.join()


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"none: cannot be read: no such file"):
        read_bytes(tmp_path / "none", 10)
    with pytest.raises(InvalidImageError, match="is a directory"):
        read_bytes(tmp_path, 10, error=InvalidImageError)
    with pytest.raises(InvalidFileError, match="null"):
        read_bytes("a\0b", 10)
    with pytest.raises(UsageError, match="binary"):
        read_bytes(io.StringIO("text"), 10)  # type: ignore[arg-type]
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(InvalidFileError, match="stream: cannot be read"):
        read_bytes(closed, 10)
    with pytest.raises(InvalidFileError, match="bird: cannot be read"):
        read_bytes(closed, 10, name="bird")


@pytest.mark.parametrize(
    ("path", "shown"),
    [("a b.png", "a b.png"), ("ünï 🐦", "ünï 🐦"), ("a\nb", "a\\nb"), ("\x1b[1m", "\\x1b[1m")],
)
def test_display_name(path: str, shown: str) -> None:
    assert display_name(path) == shown
    assert display_name(Path(path)) == shown


def test_display_name_of_undecodable_bytes() -> None:
    assert display_name(b"a\xff") == "a\\udcff"

"""Files: written whole or not at all, and read no further than a limit."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from imcodec.errors import ImcodecError, InvalidFileError, LimitError, OutputError, UsageError

StrPath: TypeAlias = "str | os.PathLike[str]"

_PIECE = 1 << 20
#: seconds without a change after which an unfinished file has nobody who writes it
_LEFT_OVER = 60

# Whatever stands here is an open file of this process or a device: it must not be replaced.
_NEVER_REPLACED = ("/dev/", "/proc/")


def display_name(path: Any) -> str:
    """The path on one line: what cannot be printed is escaped."""
    text = os.fsdecode(path) if isinstance(path, bytes | os.PathLike) else str(path)
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def write_atomic(path: StrPath, data: bytes) -> None:
    """Write `data` to `path` so that the old file stays whole until the new one is complete.

    The new file is made in the same folder, flushed to the disk with its folder's entry, and gets
    the permissions of the file that it replaces (or those of the umask). If writing fails or is
    interrupted, nothing is left of it; nor if the process is killed, where the system has files
    without a name (Linux), but for one instant: a new file that takes the place of an old one has
    a name beside it first. What a kill then leaves is removed when the file is next written, a
    minute later or more. A symbolic link is followed; other hard links to the old file keep the
    old content. Devices, pipes and the like cannot be replaced and are written to. Raises
    OutputError.
    """
    with _reporting(path):
        status = _status(path)
        if status is not None and not _may_write(path):
            raise PermissionError(errno.EACCES, "the file is read-only")
        if not _is_replaceable(path, status):
            Path(path).write_bytes(data)
            return
        permissions = None if status is None else stat.S_IMODE(status.st_mode)
        _replace(Path(os.path.realpath(path)), data, permissions)


def _replace(target: Path, data: bytes, permissions: int | None) -> None:
    if permissions is None and _write_nameless(target, data, permissions):
        _flush_folder(target.parent)  # the first file of that name never had another
        return
    prefix = f".imcodec-{zlib.crc32(os.fsencode(target.name)):08x}-"
    _sweep(target.parent, prefix)
    unfinished = target.with_name(f"{prefix}{secrets.token_hex(8)}{target.suffix[:16]}")
    # It gets its name inside of `try`: whenever an interruption comes, it is removed.
    try:
        if not _write_nameless(unfinished, data, permissions):
            # Not tempfile: its files are private, and only the kernel knows the umask.
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(unfinished, flags, 0o666), "wb") as stream:
                _fill(stream, data, permissions)
        unfinished.replace(target)
    finally:
        # After a success there is nothing under this name any more.
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    _flush_folder(target.parent)


def _sweep(folder: Path, prefix: str) -> None:
    """Remove what was left by a process that was killed before the new file took its place."""
    with suppress(OSError):
        for left in folder.glob(f"{prefix}*"):
            if time.time() - left.stat().st_mtime > _LEFT_OVER:
                left.unlink()


def _write_nameless(name: Path, data: bytes, permissions: int | None) -> bool:
    """Write a file that has no name until it is complete; False where that is not possible."""
    if not hasattr(os, "O_TMPFILE"):
        return False
    try:
        descriptor = os.open(name.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
    except OSError:  # not on every file system; what else is wrong shows when it is tried again
        return False
    with os.fdopen(descriptor, "wb") as stream:
        _fill(stream, data, permissions)
        try:
            # Only with src_dir_fd, which means nothing here, does Python follow the link in /proc.
            os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=descriptor)
        except OSError:  # no /proc, or a sandbox
            return False
    return True


def _fill(stream: BinaryIO, data: bytes, permissions: int | None) -> None:
    if permissions is not None and hasattr(os, "fchmod"):
        os.fchmod(stream.fileno(), permissions)
    stream.write(data)
    stream.flush()
    os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    """So that after a power cut, too, the name leads to the new file. Not every system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _status(path: StrPath) -> os.stat_result | None:
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    return status


def _may_write(path: StrPath) -> bool:
    # Replacing a file only needs rights on its folder; its own protection is to be respected, too.
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _is_replaceable(path: StrPath, status: os.stat_result | None) -> bool:
    if status is None:
        return True
    place = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow /dev/stdout
    return stat.S_ISREG(status.st_mode) and not place.startswith(_NEVER_REPLACED)


@contextmanager
def _reporting(path: StrPath) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as exc:
        raise OutputError(f"{display_name(path)}: cannot be written: {_advice(exc)}") from exc


def _advice(exc: OSError | ValueError) -> str:
    number = getattr(exc, "errno", None)
    if number == errno.ENOENT:
        return "the folder does not exist; create it first"
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "no space left; free some or write elsewhere"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR):
        return f"{(getattr(exc, 'strerror', None) or 'no permission').lower()}; write elsewhere"
    return f"{getattr(exc, 'strerror', None) or exc}; write elsewhere"


def read_bytes(
    source: StrPath | BinaryIO,
    limit: int,
    *,
    name: str | None = None,
    error: type[ImcodecError] = InvalidFileError,
) -> bytes:
    """All bytes of a file, or of a stream from where it stands.

    Never reads more than `limit` + 1 bytes; 0 means no limit. `name` stands for the source in
    messages. Raises LimitError beyond the limit, and `error` when the source cannot be read.
    """
    path = source if isinstance(source, str | os.PathLike) else None
    label = display_name(name or path or getattr(source, "name", None) or "stream")
    try:
        if path is None:
            return _read(source, limit, label)
        with Path(path).open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if limit and size > limit:
                raise _too_long(label, limit)
            return _read(stream, limit, label, size + 1)
    except (OSError, ValueError) as exc:
        if isinstance(exc, ImcodecError):
            raise
        reason = getattr(exc, "strerror", None) or exc
        raise error(f"{label}: cannot be read: {str(reason).lower()}; check the path") from exc


def _read(stream: Any, limit: int, label: str, expected: int = 0) -> bytes:
    """All of it; where no more than expected comes, it is never copied."""
    pieces: list[bytes] = []
    length = 0
    while True:
        size = max(_PIECE, expected - length)
        piece = stream.read(min(size, limit + 1 - length) if limit else size)
        if not isinstance(piece, bytes):
            raise UsageError(f"{label}: not a binary stream; open it in mode 'rb'")
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        length += len(piece)
        if limit and length > limit:
            raise _too_long(label, limit)


def _too_long(label: str, limit: int) -> LimitError:
    return LimitError(
        f"{label}: longer than the limit of {limit} bytes; raise the limit to read it"
    )

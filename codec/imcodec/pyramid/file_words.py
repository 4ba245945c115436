"""The words of a large file, read from it again while they are decoded, from the last one back.

A file may have 64 MiB, and is in memory while it is verified. The decoder needs its words once, one
after another: it reads them a second time, with a checksum for each block, so that they are those
that were verified.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import InvalidFileError

#: bytes of a file that stay in memory
SMALL = 2**23
#: words that are read at a time
BLOCK = 2**18


class Words(Protocol):
    """Words in reading order: an array, or FileWords."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[np.uint16]: ...


class FileWords:
    """Words that lie in a file. Raises InvalidFileError where they are not what they were."""

    def __init__(self, path: Path, data: bytes, words: NDArray[np.uint16]) -> None:
        """`words` are a view of `data`, the bytes of the file, where the last word comes first."""
        stored, start = words[::-1], np.frombuffer(data, np.uint8).ctypes.data
        self._path, self._offset, self._count = path, stored.ctypes.data - start, len(words)
        blocks = (self._place(number) for number in range(-(-self._count // BLOCK)))
        self._sums = [zlib.crc32(stored[part].data) for part in blocks]
        self._number, self._block = -1, words[:0].copy()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, part: slice, /) -> NDArray[np.uint16]:
        first, last, _ = part.indices(self._count)
        pieces = [np.empty(0, np.uint16)]
        while first < last:
            number, skipped = divmod(first, BLOCK)
            piece = self._read(number)[skipped : skipped + last - first]
            pieces.append(piece)
            first += len(piece)
        return np.concatenate(pieces)

    def _place(self, number: int) -> slice:
        """Where a block of reading order is among the words as they are stored."""
        stop = self._count - number * BLOCK
        return slice(max(0, stop - BLOCK), stop)

    def _read(self, number: int) -> NDArray[np.uint16]:
        """A block, the last one once more without reading."""
        if number != self._number:
            part = self._place(number)
            size = 2 * (part.stop - part.start)
            try:
                with self._path.open("rb") as stream:
                    stream.seek(self._offset + 2 * part.start)
                    read = stream.read(size)
            except OSError:
                read = b""
            if len(read) != size or zlib.crc32(read) != self._sums[number]:
                raise InvalidFileError(f"{self._path.name}: the file changed while it was decoded")
            self._number, self._block = number, np.frombuffer(read, "<u2")[::-1].astype(np.uint16)
        block: NDArray[np.uint16] = self._block
        return block


def words_of(words: NDArray[np.uint16], data: bytes, path: str | os.PathLike[str] | None) -> Words:
    """The words of a file that was read from this path, if it was: in memory, if they are few."""
    if path is None or len(data) <= SMALL:
        return words
    place = Path(path)
    # a pipe cannot be read twice
    return FileWords(place, data, words) if place.is_file() else words

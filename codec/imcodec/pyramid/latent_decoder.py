"""Decodes the latents of a file, some rows at a time.

What stays in memory are the planes of all levels but the finest, one byte a latent: a third of a
byte for each latent of the finest level, whose rows are handed out as they come.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import InvalidFileError, RuntimeFailureError
from imcodec.pyramid.context import PARENTS
from imcodec.pyramid.cut import ROWS_OUTPUTS, build_rows
from imcodec.pyramid.file import PyramidFile, picture_of
from imcodec.pyramid.file_words import Words
from imcodec.pyramid.header import QUEUE
from imcodec.pyramid.rans import START
from imcodec.runtime import Session

Plane = NDArray[np.int8]

#: latents that are decoded in one call of the runtime, about
BAND = 2**18


class LatentDecoder:
    """A verified file's entropy decoder, loaded into onnxruntime."""

    def __init__(self, contents: PyramidFile, words: Words | None = None) -> None:
        """`words` take the place of those of the contents."""
        stored = contents.stored
        self._geometry = contents.header.geometry
        self._words: Words = stored.words if words is None else words
        self._states, self._position = stored.states, 0
        self._biases = stored.context[2].astype(np.float32)
        self._session = Session(build_rows(picture_of(contents.header, stored)))
        self._coarse: list[Plane] | None = None

    def coarse(self) -> list[Plane]:
        """The planes of all levels but the finest, coarse to fine, each [height, width].

        Decoded when first asked for. Raises InvalidFileError where the code ends too early.
        """
        if self._coarse is None:
            start = self._states, self._position
            planes = [np.zeros(self._geometry.plane(0), np.int8)]
            try:
                for level in range(1, self._geometry.levels):
                    planes.append(self._whole(level, self._level(level, planes[-1])))
            except BaseException:
                self._states, self._position = start
                raise
            self._coarse = planes[1:]
        return self._coarse

    def finest(self, least: int = 1) -> Iterator[tuple[int, Plane]]:
        """The finest level's rows as they are decoded: the same rows of every strip.

        Gives the number of the first in its strip, and int8 [strips, rows, columns]; at least
        `least` rows, but for the last ones. Can be asked for again. Raises InvalidFileError, at the
        latest when all rows were given, unless all lanes end where they should.
        """
        parents = self.coarse() or [np.zeros(self._geometry.plane(0), np.int8)]
        start = self._states, self._position
        try:
            yield from _gathered(self._level(self._geometry.levels, parents[-1]), least)
            if (self._states != START).any() or self._position != len(self._words):
                raise InvalidFileError(_DAMAGED)
        finally:
            self._states, self._position = start

    def planes(self) -> list[Plane]:
        """The latents of all levels, coarse to fine. Raises InvalidFileError."""
        return [*self.coarse(), self._whole(self._geometry.levels, self.finest())]

    def _whole(self, level: int, parts: Iterator[tuple[int, Plane]]) -> Plane:
        """The plane of a level, from its rows."""
        plane = np.empty(self._geometry.plane(level), np.int8)
        for first, rows in parts:
            self._by_strips(plane)[:, first : first + rows.shape[1]] = rows
        return plane

    def _by_strips(self, plane: Plane) -> Plane:
        """A plane [height, width] as [strips, rows, columns]."""
        return plane.reshape(self._geometry.strips, -1, plane.shape[1])

    def _level(self, level: int, parent: Plane) -> Iterator[tuple[int, Plane]]:
        """Rows of a level as they are decoded, as finest() gives them."""
        geometry, coarse = self._geometry, self._by_strips(parent)
        strips, rows, columns = geometry.strips, geometry.rows(level), geometry.columns(level)
        doubled = geometry.row_factor == 2
        filler = coarse[:, level - 1 if doubled else 0].astype(np.float32)
        queue = np.repeat(filler[None, None], QUEUE, axis=1)
        count = max(1, BAND // (strips * columns))
        for first in range(0, rows, count):
            numbers = np.arange(first, min(first + count, rows))
            near = [(numbers - 1) // 2, (numbers + 1) // 2] if doubled else [numbers] * PARENTS
            above = np.empty((len(numbers), 1, PARENTS, strips, columns // 2), np.float32)
            for index, places in enumerate(near):
                chosen = places.clip(0, coarse.shape[1] - 1)
                above[:, 0, index] = coarse[:, chosen].swapaxes(0, 1)
            latents, queue = self._run(level, queue, above, len(numbers) * strips * columns)
            yield first, latents[:, 0, 0].swapaxes(0, 1)

    def _run(
        self, level: int, queue: NDArray[np.float32], above: NDArray[np.float32], symbols: int
    ) -> tuple[Plane, NDArray[np.float32]]:
        """The next rows, and the queue after them."""
        # a symbol takes a word at most
        coming = self._words[self._position : self._position + symbols]
        words = np.zeros(len(coming) + 1, np.int64)
        words[1:] = coming
        inputs = {
            "states": self._states,
            "words": words,
            "queue": queue,
            "above": above,
            "biases": self._biases[level - 1],
        }
        try:
            latents, self._states, queue, count = self._session.run(list(ROWS_OUTPUTS), inputs)
        except RuntimeFailureError as error:
            if "out of data bounds" in str(error):  # of the words, or of the table
                raise InvalidFileError(_DAMAGED) from error
            raise
        self._position += int(count.item())
        return latents, queue


def _gathered(parts: Iterator[tuple[int, Plane]], least: int) -> Iterator[tuple[int, Plane]]:
    """The same, at least so many rows at a time, the last ones excepted."""
    held: list[Plane] = []
    start = 0
    for first, rows in parts:
        start = start if held else first
        held.append(rows)
        if first + rows.shape[1] - start >= least:
            joined, held = np.concatenate(held, axis=1), []
            del rows
            yield start, joined
            del joined
    if held:
        yield start, np.concatenate(held, axis=1)


_DAMAGED = "the entropy code does not end where it should; the file is damaged"

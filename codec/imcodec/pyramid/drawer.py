"""Draws points of a pyramid file: the latents are decoded once, then drawn chunk by chunk.

What stays in memory is each level's plane, and float32 after its filter: 6.7 bytes a pixel in all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import InvalidFileError, RuntimeFailureError
from imcodec.pyramid.cut import LATENTS_OUTPUTS, build_latents, build_synthesis, plane_name
from imcodec.pyramid.file import TABLE, PyramidFile, picture_of
from imcodec.pyramid.filters import filtered
from imcodec.pyramid.rans import START
from imcodec.runtime import Session, chunk_size

#: latents that are filtered at a time
BAND = 2**18


def features(plane: NDArray[np.int8], weights: NDArray[np.int8]) -> NDArray[np.float32]:
    """What is drawn of a plane [H, W]: through its filter, times the table's step.

    Band by band, each with a row more above and below, so that little memory is taken besides.
    """
    height, width = plane.shape
    found = np.empty(plane.shape, np.float32)
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        first, last = max(0, top - 1), min(height, top + rows + 1)
        band = filtered(plane[first:last], weights)[top - first :][:rows]
        np.multiply(band, np.float32(TABLE.step), out=found[top : top + rows])
    return found


class Latents:
    """The first half of decoding: what gives the planes, loaded into onnxruntime."""

    def __init__(self, contents: PyramidFile) -> None:
        stored = contents.stored
        self._geometry = contents.header.geometry
        self._words = len(stored.words)
        model = build_latents(picture_of(contents.header, stored), stored.payload)
        self._session = Session(model)

    def planes(self) -> list[NDArray[np.int8]]:
        """The latents, coarse to fine, each [height, width] of its level.

        Raises InvalidFileError unless all lanes end where they should.
        """
        damaged = "the entropy code does not end where it should; the file is damaged"
        try:
            planes, states, position = self._session.run(list(LATENTS_OUTPUTS), {})
        except RuntimeFailureError as error:
            if "out of data bounds" in str(error):  # of the words, or of the table
                raise InvalidFileError(damaged) from error
            raise
        if (states != START).any() or position.item() != self._words:
            raise InvalidFileError(damaged)
        shapes = [self._geometry.plane(level + 1) for level in range(self._geometry.levels)]
        ends = np.cumsum([height * width for height, width in shapes])
        parts = np.split(planes, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


class PyramidDrawer:
    """A verified file of this model, loaded into onnxruntime."""

    #: between the pixels there is nothing but interpolation
    interpolates = True

    def __init__(self, contents: PyramidFile) -> None:
        header = contents.header
        self.channels = header.channels
        #: points in one call
        self.chunk = chunk_size(max(header.levels, header.units, 8))
        self._latents: Latents | None = Latents(contents)
        self._session = Session(build_synthesis(picture_of(header, contents.stored)))
        self._filters = contents.stored.filters
        self._planes: list[NDArray[np.int8]] = []
        self._inputs: dict[str, NDArray[np.float32]] = {}

    def prepare(self) -> bool:
        """Decode the latents, if that has not been done. Raises InvalidFileError."""
        if self._latents is not None:
            self._planes = self._latents.planes()
            self._latents = None  # its memory is needed for what follows
            pairs = zip(self._planes, self._filters, strict=True)
            for level, (plane, weights) in enumerate(pairs, 1):
                self._inputs[plane_name(level)] = features(plane, weights)[None, None]
        return True

    def planes(self) -> list[NDArray[np.int8]]:
        """The latents, coarse to fine, each [height, width] of its level."""
        self.prepare()
        return self._planes

    def colours(self, points: NDArray[np.float32]) -> NDArray[Any]:
        """uint8 [1, 1, chunk, C] at points [1, 1, chunk, 2]."""
        return self._session.run(["rgb"], {"grid": points, **self._inputs})[0]

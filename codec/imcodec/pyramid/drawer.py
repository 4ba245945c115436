"""Draws a pyramid file: latents are decoded some rows at a time, and drawn as soon as they can be.

What stays in memory are the planes of all levels but the finest, one byte a latent: a third of a
byte for each pixel. Of the finest plane there is more at a time only where it is small, or for
points that do not lie on a grid; those need all planes in float32, five bytes a pixel more.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from imcodec.enlarge import Drawing
from imcodec.pyramid.cut import build_synthesis
from imcodec.pyramid.file import PyramidFile, picture_of
from imcodec.pyramid.file_words import Words
from imcodec.pyramid.latent_decoder import LatentDecoder, Plane
from imcodec.pyramid.raster import POINTS, Raster
from imcodec.pyramid.sampling import Floats, Places, interpolated_at, placed, smooth
from imcodec.pyramid.segments import Segment, segments
from imcodec.runtime import Session
from imcodec.workers import Workers

#: latents of the finest plane up to which it is kept
KEPT = 2**22
#: points in one call of the runtime; few, so that little memory is taken by each thread
CHUNK = 2**11
#: threads that draw a plane that is kept; and one that is being decoded: more would wait for that
MOST_THREADS, MOST_AT_ONCE = 8, 3


class PyramidDrawer:
    """A verified file of this model, loaded into onnxruntime."""

    def __init__(self, contents: PyramidFile, words: Words | None = None) -> None:
        """`words` take the place of those of the contents."""
        header = contents.header
        self.channels = header.channels
        #: points in one call of colours()
        self.chunk = POINTS // 8
        self._geometry = header.geometry
        self._filters = contents.stored.filters
        self._decoder = LatentDecoder(contents, words)
        self._session = Session(build_synthesis(picture_of(header, contents.stored)))
        self._finest: Plane | None = None
        self._smooth: list[Floats] = []

    def prepare(self) -> bool:
        """Decode the latents, those of a large finest level excepted. Raises InvalidFileError."""
        self._decoder.coarse()
        height, width = self._geometry.plane(self._geometry.levels)
        if height * width <= KEPT:
            self.planes()
        return True

    def planes(self) -> list[Plane]:
        """The latents, coarse to fine, each [height, width] of its level; all are kept."""
        if self._finest is None:
            self._finest = self._decoder.planes()[-1]
        return [*self._decoder.coarse(), self._finest]

    def picture(self, drawing: Drawing, threads: int = 0) -> NDArray[np.uint8]:
        """A view of the picture, uint8 [H, W, C]. Raises InvalidFileError."""
        raster = Raster(self._geometry, self._filters, drawing)
        result = np.empty((*drawing.size, self.channels), np.uint8)
        coarse = self._decoder.coarse()

        def draw(segment: Segment, rows: slice) -> None:
            first, features = raster.features(coarse, segment, rows)
            colours = self.coloured(features.reshape(len(features), -1))
            drawn = colours.reshape(*features.shape[1:], self.channels)
            drawing.finish(drawn, first, result, rows)

        pieces = self._segments(raster.overlap)
        most = MOST_AT_ONCE if self._finest is None else MOST_THREADS
        with Workers(threads, most) as workers:
            for segment in pieces:
                for rows in raster.rows(segment):
                    workers.do(partial(draw, segment, rows))
        return result

    def _segments(self, overlap: int) -> Iterator[Segment]:
        """The finest plane, in one piece where that is small, or its strips are."""
        geometry = self._geometry
        self.prepare()
        if self._finest is None and geometry.rows(geometry.levels) >= 2 * overlap:
            return segments(geometry, self._decoder.finest(overlap), overlap)
        finest = self.planes()[-1]
        return iter([Segment(finest, 0, 0, len(finest))])

    def colours(self, points: Floats) -> NDArray[np.uint8]:
        """uint8 [n, C] at points [n, 2] anywhere, at most a chunk of them."""
        if not self._smooth:
            self._smooth = [
                _smooth_plane(plane, weights)
                for plane, weights in zip(self.planes(), self._filters, strict=True)
            ]
        x, y = placed(self._geometry, points[:, 0], points[:, 1])
        features = [
            interpolated_at(plane, Places.of(x, plane.shape[1]), Places.of(y, plane.shape[0]))
            for plane in self._smooth
        ]
        return self.coloured(np.stack(features))

    def coloured(self, features: Floats) -> NDArray[np.uint8]:
        """uint8 [n, C] from the filtered latents at points, [levels, n].

        Every call of the runtime gets a whole chunk, so that a point's colour does not depend on
        how many there are.
        """
        count = features.shape[1]
        found = np.empty((count, self.channels), np.uint8)
        for first in range(0, count, CHUNK):
            part = features[:, first : first + CHUNK]
            chunk = np.zeros((len(features), CHUNK), np.float32)
            chunk[:, : part.shape[1]] = part
            (rgb,) = self._session.run(["rgb"], {"features": chunk})
            found[first : first + CHUNK] = rgb[: part.shape[1]]
        return found


def _smooth_plane(plane: Plane, weights: NDArray[np.int8]) -> Floats:
    """All of a plane, filtered some rows at a time, so that little memory is taken besides."""
    height, width = plane.shape
    found = np.empty(plane.shape, np.float32)
    count = max(1, POINTS // width)
    for top in range(0, height, count):
        down = top, min(top + count, height)
        found[slice(*down)] = smooth(plane, 0, down, (0, width), weights)
    return found

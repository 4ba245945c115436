"""Draws a pyramid file: latents are decoded some rows at a time, and drawn as soon as they can be.

What stays in memory are the planes of all levels but the finest, one byte a latent: a third of a
byte for each pixel. The finest plane is kept only where it is small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from imcodec.enlarge import Drawing
from imcodec.grid import View
from imcodec.pyramid.cut import build_synthesis
from imcodec.pyramid.file import PyramidFile, picture_of
from imcodec.pyramid.file_words import Words
from imcodec.pyramid.latent_decoder import LatentDecoder, Plane
from imcodec.pyramid.raster import POINTS, Raster, Scatter
from imcodec.pyramid.sampling import Floats
from imcodec.pyramid.segments import Segment, segments
from imcodec.runtime import Session
from imcodec.workers import Workers

#: latents of the finest plane up to which it is kept
KEPT = 2**22
#: latents of it that wait, otherwise, until there are enough of them to be drawn
HELD = 2**21
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
        self._geometry = header.geometry
        self._filters = contents.stored.filters
        self._decoder = LatentDecoder(contents, words)
        self._session = Session(build_synthesis(picture_of(header, contents.stored)))
        self._finest: Plane | None = None

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

    def picture(self, seen: View, threads: int = 0) -> NDArray[np.uint8]:
        """What a view shows, uint8 [H, W, C]. Raises InvalidFileError."""
        drawing = Drawing.of(seen)
        raster = Raster(self._geometry, self._filters, drawing)
        result = np.empty((*drawing.size, self.channels), np.uint8)

        def draw(segment: Segment, rows: slice) -> None:
            first, features = raster.features(self._decoder.coarse(), segment, rows)
            colours = self.coloured(features.reshape(len(features), -1))
            drawn = colours.reshape(*features.shape[1:], self.channels)
            drawing.finish(drawn, first, result, rows)

        self._draw(raster, draw, threads)
        return result

    def points(self, points: Floats, threads: int = 0) -> NDArray[np.uint8]:
        """Colours uint8 [n, C] at points float32 [n, 2] anywhere. Raises InvalidFileError."""
        result = np.empty((len(points), self.channels), np.uint8)
        if len(points):
            scatter = Scatter(self._geometry, self._filters, points)

            def draw(segment: Segment, part: slice) -> None:
                features = scatter.features(self._decoder.coarse(), segment, part)
                result[scatter.order[part]] = self.coloured(features)

            self._draw(scatter, draw, threads)
        return result

    def _draw(
        self, places: Raster | Scatter, draw: Callable[[Segment, slice], None], threads: int
    ) -> None:
        pieces = self._segments(places.overlap)
        most = MOST_AT_ONCE if self._finest is None else MOST_THREADS
        with Workers(threads, most) as workers:
            for segment in pieces:
                for part in places.parts(segment):
                    workers.do(partial(draw, segment, part))

    def _segments(self, overlap: int) -> Iterator[Segment]:
        """The finest plane, in one piece where that is small, or its strips are."""
        geometry = self._geometry
        self.prepare()
        if self._finest is None and geometry.rows(geometry.levels) >= 2 * overlap:
            columns = geometry.columns(geometry.levels)
            # large pieces have less to do twice, and fewer tasks
            rows = min(max(8 * overlap, POINTS // columns), HELD // (geometry.strips * columns))
            return segments(geometry, self._decoder.finest(max(overlap, rows)), overlap)
        finest = self.planes()[-1]
        return iter([Segment(finest, 0, 0, len(finest))])

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

"""The rows and columns of a view, and what is drawn of each level there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from imcodec.enlarge import Drawing
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.sampling import Floats, Places, interpolated, placed, smooth
from imcodec.pyramid.segments import Segment

#: points, and latents of the finest plane, that are drawn at a time, about
POINTS = 2**17


class Raster:
    """A view of a picture on its planes."""

    def __init__(self, geometry: Geometry, filters: NDArray[np.int8], drawing: Drawing) -> None:
        self._filters, self._width = filters, drawing.shape[1]
        sizes = [geometry.plane(level) for level in range(1, geometry.levels + 1)]
        x, y = placed(geometry, *drawing.coordinates)
        self._across = [Places.of(x, width) for _, width in sizes]
        self._down = [Places.of(y, height) for height, _ in sizes]
        #: for each row of the view the first and the last row to be drawn for it, and the rows of
        #: the finest plane that are needed, with their neighbours in the filter
        self._first, self._last = drawing.down.needed()
        self._from = (self._down[-1].first[self._first] - 1).clip(0)
        self._to = (self._down[-1].second[self._last] + 2).clip(None, sizes[-1][0])

    @property
    def overlap(self) -> int:
        """Rows of the finest plane, less one, that a row of the view may need."""
        return int((self._to - self._from).max()) - 1

    def rows(self, segment: Segment) -> Iterator[slice]:
        """The rows of the view that a segment draws, some at a time."""
        first, last = np.searchsorted(self._to, (segment.begin, segment.end), "right").tolist()
        if first == last:
            return
        left, right = self._across[-1].cells
        latents = (self._to[last - 1] - self._from[first]) * (right - left)
        points = (self._last[last - 1] - self._first[first] + 1) * self._width
        count = max(1, int(POINTS * (last - first) / max(latents, points)))
        for top in range(first, last, count):
            yield slice(top, min(top + count, last))

    def features(
        self, coarse: Sequence[NDArray[np.int8]], segment: Segment, rows: slice
    ) -> tuple[int, Floats]:
        """What is drawn for some rows of the view: the number of its first row, and what the
        synthesis takes, float32 [levels, rows, columns]."""
        first, last = int(self._first[rows.start]), int(self._last[rows.stop - 1]) + 1
        found = np.empty((len(self._filters), last - first, self._width), np.float32)
        planes = [*((plane, 0) for plane in coarse), (segment.rows, segment.top)]
        for level, (plane, top) in enumerate(planes):
            across, down = self._across[level], self._down[level].part(slice(first, last))
            part = smooth(plane, top, down.cells, across.cells, self._filters[level])
            near = across.less(across.cells[0]), down.less(down.cells[0])
            found[level] = interpolated(part, *near)
        return first, found

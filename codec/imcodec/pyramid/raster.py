"""Rows and columns of a view, or points anywhere, and what is drawn of each level there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imcodec.enlarge import Drawing
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.sampling import Floats, Places, interpolated, interpolated_at, placed, smooth
from imcodec.pyramid.segments import Segment

Plane = NDArray[np.int8]

#: points that are drawn at a time, about, and rows at least, where they are not far apart
POINTS, LEAST = 2**17, 4


@dataclass(frozen=True)
class _Needs:
    """The rows of the finest plane that each of some things to draw needs, in their order."""

    #: the first row, its neighbour in the filter included, and the one after the last
    begin: NDArray[np.intp]
    end: NDArray[np.intp]

    @classmethod
    def of(cls, first: NDArray[np.intp], last: NDArray[np.intp], height: int) -> _Needs:
        """What lies between these rows of a plane of `height` rows."""
        return cls((first - 1).clip(0), (last + 2).clip(None, height))

    @property
    def overlap(self) -> int:
        """Rows, less one, that one of them may need."""
        return int((self.end - self.begin).max()) - 1

    def drawn(self, segment: Segment) -> tuple[int, int]:
        """The first that a segment draws, and the one after the last."""
        first, last = np.searchsorted(self.end, (segment.begin, segment.end), "right").tolist()
        return first, last

    def rows(self, first: int, last: int) -> int:
        """Rows that `first` to `last` need together."""
        return int(self.end[last - 1] - self.begin[first])


class Raster:
    """A view of a picture on its planes."""

    def __init__(self, geometry: Geometry, filters: NDArray[np.int8], drawing: Drawing) -> None:
        self._filters, self._width = filters, drawing.shape[1]
        sizes = [geometry.plane(level) for level in range(1, geometry.levels + 1)]
        self._heights = [height for height, _ in sizes]
        x, self._y = placed(geometry, *drawing.coordinates)
        self._across = [Places.of(x, width) for _, width in sizes]
        finest = Places.of(self._y, self._heights[-1])
        #: for each row of the view the first and the last row to be drawn for it
        self._first, self._last = drawing.down.needed()
        self._needs = _Needs.of(
            finest.first[self._first], finest.second[self._last], self._heights[-1]
        )
        #: rows of the finest plane, less one, that a row of the view may need
        self.overlap = self._needs.overlap

    def parts(self, segment: Segment) -> Iterator[slice]:
        """The rows of the view that a segment draws, some at a time."""
        first, last = self._needs.drawn(segment)
        if first < last:
            points = int(self._last[last - 1] - self._first[first] + 1) * self._width
            left, right = self._across[-1].cells
            latents = self._needs.rows(first, last) * (right - left)
            yield from _parts(first, last, points, latents)

    def features(
        self, coarse: Sequence[Plane], segment: Segment, part: slice
    ) -> tuple[int, Floats]:
        """What is drawn for some rows of the view: the number of its first row, and what the
        synthesis takes, float32 [levels, rows, columns]."""
        first, last = int(self._first[part.start]), int(self._last[part.stop - 1]) + 1
        found = np.empty((len(self._filters), last - first, self._width), np.float32)
        for level, (plane, top) in enumerate(_planes(coarse, segment)):
            across, down = self._across[level], Places.of(self._y[first:last], self._heights[level])
            values, *places = _smooth(plane, top, across, down, self._filters[level])
            found[level] = interpolated(values, *places)
        return first, found


class Scatter:
    """Points anywhere on a picture's planes, ordered by where they lie on the finest."""

    def __init__(self, geometry: Geometry, filters: NDArray[np.int8], points: Floats) -> None:
        """`points` are float32 [n, 2], one at least."""
        self._filters = filters
        self._sizes = [geometry.plane(level) for level in range(1, geometry.levels + 1)]
        x, y = placed(geometry, points[:, 0], points[:, 1])
        height = self._sizes[-1][0]
        down = Places.of(y, height)
        #: numbers of the points, [n]
        self.order = np.argsort(down.second, kind="stable")
        self._x, self._y = x[self.order], y[self.order]
        self._needs = _Needs.of(down.first[self.order], down.second[self.order], height)
        #: rows of the finest plane, less one, that a point may need
        self.overlap = self._needs.overlap

    def parts(self, segment: Segment) -> Iterator[slice]:
        """The points that a segment draws, some at a time, as parts of `order`."""
        first, last = self._needs.drawn(segment)
        if first < last:
            latents = self._needs.rows(first, last) * self._sizes[-1][1]
            yield from _parts(first, last, last - first, latents)

    def features(self, coarse: Sequence[Plane], segment: Segment, part: slice) -> Floats:
        """What the synthesis takes for some points, float32 [levels, n]."""
        x, y = self._x[part], self._y[part]
        found = np.empty((len(self._filters), len(x)), np.float32)
        for level, (plane, top) in enumerate(_planes(coarse, segment)):
            height, width = self._sizes[level]
            across, down = Places.of(x, width), Places.of(y, height)
            values, *places = _smooth(plane, top, across, down, self._filters[level])
            found[level] = interpolated_at(values, *places)
        return found


def _parts(first: int, last: int, points: int, latents: int) -> Iterator[slice]:
    """`first` to `last` in parts; all of them are so many points, and need so many latents."""
    share = POINTS * (last - first)
    # neighbours are filtered twice, so no part is of very few rows
    count = max(1, min(max(LEAST, int(share / points)), int(LEAST * share / latents)))
    for start in range(first, last, count):
        yield slice(start, min(start + count, last))


def _planes(coarse: Sequence[Plane], segment: Segment) -> list[tuple[Plane, int]]:
    """What there is of every plane: rows, and the number of the first."""
    return [*((plane, 0) for plane in coarse), (segment.rows, segment.top)]


def _smooth(
    plane: Plane, top: int, across: Places, down: Places, weights: NDArray[np.int8]
) -> tuple[Floats, Places, Places]:
    """The part of a plane that is needed, filtered, and the places on it."""
    values = smooth(plane, top, down.cells, across.cells, weights)
    return values, across.less(across.cells[0]), down.less(down.cells[0])

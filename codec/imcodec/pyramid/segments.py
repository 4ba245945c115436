"""The finest plane in pieces that can be drawn while the rest of it is still being decoded.

All strips are decoded side by side, so what comes are some rows of each strip. A pixel needs a few
rows of the plane, which may come at different times, or belong to two strips. So a piece begins
with the last rows of the one before; the first piece of a strip does not, and its first rows are
added to the last piece of the strip above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.geometry import Geometry


@dataclass(frozen=True)
class Segment:
    """Some rows of a plane, and what can be drawn with them and has not been drawn before."""

    #: the rows from `top` on, int8 [rows, columns]
    rows: NDArray[np.int8]
    top: int
    #: drawn is what needs the row before `end`, or one before that but none before `begin`
    begin: int
    end: int


def segments(
    geometry: Geometry, parts: Iterator[tuple[int, NDArray[np.int8]]], overlap: int
) -> Iterator[Segment]:
    """The segments of the finest plane, from its rows as LatentDecoder.finest() gives them.

    Two segments share `overlap` rows, so that what needs one more than that is in one of them. Each
    of the parts has at least `overlap` rows, but for the last one.
    """
    height = geometry.rows(geometry.levels)
    strips = range(geometry.strips)
    head = tail = np.empty((geometry.strips, 0, geometry.columns(geometry.levels)), np.int8)
    for first, rows in parts:
        end = first + rows.shape[1]
        if first == 0:
            head = rows[:, :overlap].copy()
        for strip in strips:
            follows = end == height and strip + 1 < geometry.strips
            pieces = [tail[strip], rows[strip], *([head[strip + 1]] if follows else [])]
            yield Segment(
                np.concatenate(pieces),
                top=strip * height + first - tail.shape[1],
                begin=strip * height + (first or (overlap if strip else 0)),
                end=strip * height + end + (overlap if follows else 0),
            )
        tail = rows[:, -overlap:].copy()  # nothing else of them is needed
        del rows

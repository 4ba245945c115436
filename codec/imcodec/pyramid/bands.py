"""How the rate's pass is shared out on a CPU: pieces of about equal size, whatever the strips.

While a picture is fitted all latents are known, so rows of a level need not wait for those above.
"""

from __future__ import annotations

from typing import NamedTuple

from imcodec.pyramid.geometry import Geometry, ceil_div

#: what a row costs beside its columns, in columns: the network's loops start for every half-row
ROW = 192


class Band(NamedTuple):
    """Rows `start` to `stop` of one strip of a level."""

    level: int
    strip: int
    start: int
    stop: int


def pieces(geometry: Geometry, size: int) -> list[list[Band]]:
    """All rows of all levels, from fine to coarse, cut into pieces that cost about the same.

    `size`: what a piece may cost, as a number of symbols; one row more at most. Small levels share
    a piece.
    """
    levels = range(geometry.levels, 0, -1)
    costs = {level: geometry.columns(level) + ROW for level in levels}
    total = sum(geometry.strips * geometry.rows(level) * costs[level] for level in levels)
    share = ceil_div(total, ceil_div(total, size))
    found: list[list[Band]] = []
    room = 0
    for level, cost in costs.items():
        rows = geometry.rows(level)
        for strip in range(geometry.strips):
            start = 0
            while start < rows:
                if room <= 0:
                    found.append([])
                    room = share
                stop = min(rows, start + ceil_div(room, cost))
                found[-1].append(Band(level, strip, start, stop))
                room -= (stop - start) * cost
                start = stop
    return found

"""How the rate's pass is shared out: every row once, in pieces of about the same size."""

from __future__ import annotations

from collections import Counter

import pytest

from imcodec.pyramid.bands import ROW, Band, pieces
from imcodec.pyramid.geometry import Geometry, choose_geometry

GEOMETRIES = [
    pytest.param(Geometry.derived(512, 768, 6, 1), id="one strip"),
    pytest.param(Geometry.derived(512, 768, 6, 4), id="four strips"),
    pytest.param(Geometry.derived(37, 53, 3, 5), id="odd sizes"),
    pytest.param(Geometry.derived(7, 50, 2, 3, 1), id="row factor 1"),
    pytest.param(Geometry.derived(40, 30, 2, 2, 2, 2), id="pitch 2"),
    pytest.param(choose_geometry(1, 3000), id="1x3000"),
    pytest.param(choose_geometry(3000, 1), id="3000x1"),
    pytest.param(choose_geometry(1, 1), id="1x1"),
]


def cost(geometry: Geometry, piece: list[Band]) -> int:
    return sum((band.stop - band.start) * (geometry.columns(band.level) + ROW) for band in piece)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("size", [1, 77, 2000, 2**15, 10**9])
def test_every_row_once_in_equal_pieces(geometry: Geometry, size: int) -> None:
    found = pieces(geometry, size)
    rows = Counter(
        (band.level, band.strip, row)
        for piece in found
        for band in piece
        for row in range(band.start, band.stop)
    )
    assert rows == Counter(
        (level, strip, row)
        for level in range(1, geometry.levels + 1)
        for strip in range(geometry.strips)
        for row in range(geometry.rows(level))
    )
    row = geometry.columns(geometry.levels) + ROW
    costs = [cost(geometry, piece) for piece in found]
    assert max(costs) < size + row
    assert max(costs) - min(costs[:-1], default=max(costs)) < row


@pytest.mark.parametrize("strips", [1, 2, 4, 8])
def test_as_many_pieces_whatever_the_strips(strips: int) -> None:
    assert len(pieces(Geometry.derived(512, 768, 6, strips), 2**15)) == 22

"""What is drawn of a plane of latents at points: its filter, then bilinear interpolation.

The operators that a file's graph has for this, Conv and GridSample, need a whole plane in float32.
Here the same is done to some rows at a time, with the same numbers for all points of the picture,
bit for bit: filters are sums of whole numbers, and interpolation is GridSample's own arithmetic,
which for the points of a grid can be done along rows first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.file import TABLE
from imcodec.pyramid.filters import filtered
from imcodec.pyramid.geometry import Geometry

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Places:
    """Points along one axis of a plane: the two cells that each lies between, and their shares."""

    #: numbers of the cells, [n]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    #: what they count, float32 [n]
    first_share: Floats
    second_share: Floats

    @classmethod
    def of(cls, coordinates: Floats, size: int) -> Places:
        """Points in -1 .. 1, the edges of an axis of `size` cells; beyond, edges are repeated."""
        zero, one, two, last = (np.float32(number) for number in (0, 1, 2, size - 1))
        places = ((coordinates + one) * np.float32(size) - one) / two
        outside = (places < -0.5) | (places > size - 0.5)
        places = np.where(outside, places.clip(zero, last), places)
        lower = np.floor(places)
        cells = lower.astype(np.intp)
        return cls(
            first=cells.clip(0, size - 1),
            second=(cells + 1).clip(0, size - 1),
            first_share=(lower + one) - places,
            second_share=places - lower,
        )

    def less(self, cell: int) -> Places:
        """The same, cells counted from this one."""
        return replace(self, first=self.first - cell, second=self.second - cell)

    @property
    def cells(self) -> tuple[int, int]:
        """The first cell that is needed, and the one after the last."""
        return int(self.first.min()), int(self.second.max()) + 1


def placed(geometry: Geometry, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Coordinates in the picture as coordinates in the planes (see `Geometry.affine`)."""
    scale, offset = geometry.affine()
    across, down = (
        values * np.float32(float(factor)) + np.float32(float(added))
        for values, factor, added in zip((x, y), scale, offset, strict=True)
    )
    return across, down


def smooth(
    rows: NDArray[np.int8],
    top: int,
    down: tuple[int, int],
    across: tuple[int, int],
    weights: NDArray[np.int8],
) -> Floats:
    """A part of a plane through its filter, times the table's step, float32.

    The part is said as its first cell and the one after its last, `down` and `across`. `rows` are
    those of the plane from `top` on, with one more above and below the part if the plane has them.
    """
    above, left = max(down[0] - 1, top), max(across[0] - 1, 0)
    near = rows[above - top : down[1] + 1 - top, left : across[1] + 1]
    found = filtered(near, weights)[down[0] - above :, across[0] - left :]
    found = found[: down[1] - down[0], : across[1] - across[0]]
    found *= np.float32(TABLE.step)
    return found


def interpolated(values: Floats, across: Places, down: Places) -> Floats:
    """Values [rows, columns] at the points of a grid, [n down, n across]."""
    lines = values[:, across.first] * across.first_share
    lines += values[:, across.second] * across.second_share
    found: Floats = lines[down.first] * down.first_share[:, None]
    found += lines[down.second] * down.second_share[:, None]
    return found


def interpolated_at(values: Floats, across: Places, down: Places) -> Floats:
    """Values [rows, columns] of a plane at points [n]."""
    upper = values[down.first, across.first] * across.first_share
    upper += values[down.first, across.second] * across.second_share
    lower = values[down.second, across.first] * across.first_share
    lower += values[down.second, across.second] * across.second_share
    return upper * down.first_share + lower * down.second_share

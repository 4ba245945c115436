"""What a plane goes through before it is interpolated: a filter of 3x3 latents, one for each level.

    filtered[y, x] = sum over i, j in 0 .. 2 of filter[i, j] / 64 * plane[y + i - 1, x + j - 1]

with zeros outside the plane. So a latent is no single cell but a small shape that the picture
itself has found: 5 % less cost after equal steps (benchmarks/fitting.md). All sums are of whole
numbers below 2**24, so they are exact in float32 in any order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 3
#: weights of a filter are in parts of this
FILTER_UNIT = 64


def filtered(plane: NDArray[np.int8], weights: NDArray[np.int8]) -> NDArray[np.float32]:
    """A plane [H, W] through a filter [3, 3]: latents, float32 [H, W]."""
    height, width = plane.shape
    padded = np.zeros((height + 2, width + 2), np.float32)
    padded[1:-1, 1:-1] = plane
    total = np.zeros((height, width), np.float32)
    term = np.empty_like(total)
    for row in range(SIDE):
        for column in range(SIDE):
            weight = np.float32(weights[row, column] / FILTER_UNIT)
            if weight:
                near = padded[row : row + height, column : column + width]
                total += np.multiply(near, weight, out=term)
    return total


def check(filters: NDArray[np.int8], levels: int) -> None:
    """Raise ValueError unless they are int8 [levels, 3, 3] without -128."""
    if filters.shape != (levels, SIDE, SIDE) or filters.dtype != np.int8 or (filters < -127).any():
        raise ValueError("the filters are not one of 3x3 for each level, -127 to 127")


def identity(levels: int) -> NDArray[np.int8]:
    """Filters that change nothing."""
    filters = np.zeros((levels, SIDE, SIDE), np.int8)
    filters[:, 1, 1] = FILTER_UNIT
    return filters

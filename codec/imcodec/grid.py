"""Where a decoded pixel lies: from output size and crop to coordinates.

The convention is that of PyTorch's grid_sample with align_corners=False: -1 and 1 are the outer
edges of the picture, and pixel i of n has its centre at (2 i + 1) / n - 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import LimitError, UsageError

MAX_PIXELS = 178_956_970
MAX_SIDE = 65535

Crop = tuple[float, float, float, float]


@dataclass(frozen=True)
class View:
    """A rectangle of the picture, seen at some size. Pixels are numbered row by row."""

    #: size of the output in pixels
    width: int
    height: int
    #: left edge, top edge, width, height of the rectangle in pixels of the picture at scale 1
    crop: Crop
    #: size of the picture at scale 1
    picture: tuple[int, int]

    @property
    def pixels(self) -> int:
        """Number of pixels in the output."""
        return self.width * self.height

    def coordinates(self, first: int, last: int) -> NDArray[np.float32]:
        """Coordinates float32 [last - first, 2] of output pixels first .. last - 1."""
        index = np.arange(first, last)
        left, top, width, height = self.crop
        row, column = np.divmod(index, self.width)
        # In float64, so that a crop at scale 1 gives the very same numbers as the whole picture.
        x = left + (column + 0.5) * (width / self.width)
        y = top + (row + 0.5) * (height / self.height)
        centres = np.stack([x * (2 / self.picture[0]), y * (2 / self.picture[1])], axis=-1) - 1
        return centres.astype(np.float32)


def view(
    picture: tuple[int, int],
    *,
    scale: float = 1.0,
    size: tuple[int, int] | None = None,
    crop: Crop | None = None,
    max_pixels: int = MAX_PIXELS,
) -> View:
    """The view of a picture of (width, height) that decode() was asked for.

    `crop` is cut first; `scale` multiplies its size; `size`, if given, replaces that size and then
    `scale` multiplies it. Raises UsageError for values that make no sense, and LimitError when the
    result would have more than `max_pixels` pixels (0 means no limit).
    """
    box = _checked_crop(picture, crop)
    if not (isinstance(scale, int | float) and math.isfinite(scale) and scale > 0):
        raise UsageError(f"scale is {scale}; it must be a number above 0")
    width, height = box[2:] if size is None else _checked_size(size)
    if max(width, height) * scale > MAX_SIDE:
        raise LimitError(
            f"{width:g}x{height:g} times {scale:g} is too large; a side may have {MAX_SIDE} pixels"
        )
    out = tuple(max(1, round(side * scale)) for side in (width, height))
    if max_pixels and out[0] * out[1] > max_pixels:
        raise LimitError(
            f"{out[0]}x{out[1]} is {out[0] * out[1]} pixels, more than the limit of {max_pixels}; "
            "raise max_pixels if you trust the file"
        )
    return View(width=out[0], height=out[1], crop=box, picture=picture)


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    if len(size) != 2 or any(side != int(side) or side < 1 for side in size):
        raise UsageError(f"size is {size}; it must be two whole numbers, width and height")
    return int(size[0]), int(size[1])


def _checked_crop(picture: tuple[int, int], crop: Crop | None) -> Crop:
    if crop is None:
        return (0, 0, *picture)
    if len(crop) != 4 or not all(math.isfinite(value) for value in crop):
        raise UsageError(f"crop is {crop}; it must be four numbers: x, y, width, height")
    x, y, width, height = crop
    inside = x >= 0 and y >= 0 and x + width <= picture[0] and y + height <= picture[1]
    if not inside or width <= 0 or height <= 0:
        raise UsageError(
            f"crop {x:g},{y:g},{width:g},{height:g} does not lie inside the picture, "
            f"which is {picture[0]}x{picture[1]}"
        )
    return crop

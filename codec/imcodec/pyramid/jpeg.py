"""What JPEG makes of a picture: from that follows what a fit of it will cost, before it begins.

Large pictures are looked at in tiles that are spread over them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: bytes of a file that are no data of the picture
TABLES = 600
QUALITIES = (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)
#: pictures with more pixels than this are looked at in TILES x TILES tiles of SIDE x SIDE pixels
WHOLE = 2**20
TILES, SIDE = 3, 320


@dataclass(frozen=True)
class Jpeg:
    """A picture as JPEG sees it, without its alpha: `pixels` uint8 [H, W, channels]."""

    pixels: NDArray[np.uint8]

    @property
    def area(self) -> int:
        """Pixels of the picture."""
        return int(self.pixels.shape[0] * self.pixels.shape[1])

    @cached_property
    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(mse with colours in 0 .. 1, bytes of the data), each [qualities]."""
        points = np.array([_points(part) for part in self._parts])  # [parts, qualities, 2]
        errors = np.average(points[..., 0], 0, self._areas)
        return errors, points[..., 1].sum(0) * (self.area / sum(self._areas))

    def size(self, price: float) -> float:
        """Bytes of the data where mse + price * bits per pixel is least."""
        return float(self.curve[1][np.argmin(self._costs(price))])

    def cost(self, price: float) -> float:
        """The least mse + price * bits per pixel."""
        return float(self._costs(price).min())

    def lost_in_half(self, price: float) -> float:
        """Squared error of the picture when it was at half of its size, as a share of JPEG's cost.

        All channels are looked at, alpha, too. Much less than 1: at this price nothing of the
        picture's finest details is worth its bits.
        """
        lost = float(np.average([*map(_lost_in_half, self._parts)], weights=self._areas))
        byte = price * 8 / self.area  # what a flat picture takes at least
        return lost / max(self.cost(price), byte)

    def _costs(self, price: float) -> NDArray[np.float64]:
        errors, sizes = self.curve
        return errors + price * 8 / self.area * sizes

    @cached_property
    def _parts(self) -> list[NDArray[np.uint8]]:
        return list(_parts(self.pixels))

    @property
    def _areas(self) -> list[int]:
        return [part.shape[0] * part.shape[1] for part in self._parts]


def _parts(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The picture, or tiles of a large one."""
    height, width = pixels.shape[:2]
    if height * width <= WHOLE:
        yield pixels
        return
    for top in np.linspace(0, max(0, height - SIDE), TILES).astype(int):
        for left in np.linspace(0, max(0, width - SIDE), TILES).astype(int):
            yield pixels[top : top + SIDE, left : left + SIDE]


def _points(pixels: NDArray[np.uint8]) -> list[tuple[float, int]]:
    """(mse, bytes of the data) at each quality."""
    seen = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., 0]
    points = []
    for quality in QUALITIES:
        stream = io.BytesIO()
        Image.fromarray(seen).save(stream, "JPEG", quality=quality, optimize=True)
        size = max(0, stream.tell() - TABLES)
        with Image.open(stream) as shown:
            points.append((_error(np.asarray(shown), seen), size))
    return points


def _lost_in_half(pixels: NDArray[np.uint8]) -> float:
    height, width, channels = pixels.shape
    half = -(-width // 2), -(-height // 2)
    shown = np.empty_like(pixels)
    for channel in range(channels):  # one by one: Pillow would hide colours behind alpha
        plane = Image.fromarray(pixels[..., channel]).resize(half, Image.Resampling.LANCZOS)
        whole = plane.resize((width, height), Image.Resampling.BICUBIC)
        shown[..., channel] = np.asarray(whole)
    return _error(shown, pixels)


def _error(shown: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> float:
    return float(np.square(shown.astype(np.float32) - pixels).mean()) / 255**2

"""Views that are larger than the picture: its own pixels first, then Lanczos between them.

A pyramid's finest latents lie one to a pixel and are interpolated linearly between pixels, which is
what a small graph can say. Enlarging the pixels with a Lanczos kernel (a = 3, as in Turkowski 1990,
"Filters for common resampling tasks") is about half a decibel nearer to the scene
(benchmarks/enlarging.md), so a view is drawn at the pixels' centres along every axis that it
enlarges, and the rest is done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imcodec.grid import View

#: pixels on either side that a kernel reaches
REACH = 3
#: samples of the output, about, that are made at a time
BAND_SAMPLES = 2**19


@dataclass(frozen=True)
class Axis:
    """One axis of a view: where it is drawn, and how output pixels follow from that."""

    #: places where the picture is drawn, in pixels from its edge, float64 [n]
    places: NDArray[np.floating]
    #: for each output pixel and tap a place and its weight, [taps, output]; None: the places
    #: themselves are the output
    sources: NDArray[np.intp] | None = None
    weights: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, start: float, length: float, count: int, size: int) -> Axis:
        """`count` pixels of a view from `start` on, `length` long, of an axis of `size` pixels."""
        centres = np.asarray(start + (np.arange(count) + 0.5) * (length / count), np.float64)
        if count <= length:
            return cls(centres)
        first = np.floor(centres - 0.5).astype(np.intp) - REACH + 1
        sources = first + np.arange(2 * REACH)[:, None]
        distance = centres - 0.5 - sources
        weights = np.sinc(distance) * np.sinc(distance / REACH)
        weights[(sources < 0) | (sources >= size) | (np.abs(distance) >= REACH)] = 0
        weights /= weights.sum(axis=0)
        sources = sources.clip(0, size - 1)
        low, high = int(sources.min()), int(sources.max())
        return cls(np.arange(low, high + 1) + 0.5, sources - low, weights.astype(np.float32))

    @property
    def enlarged(self) -> bool:
        """Whether pixels lie between the places."""
        return self.weights is not None

    def spread(self, values: NDArray[Any], part: slice) -> NDArray[Any]:
        """Some output pixels along axis 0, from values [places, ...]."""
        if self.sources is None or self.weights is None:
            return values[part]
        shape = (-1, *[1] * (values.ndim - 1))
        taps = zip(self.sources[:, part], self.weights[:, part], strict=True)
        terms = (values[source] * weight.reshape(shape) for source, weight in taps)
        total: NDArray[Any] = next(terms)
        for term in terms:
            total += term
        return total


@dataclass(frozen=True)
class Enlargement:
    """A view that shows more pixels than the picture has there."""

    across: Axis
    down: Axis
    #: (width, height) of the picture
    picture: tuple[int, int]

    @classmethod
    def of(cls, seen: View) -> Enlargement | None:
        """The enlargement behind a view, None where it enlarges nothing."""
        left, top, width, height = seen.crop
        across = Axis.of(left, width, seen.width, seen.picture[0])
        down = Axis.of(top, height, seen.height, seen.picture[1])
        if not (across.enlarged or down.enlarged):
            return None
        return cls(across, down, seen.picture)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of what has to be drawn."""
        return len(self.down.places), len(self.across.places)

    def coordinates(self, first: int, last: int) -> NDArray[np.float32]:
        """As View.coordinates(), of the pixels that have to be drawn."""
        row, column = np.divmod(np.arange(first, last), len(self.across.places))
        x = self.across.places[column] * (2 / self.picture[0]) - 1
        y = self.down.places[row] * (2 / self.picture[1]) - 1
        return np.stack([x, y], axis=-1).astype(np.float32)

    def finish(self, drawn: NDArray[np.uint8], seen: View) -> NDArray[np.uint8]:
        """The view [H, W, C] from what was drawn, uint8 of `shape` and [C]."""
        result = np.empty((seen.height, seen.width, drawn.shape[2]), np.uint8)
        columns = slice(0, seen.width)
        height = max(1, BAND_SAMPLES // (seen.width * drawn.shape[2]))
        for top in range(0, seen.height, height):
            rows = slice(top, min(top + height, seen.height))
            band = self.down.spread(drawn, rows)
            band = self.across.spread(band.swapaxes(0, 1), columns).swapaxes(0, 1)
            result[rows] = np.rint(band).clip(0, 255)
        return result

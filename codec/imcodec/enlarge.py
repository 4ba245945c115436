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

    @property
    def count(self) -> int:
        """Output pixels."""
        return len(self.places) if self.sources is None else int(self.sources.shape[1])

    def coordinates(self, size: int) -> NDArray[np.float32]:
        """The places, as -1 and 1 are the edges of `size` pixels."""
        return (self.places * (2 / size) - 1).astype(np.float32)

    def needed(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The first and the last place that each output pixel is made of."""
        if self.sources is None:
            return np.arange(self.count), np.arange(self.count)
        return self.sources[0], self.sources[-1]

    def spread(self, values: NDArray[Any], part: slice, origin: int = 0) -> NDArray[Any]:
        """Some output pixels along axis 0, from values [places from `origin` on, ...]."""
        if self.sources is None or self.weights is None:
            return values[part.start - origin : part.stop - origin]
        shape = (-1, *[1] * (values.ndim - 1))
        taps = zip(self.sources[:, part] - origin, self.weights[:, part], strict=True)
        terms = (values[source] * weight.reshape(shape) for source, weight in taps)
        total: NDArray[Any] = next(terms)
        for term in terms:
            total += term
        return total


@dataclass(frozen=True)
class Drawing:
    """How a view of a picture is drawn: at which places, and what is made of them."""

    across: Axis
    down: Axis
    #: (width, height) of the picture
    picture: tuple[int, int]

    @classmethod
    def of(cls, seen: View) -> Drawing:
        """How a view is drawn."""
        left, top, width, height = seen.crop
        across = Axis.of(left, width, seen.width, seen.picture[0])
        down = Axis.of(top, height, seen.height, seen.picture[1])
        return cls(across, down, seen.picture)

    @property
    def enlarged(self) -> bool:
        """Whether the view shows more pixels than the picture has there."""
        return self.across.enlarged or self.down.enlarged

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the view."""
        return self.down.count, self.across.count

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of what has to be drawn."""
        return len(self.down.places), len(self.across.places)

    @property
    def coordinates(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """x and y of what has to be drawn, a grid; -1 and 1 are the edges of the picture."""
        return self.across.coordinates(self.picture[0]), self.down.coordinates(self.picture[1])

    def finish(
        self, drawn: NDArray[np.uint8], origin: int, result: NDArray[np.uint8], rows: slice
    ) -> None:
        """Write some rows of the view [H, W, C] from what they are made of: the rows of `shape`
        from `origin` on, uint8 [rows, columns, C]."""
        width, channels = result.shape[1:]
        columns, height = slice(0, width), max(1, BAND_SAMPLES // (width * channels))
        for top in range(rows.start, rows.stop, height):
            part = slice(top, min(top + height, rows.stop))
            band = self.down.spread(drawn, part, origin)
            band = self.across.spread(band.swapaxes(0, 1), columns).swapaxes(0, 1)
            result[part] = np.rint(band).clip(0, 255) if self.enlarged else band

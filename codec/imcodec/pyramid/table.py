"""The probability table: one quantised distribution that every symbol is cut out of.

A file has one table of J = 2 * centre + 1 entries: the cumulative distribution at equally spaced
places, descending; a logistic one, to which a little of a flat one is added:

    z[j]   = (centre - j) * step                         j = 0 .. J-1
    cdf[j] = floor(c / (1 + exp(-z[j])) + z[j] + centre * step)
    M-1 >= cdf[0] >= ... >= cdf[J-1] = 0

with M = 2**precision slots in all. A symbol is described by two integers (`edge`, `width`): the
value v owns the slots low to high - 1 between two entries of the table,

    low(v) = cdf[edge + width * (v + 1)]      high(v) = cdf[edge + width * v]

so `width` table steps are one unit of the latent (a wide symbol is a certain one), and `edge` is
where the symbol 0 begins. A symbol centred on zero has edge = centre - width / 2; a mean of m
units moves the edge by -width * m. Nothing is multiplied or added to what the context network says;
widths are clipped to 1 .. centre, so that whatever the edge, some value can be coded.

The flat part gives each entry `step` slots (about a quarter of one) whatever happens, so that
values that the network did not expect can be coded: it costs 0.004 bits a symbol and saves 2 to 5 %
of all bits (benchmarks/pyramid). Values whose entries lie outside the table cannot be coded.

The decoder computes the table with one Sigmoid in float32. Every entry must therefore stay far from
an integer: c was searched for the largest distance (`margin`), in slots (`Table.tuned`); float32
Sigmoid errs by about 0.003 slots at M = 2**14. Slots from cdf[0] on are never used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import ImcodecError
from imcodec.pyramid.context import LARGEST_LATENT, LARGEST_WIDTH

Ints = NDArray[np.int64]

SAFE_MARGIN = 0.02  # slots; several times what a float32 Sigmoid can err by


class CodingError(ImcodecError):
    """A symbol, or a distribution, that the table cannot code. The encoder catches it."""


@dataclass(frozen=True)
class Table:
    """The numbers that define a table; two equal `Table`s have equal entries on every machine."""

    precision: int = 14
    #: logistic scales per entry; few bits, so that places are exact in float32
    step: float = 65 / 256
    centre: int = 80
    #: c, a float32: what tuned() finds for the numbers above
    scale: float = 16343.33203125

    @property
    def total(self) -> int:
        """M, slots in all."""
        return int(1 << self.precision)

    @property
    def size(self) -> int:
        """J, entries."""
        return 2 * self.centre + 1

    @property
    def slope(self) -> float:
        """Slots that an entry owns by the flat part."""
        return self.step

    @property
    def _exact(self) -> NDArray[np.float64]:
        places = (self.centre - np.arange(self.size)) * self.step
        return np.asarray(self.scale / (1 + np.exp(-places)) + places + places[0])

    @property
    def margin(self) -> float:
        """Distance of the nearest entry to a rounding edge, in slots.

        Entries of less than 64 slots count as twice as far: Sigmoid errs by less there.
        """
        exact = self._exact[:-1]  # the last is a little more than 0, as a float32 says, too
        fraction = exact - np.floor(exact)
        distance = np.minimum(fraction, 1 - fraction) * np.where(exact < 64, 2, 1)
        return float(min(distance.min(), self.total - exact[0]))

    def tuned(self) -> Table:
        """The same table with the scale that has the largest margin."""
        highest = self.total - 1 - 2 * self.centre * self.step
        scales = np.linspace(highest - 1, highest + 1, 16001).astype(np.float32)
        tables = (replace(self, scale=float(scale)) for scale in scales)
        return max((t for t in tables if t._exact[0] < t.total), key=lambda t: t.margin)

    @cached_property
    def cdf(self) -> Ints:
        """[J] int64, descending from M-1 to 0."""
        if self.margin < SAFE_MARGIN:
            raise CodingError(f"table {self} is too near a rounding edge: {self.margin:.4f} slots")
        return np.asarray(np.floor(self._exact), dtype=np.int64)

    @cached_property
    def first_at_most(self) -> Ints:
        """[M-1] int64: for a slot, the first entry whose cdf is at most that slot."""
        return np.asarray(np.searchsorted(-self.cdf, -np.arange(self.total - 1), side="left"))

    def frequencies(self, edge: Ints, width: Ints, value: Ints) -> tuple[Ints, Ints]:
        """(low, count) of each value's slots; count <= 0 where the table cannot code it."""
        first = edge + width * value
        inside = (first >= 0) & (first + width < self.size)
        low = self.cdf[np.where(inside, first + width, 0)]
        return low, np.where(inside, self.cdf[np.where(inside, first, 0)] - low, 0)

    def clamp(self, edge: Ints, width: Ints, value: Ints) -> Ints:
        """The nearest values, towards each distribution's centre, that can be coded.

        Raises CodingError where a width is outside 1 .. 80 or no value within a byte can be coded.
        """
        if width.min() < 1 or width.max() > LARGEST_WIDTH:
            raise CodingError(f"width {width.min()} .. {width.max()} is outside 1 .. 80")
        # values inside the table, and inside a byte
        low = np.maximum(-(edge // width), -LARGEST_LATENT)
        high = np.minimum((self.size - 1 - width - edge) // width, LARGEST_LATENT)
        if (low > high).any():
            raise CodingError("a distribution lies outside the table")
        centre = np.clip((self.centre - edge) // width, low, high)  # its cell holds the centre
        value = np.clip(value, low, high)
        while True:
            bad = self.frequencies(edge, width, value)[1] <= 0
            if not bad.any():
                return value
            stuck = bad & (value == centre)  # a centre beyond a byte, in the flat part of the table
            if stuck.any():
                value[stuck] = self._nearest(edge[stuck], width[stuck], value[stuck])
            value = value + np.where(bad & ~stuck, np.sign(centre - value), 0)

    def _nearest(self, edge: Ints, width: Ints, value: Ints) -> Ints:
        """The nearest values of all that can be coded, [n]."""
        every = np.arange(-LARGEST_LATENT, LARGEST_LATENT + 1)[:, None]
        can = self.frequencies(edge, width, every)[1] > 0
        if not can.any(axis=0).all():
            raise CodingError("a distribution lies outside the table")
        distance = np.where(can, np.abs(every - value), 2 * len(every))
        return np.asarray(every[distance.argmin(axis=0), 0])

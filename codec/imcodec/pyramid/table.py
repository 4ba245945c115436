"""The probability table: one quantised logistic distribution that every symbol is cut out of.

A file has one table of J entries: the cumulative distribution at equally spaced places, descending,

    cdf[j] = floor(c / (1 + exp(-(centre - j) * step))),   j = 0 .. J-1
    M-1 >= cdf[0] >= ... >= cdf[J-1] = 0

with M = 2**precision slots in all. A symbol is described by two integers (`edge`, `width`): the
value v owns the slots low to high - 1 between two entries of the table,

    low(v) = cdf[edge + width * (v + 1)]      high(v) = cdf[edge + width * v]

so `width` table steps are one unit of the latent (a wide symbol is a certain one), and `edge` is
where the symbol 0 begins. A symbol centred on zero has edge = centre - width / 2; a mean of m
units moves the edge by -width * m. Nothing is multiplied or added to what the context network says.

The decoder computes the table with one Sigmoid in float32. Every c/(1+exp) must therefore stay far
from an integer: c was searched in (M-0.95, M-0.05) for the largest distance (`margin`), in slots
(`Table.tuned`); float32 Sigmoid errs by about 0.003 slots at M = 2**14. The last slot, M-1, is
never used: it costs 1e-4 bits a symbol and saves constants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import ImcodecError

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
    #: widest symbol: centre / 1.5, so that -1, 0 and 1 all lie inside the table
    widest: int = 53
    #: c, a float32: what tuned() finds for the four numbers above
    scale: float = 16383.671875

    @property
    def total(self) -> int:
        """M, slots in all."""
        return int(1 << self.precision)

    @property
    def size(self) -> int:
        """J, entries: far enough right for the widest symbol in the last non-empty slot."""
        reach = np.ceil((self.precision + 1) * np.log(2) / self.step)
        return int(self.centre + reach + self.widest + 2)

    @property
    def _exact(self) -> NDArray[np.float64]:
        places = (self.centre - np.arange(self.size)) * self.step
        return np.asarray(self.scale / (1 + np.exp(-places)))

    @property
    def margin(self) -> float:
        """Distance of the nearest entry to a rounding edge, in slots."""
        exact = self._exact
        # entries below half a slot are safe from below: Sigmoid is positive
        fraction = np.where(exact > 0.5, exact - np.floor(exact), 0.5)
        return float(min(fraction.min(), (1 - fraction).min(), 1 - exact[-1]))

    def tuned(self) -> Table:
        """The same table with the scale that has the largest margin."""
        scales = np.linspace(self.total - 0.95, self.total - 0.05, 4001).astype(np.float32)
        return max((replace(self, scale=float(scale)) for scale in scales), key=lambda t: t.margin)

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

        Raises CodingError where a width is outside 1 .. `widest` or no value can be coded.
        """
        if width.min() < 1 or width.max() > self.widest:
            raise CodingError(f"width {width.min()} .. {width.max()} is outside 1 .. {self.widest}")
        centre = (self.centre - edge) // width  # the value whose cell holds the centre
        low, high = -(edge // width), (self.size - 1 - width - edge) // width  # inside the table
        value = np.clip(value, low, high)
        while True:
            bad = self.frequencies(edge, width, value)[1] <= 0
            if not bad.any():
                return value
            stuck = bad & (value == centre)
            if stuck.any():
                raise CodingError("a distribution lies outside the table")
            value = value + np.where(bad, np.sign(centre - value), 0)

"""The probability table: one quantised distribution that every symbol is cut out of.

A file has one table of J = 2 * centre + 1 entries: the cumulative distribution at equally spaced
places, ascending; a logistic one, to which a little of a flat one is added:

    w[j]   = (j - centre) * step                         j = 0 .. J-1
    cdf[j] = floor(c / (1 + exp(-w[j])) + w[j] + end)
    0 = cdf[0] <= ... <= cdf[J-1] = M-1

with M = 2**precision slots in all. A symbol is described by two integers (`edge`, `width`): the
value v owns the slots low to high - 1 between two entries of the table,

    low(v) = cdf[edge - width * (v + 1)]      high(v) = cdf[edge - width * v]

so `width` table steps are one unit of the latent (a wide symbol is a certain one), and `edge` is
where the symbol 0 ends. Larger values lie lower: photos take 0.05 % fewer bytes so than the other
way round, as a lane is a little more often in a low slot. What the context network says is (`mean`,
`width`), the mean in parts of a latent and half a latent more, as a symbol centred on zero ends
half a latent after the table's centre:

    edge = centre + trunc(mean * width / MEAN_UNIT)      mean = MEAN_UNIT * (expected value + 1/2)

(A network that says the edge itself needs no product here, and 2 to 4 % more bits.) Widths are
clipped to 1 .. centre, so the table always holds a value near the mean.

The flat part gives each entry `step` slots (about half of one) whatever happens, so that values
that the network did not expect can be coded: it costs 0.003 bits a symbol and saves 2 to 5 % of all
bits (benchmarks/pyramid). Values whose entries lie outside the table cannot be coded, so a network
must not be surer than the values that it may meet allow: the table reaches 35 logistic scales to
both sides, half to one per cent better than 20 in fits of up to 1000 steps (benchmarks/fitting.md).

The decoder computes the table with one Sigmoid in float32. Every entry must therefore stay far from
an integer: c and `end`, which also ends the places, were searched for the largest distance
(`margin`), in slots (`Table.tuned`); float32 errs by about 0.003 slots at M = 2**15. The
last slot is never used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import ImcodecError
from imcodec.pyramid.context import LARGEST_LATENT, LARGEST_WIDTH

Ints = NDArray[np.int64]

#: parts of a latent in which means are told
MEAN_UNIT = 16

SAFE_MARGIN = 0.02  # slots; several times what a float32 Sigmoid can err by


class CodingError(ImcodecError):
    """A symbol, or a distribution, that the table cannot code. The encoder catches it."""


@dataclass(frozen=True)
class Table:
    """The numbers that define a table; two equal `Table`s have equal entries on every machine."""

    precision: int = 15
    #: logistic scales per entry; few bits, so that places are exact in float32
    step: float = 7 / 16
    centre: int = 80
    #: c and end, float32: what tuned() finds for the numbers above
    scale: float = 32697.822265625
    end: float = 35.0234375

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
    def start(self) -> float:
        """The first place."""
        return -self.centre * self.step

    @property
    def _exact(self) -> NDArray[np.float64]:
        places = self.start + np.arange(self.size) * self.step
        return np.asarray(self.scale / (1 + np.exp(-places)) + places + self.end)

    @property
    def margin(self) -> float:
        """Distance of the nearest entry to a rounding edge, in slots.

        Entries of less than 64 slots count as twice as far: Sigmoid errs by less there.
        """
        exact = self._exact
        fraction = exact - np.floor(exact)
        distance = np.minimum(fraction, 1 - fraction) * np.where(exact < 64, 2, 1)
        return float(distance.min())

    def tuned(self) -> Table:
        """The same table with the scale and end that have the largest margin."""
        tables = []
        for part in range(1, 65):  # of the last step, so that the places end where they should
            end = -self.start + part / 256
            highest = self.total + self.start - end
            for scale in np.linspace(highest - 0.25, highest, 257).astype(np.float32):
                tables.append(replace(self, scale=float(scale), end=end))
        return max((t for t in tables if t._exact[-1] < t.total), key=lambda t: t.margin)

    @cached_property
    def cdf(self) -> Ints:
        """[J] int64, ascending from 0 to M-1."""
        if self.margin < SAFE_MARGIN:
            raise CodingError(f"table {self} is too near a rounding edge: {self.margin:.4f} slots")
        return np.asarray(np.floor(self._exact), dtype=np.int64)

    @cached_property
    def first_above(self) -> Ints:
        """[M-1] int64: for a slot, the first entry whose cdf is above that slot."""
        return np.asarray(np.searchsorted(self.cdf, np.arange(self.total - 1), side="right"))

    def edge(self, mean: Ints, width: Ints) -> Ints:
        """Where the symbol 0 ends."""
        product = mean * width
        return np.asarray(self.centre + np.sign(product) * (abs(product) // MEAN_UNIT))

    def frequencies(self, edge: Ints, width: Ints, value: Ints) -> tuple[Ints, Ints]:
        """(low, count) of each value's slots; count <= 0 where the table cannot code it."""
        last = edge - width * value
        inside = (last >= width) & (last < self.size)
        low = self.cdf[np.where(inside, last - width, 0)]
        return low, np.where(inside, self.cdf[np.where(inside, last, 0)] - low, 0)

    def clamp(self, edge: Ints, width: Ints, value: Ints) -> Ints:
        """The nearest values, towards each distribution's centre, that can be coded.

        Raises CodingError for an edge and a width that no network says (imcodec.pyramid.context).
        """
        if width.min() < 1 or width.max() > LARGEST_WIDTH:
            raise CodingError(f"width {width.min()} .. {width.max()} is outside 1 .. 80")
        # values inside the table, and inside a byte
        low = np.maximum(-((self.size - 1 - edge) // width), -LARGEST_LATENT)
        high = np.minimum(edge // width - 1, LARGEST_LATENT)
        centre = (edge - self.centre) // width  # its cell holds the table's centre
        value = np.clip(value, low, high)
        while (bad := self.frequencies(edge, width, value)[1] <= 0).any():
            value = value + np.where(bad, np.sign(centre - value), 0)
        if (abs(value) > LARGEST_LATENT).any():
            raise CodingError("a distribution lies where no latent is")
        return value

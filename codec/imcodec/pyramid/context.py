"""What a context network is: its shape, its integer weights and its arithmetic.

Rows are decoded from the top; in a row first the even columns, then the odd ones. A half-row is
predicted from the last `queue` half-rows, and beside them, as the last channels, from the two
nearest rows of the coarser plane, f(r) = row (r - 1) // 2 and c(r) = row (r + 1) // 2, each at the
nearest row of the strip where there is none (both are row r where levels do not halve the rows). A
network sees `taps` columns of each. With queue 5 (newest last; r the row, e even, o odd columns):

    even columns of r:  o(r-3) e(r-2) o(r-2) e(r-1) o(r-1) f(r) c(r)
    odd  columns of r:  e(r-2) o(r-2) e(r-1) o(r-1) e(r)   f(r) c(r)

What the queue holds before the first row is said in imcodec.pyramid.walk. To the left and right
of a plane everything is 0; a network sees columns c - taps // 2 to c + (taps - 1) // 2 of each row,
and the weight of the leftmost comes first.

A filter of the first layer says a number and its absolute value; so `hidden`, the units of the
next layer, are twice as many as filters. All levels share their weights, each has biases of its
own. With x what is known, and rounding half to even:

    z              = sum(first * x) / 16                              filters
    h              = (z, |z|)                                         hidden
    y              = max(round(sum(inner * h) / 64 + biases), 0)      hidden
    (mean, width)  = sum(outer * y) / 64                              towards zero

`later` holds inner and outer. imcodec.pyramid.table explains mean and width; widths are clipped to
1 .. 80.

All this is done in float32, which is exact as long as sums of absolute products, of the integers
alone, are below 2**24: always in the first layer, and in the others for what is in a file, which
the encoder sees to (imcodec.pyramid.walk_kernel).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.int8]

PHASES = 2
PARENTS = 2  # rows of the coarser plane that a network sees
OUTPUTS = 2  # mean and width
LARGEST_WEIGHT = 127
FIRST, LATER = 1 / 16, 1 / 64  # multipliers: of the first layer, of all other weights of a file
LARGEST_LATENT = 127
LARGEST_WIDTH = 80  # half of the table's entries, so that every edge has a symbol inside it


@dataclass(frozen=True)
class Context:
    """A context network, with weights of its own for both phases.

    first is int8 [2, filters, queue + 2, taps], later [2, hidden + 2, hidden, 1], biases
    [levels, 2, hidden], hidden = 2 * filters. Raises ValueError for anything else.
    """

    first: Weights
    later: Weights
    biases: Weights

    def __post_init__(self) -> None:
        for weight in self.stored:
            if weight.dtype != np.int8:
                raise ValueError("weights are int8")
            if (weight < -LARGEST_WEIGHT).any():
                raise ValueError(f"a weight is below -{LARGEST_WEIGHT}")
        if self.first.ndim != 4 or self.first.shape[0] != PHASES:
            raise ValueError("the first layer is [phases, filters, rows, columns]")
        if self.later.shape != (PHASES, self.hidden + OUTPUTS, self.hidden, 1):
            raise ValueError("the later layers do not fit the first one")
        if self.biases.shape[1:] != (PHASES, self.hidden):
            raise ValueError("the biases do not fit the layers")

    @property
    def stored(self) -> tuple[Weights, Weights, Weights]:
        """The three tensors that a file stores, in its order."""
        return self.first, self.later, self.biases

    @property
    def inner(self) -> Weights:
        """The inner layer, [2, hidden, hidden, 1]."""
        return self.later[:, : self.hidden]

    @property
    def outer(self) -> Weights:
        """The outer layer, mean and width, [2, 2, hidden, 1]."""
        return self.later[:, self.hidden :]

    @property
    def queue(self) -> int:
        """Half-rows that are remembered."""
        return int(self.first.shape[2]) - PARENTS

    @property
    def taps(self) -> int:
        """Columns that the first layer sees of each row."""
        return int(self.first.shape[-1])

    @property
    def hidden(self) -> int:
        """Units of the inner layer, and numbers that it sees."""
        return 2 * int(self.first.shape[1])

    @property
    def size(self) -> int:
        """Weights and biases, one byte each."""
        return sum(each.size for each in self.stored)

"""What a context network is: its shape, its integer weights and its arithmetic constants.

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

Layer arithmetic (QLinearConv; zero points of weights and of inputs are 0, also where the input is
hidden), `multiplier` being `gain` in layer 0 and `scale` in the others:

    hidden   y = clip(round_half_even(multiplier * sum(weight * x)) + floor, -128, 127)
    last     y = clip(round_half_even(multiplier * sum(weight * x)), -128, 127)

so a hidden unit is a rectified unit, stored less 128. A unit whose weights are all 0 says -128
whatever happens: that is the source of biases, as no layer has a bias of its own. The two last
outputs are (mean, width), which imcodec.pyramid.table explains; widths are clipped to 1 .. 80.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.int8]

PHASES = 2
PARENTS = 2  # rows of the coarser plane that a network sees
LARGEST_WEIGHT = 63  # u8 x s8 products in pairs must stay below 2**15 on old x86
LARGEST_LATENT = 127  # planes are int8 in the graph
LEAST_MEAN = -128  # all outputs are bytes
LARGEST_WIDTH = 80  # half of the table's entries, so that every edge has a symbol inside it


@dataclass(frozen=True)
class Context:
    """A context network: two or more layers, each with weights of its own for both phases.

    weights[i] is int8 [2, out, in, 1, width]: layer 0 has in = queue + 2 and width = taps, the
    others have width 1; the last has out = 2. Raises ValueError for anything else.
    """

    weights: tuple[Weights, ...]
    #: multiplier of layer 0
    gain: float = 7 / 16
    #: multiplier of the others
    scale: float = 1 / 64
    #: output zero point of the hidden layers
    floor: int = -128

    def __post_init__(self) -> None:
        if len(self.weights) < 2:
            raise ValueError("a context network has two layers or more")
        for weight in self.weights:
            if weight.dtype != np.int8 or weight.ndim != 5 or weight.shape[3] != 1:
                raise ValueError("weights are int8 [phases, out, in, 1, width]")
            if len(weight) != PHASES:
                raise ValueError(f"there are {PHASES} phases")
            if np.abs(weight.astype(int)).max(initial=0) > LARGEST_WEIGHT:
                raise ValueError(f"a weight is larger than {LARGEST_WEIGHT}")
        if self.weights[-1].shape[1] != 2:
            raise ValueError("the last layer has two outputs, mean and width")

    @property
    def queue(self) -> int:
        """Half-rows that are remembered."""
        return int(self.weights[0].shape[2]) - PARENTS

    @property
    def taps(self) -> int:
        """Columns that layer 0 sees of each row."""
        return int(self.weights[0].shape[-1])

    @property
    def size(self) -> int:
        """Weights, one byte each."""
        return sum(weight.size for weight in self.weights)

    def multiplier(self, layer: int) -> float:
        """What sums of a layer are multiplied by."""
        return self.gain if layer == 0 else self.scale

    def zero(self, layer: int) -> int:
        """Output zero point of a layer."""
        return self.floor if layer < len(self.weights) - 1 else 0

    def of_phase(self, phase: int) -> list[Weights]:
        """The layers of one phase, each [out, in, 1, width]."""
        return [weight[phase] for weight in self.weights]

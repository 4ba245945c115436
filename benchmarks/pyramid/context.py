"""What a context network is: its shape, its integer weights and its arithmetic constants.

Two kinds share everything else of a file.

`halfrow`   Rows from the top; in a row first the even columns, then the odd ones.  Everything known
goes through one
            queue of half-rows: the parent row is pushed when a row begins, a half-row of values
            when it is decoded. A network sees the last `queue` of them, `taps` columns wide.  With
            queue 7 (newest last; r the row, p(r) = row r // 2 of the coarser plane, e even and o
            odd columns):

                even columns of r:  p(r-2) e(r-2) o(r-2) p(r-1) e(r-1) o(r-1) p(r)
                odd  columns of r:         e(r-2) o(r-2) p(r-1) e(r-1) o(r-1) p(r) e(r)

            With `fresh` the parent row is not queued but stands beside the queue as the last
            channel, so that only p(r) is seen.  With queue 4:

                even columns of r:  e(r-2) o(r-2) e(r-1) o(r-1) p(r)
                odd  columns of r:         o(r-2) e(r-1) o(r-1) e(r) p(r)

            At the top of a strip the queue is filled with one row of the coarser plane
            (`context_int`).

`fourphase` The four places of the 2x2 lattice one after another, each all over the plane: (0,0)
(0,1) (1,0) (1,1).
            The queue has 4 planes, first 4 copies of the coarser plane, then the phases push
            theirs.

Layer arithmetic (QLinearConv; zero points of weights and of inputs are 0, also where the input is
hidden):

    hidden   y = clip(round_half_even(multiplier * sum(weight * x)) + floor, -128, 127)       floor
    is -128 last     y = clip(round_half_even(multiplier * sum(weight * x)), -128, 127)

so a hidden unit is a rectified unit, stored less 128.  A unit whose weights are all 0 says -128
whatever happens: that is the source of biases, as no layer has a bias of its own.  The two last
outputs are (edge, width), see `tables`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.int8]

KINDS = ("halfrow", "fourphase")
LARGEST_WEIGHT = 63  # u8 x s8 products in pairs must stay below 2**15 on old x86
LARGEST_LATENT = 127  # planes are int8 in the graph


@dataclass(frozen=True)
class Context:
    """A context network.

    weights[i] is int8 [phases, out, in, height, width], or [out, in, height, width] where the
    phases share a layer. Layer 0: in = queue (+ 1 if `fresh`), (height, width) = (1, taps) or, for
    `fourphase`, (taps, taps). Others: 1x1.
    """

    kind: str
    weights: tuple[Weights, ...]
    gain: float = 65 / 256  # multiplier of layer 0
    scale: float = 1 / 64  # multiplier of the others
    floor: int = -128  # output zero point of the hidden layers
    fresh: bool = False
    lookahead: bool = False  # p(r) = row (r + 1) // 2 instead of r // 2: costs 24 bytes

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind of context is one of {KINDS}, not {self.kind!r}")
        for weight in self.weights:
            if weight.dtype != np.int8 or weight.ndim not in (4, 5):
                raise ValueError("weights are int8 [phases, out, in, height, width]")
            if np.abs(weight.astype(int)).max(initial=0) > LARGEST_WEIGHT:
                raise ValueError(f"a weight is larger than {LARGEST_WEIGHT}")
            if weight.ndim == 5 and len(weight) != self.phases:
                raise ValueError(f"{self.kind} has {self.phases} phases")
        if self.weights[-1].shape[-4] != 2:
            raise ValueError("the last layer has two outputs, edge and width")
        if self.kind == "fourphase" and self.queue != 4:
            raise ValueError("the four-phase queue holds 4 planes")

    @property
    def phases(self) -> int:
        return 2 if self.kind == "halfrow" else 4

    @property
    def queue(self) -> int:
        """Half-rows (or planes) that are remembered."""
        return int(self.weights[0].shape[-3]) - self.fresh

    @property
    def taps(self) -> int:
        return int(self.weights[0].shape[-1])

    @property
    def size(self) -> int:
        """Weights, one byte each."""
        return sum(weight.size for weight in self.weights)

    def multiplier(self, layer: int) -> float:
        return self.gain if layer == 0 else self.scale

    def zero(self, layer: int) -> int:
        """Output zero point."""
        return self.floor if layer < len(self.weights) - 1 else 0

    def of_phase(self, phase: int) -> list[Weights]:
        """The layers of one phase, each [out, in, height, width]."""
        return [weight[phase] if weight.ndim == 5 else weight for weight in self.weights]

"""Holds a descent to a goal: what a bit costs meanwhile, and which state is the best.

A file is to have so many bytes, or so many decibels. While latents and weights are moved one by one
(imcodec.pyramid.descent) both are known exactly, so a bit costs more where bytes or decibels are
still to be given away, and less where they are missing; the best state that is what was asked for
is kept. What comes of it: benchmarks/targets.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from imcodec.pyramid.exact_cost import ExactCost
from imcodec.pyramid.goal import Found, Goal, decibels
from imcodec.pyramid.latent_moves import LatentMoves
from imcodec.pyramid.products import Floats

#: change of log(lambda) for each unit of log(bytes), or of log(squared error), that is missing; and
#: the most of it
STIFFNESS, MOST = 40.0, 0.8
#: what was tried may be tried again when log(lambda) has changed by this much
CHANGED = 0.1


class State(NamedTuple):
    """Where a descent was."""

    planes: list[Floats]
    weights: list[Tensor]


class Course:
    """From a file of `size` bytes, with whatever latents and networks it has."""

    def __init__(self, goal: Goal, size: int, cost: ExactCost, latents: LatentMoves) -> None:
        self._goal, self._cost, self._latents = goal, cost, latents
        self._middle = self._tried_at = cost.fit.lmbda
        self._overhead = size - self._bits / 8
        self._best: State | None = None
        self._rank = goal.rank(self._found)
        self._steer()

    @property
    def _bits(self) -> float:
        return self._cost.total(self._latents.bits.values())

    @property
    def _found(self) -> Found:
        """The file that there would be now."""
        mse = self._cost.distortion_of(self._latents.errors)
        return Found(math.ceil(self._overhead + self._bits / 8), decibels(mse))

    def follow(self) -> None:
        """After every round of moves."""
        if (rank := self._goal.rank(self._found)) < self._rank:
            self._rank = rank
            weights = [each.clone() for each in self._cost.fit.whole]
            self._best = State(self._latents.planes, weights)
        self._steer()

    def _steer(self) -> None:
        missing = self._goal.missing(self._found)
        change = min(max(STIFFNESS * missing, -MOST), MOST)
        lmbda = self._middle * math.exp(change if self._goal.kind == "size" else -change)
        self._cost.fit.lmbda = lmbda
        if abs(math.log(lmbda / self._tried_at)) > CHANGED:
            self._tried_at = lmbda
            self._latents.forget()

    def finish(self) -> bool:
        """Go back to the best state; whether there is a better one than the first."""
        self._cost.fit.lmbda = self._middle
        if self._best is None:
            return False
        for weights, best in zip(self._cost.fit.whole, self._best.weights, strict=True):
            weights.copy_(best)
        self._latents.planes = self._best.planes
        self._latents.measure()
        return True

"""Latents moved by one where that makes the file cheaper, many at a time.

A latent is heard by its neighbours' contexts and seen by the pixels around it, and nowhere else. So
a plane is cut into blocks of cells, and in each of them one latent is moved that has all it reaches
inside its block: what each move costs is known exactly from one pass over the whole picture. Those
that cost something are taken back. Which latent, and whether up or down, says the gradient.

Encoders of codecs that are not fitted do the same to their coefficients: rate-distortion optimised
quantisation (Karczewicz et al. 2008, VCEG-AH21). What it is worth: benchmarks/fitting.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.context import LARGEST_LATENT
from imcodec.pyramid.exact_cost import ExactCost
from imcodec.pyramid.products import Floats
from imcodec.pyramid.table import Ints

#: cells of a block, and the rows and columns of it whose latents may be moved: contexts reach 3
#: rows down and 5 columns to both sides, pixels and contexts of the next plane 2 rows and 5 columns
ROWS, COLUMNS = 8, 16
FIRST_ROW, LAST_ROW, FIRST_COLUMN, LAST_COLUMN = 2, 4, 5, 10
#: planes in turn, 0 the finest
TURNS = (0, 1, 0, 2, 0, 1)
#: rounds between two gradients
FRESH = 3

Marks = NDArray[np.uint8]


class LatentMoves:
    """A picture's latents on their way down. `planes` are whole numbers as floats."""

    def __init__(self, cost: ExactCost, planes: Sequence[Floats], seed: int) -> None:
        self._cost, self.planes = cost, list(planes)
        self._rng = np.random.default_rng(seed)
        #: 1: one more was tried, 2: one less
        self._tried: list[Marks] = []
        self._gradients: list[Floats] = []
        self._rounds = 0
        self.forget()
        self.measure()

    def forget(self) -> None:
        """Let every move be tried again, as after a change of lambda or of the networks."""
        self._tried = [np.zeros(plane.shape, np.uint8) for plane in self.planes]

    def measure(self) -> None:
        """Find the cost of what there is, as after a change of the networks."""
        self.bits = self._cost.bits(self.planes)
        self.errors = self._cost.errors(self._cost.features(self.planes))
        self._age = FRESH

    @property
    def flat(self) -> torch.Tensor:
        """All latents, [symbols]."""
        return torch.cat([torch.from_numpy(plane).flatten() for plane in self.planes])

    @property
    def total(self) -> float:
        """J."""
        return self._cost.rate_of(self.bits.values()) + self._cost.distortion_of(self.errors)

    def gradients(self) -> list[torch.Tensor]:
        """Those by the networks' weights; those by latents are kept for the next rounds."""
        fit, pool = self._cost.fit, self._cost.pool
        by_latents, by_weights = fit.gradients(self.flat.to(fit.device), pool)
        self._gradients = [grad.cpu().numpy().copy() for grad in fit.latents.planes(by_latents)]
        self._age = 0
        return by_weights

    def round(self) -> int:
        """Try a latent of each block of one plane; how many were moved."""
        if self._age >= FRESH:
            self.gradients()
        self._age += 1
        g, cost = self._cost.geometry, self._cost
        level = max(1, g.levels - TURNS[self._rounds % len(TURNS)])
        self._rounds += 1
        index = level - 1
        up, left = (int(self._rng.integers(size)) for size in (ROWS, COLUMNS))
        plane, tried = self.planes[index].copy(), self._tried[index]
        # the row that the next plane's queue begins with is heard far away
        loud = level if g.row_factor == 2 else 0
        _move(plane, self._gradients[index], tried, up, left, g.rows(level), loud)
        planes = [*self.planes]
        planes[index] = plane
        edges = _edges(plane.shape[0], ROWS, up), _edges(plane.shape[1], COLUMNS, left)
        change = np.zeros([len(each) - 1 for each in edges])
        bits = cost.bits(planes, [each for each in (level, level + 1) if each in cost.levels])
        for number, found in bits.items():
            ys, xs = self._scaled(edges, level, number)
            _add_change(change, found, self.bits[number], ys, xs, cost.per_bit)
        errors = cost.errors(cost.features(planes))
        at_pixels = self._pixels(edges, level)
        _add_change(change, errors, self.errors, *at_pixels, cost.per_error)
        _restore(plane, self.planes[index], *edges, change)
        for number, found in bits.items():
            _restore(found, self.bits[number], *self._scaled(edges, level, number), change)
        _restore(errors, self.errors, *at_pixels, change)
        moved = int((plane != self.planes[index]).sum())
        _forget(tried, plane, self.planes[index], *edges)
        self.planes, self.errors = planes, errors
        self.bits.update(bits)
        return moved

    def _scaled(self, edges: tuple[Ints, Ints], level: int, finer: int) -> tuple[Ints, Ints]:
        """Blocks of a level in the cells of a finer one."""
        ys, xs = edges
        return ys * self._cost.geometry.row_factor ** (finer - level), xs * 2 ** (finer - level)

    def _pixels(self, edges: tuple[Ints, Ints], level: int) -> tuple[Ints, Ints]:
        g, at = self._cost.geometry, self._cost.fit.interpolations[-1]
        ys, xs = self._scaled(edges, level, g.levels)
        return (
            np.clip(ys * g.pitch - at.top, 0, g.height),
            np.clip(xs * g.pitch - at.left, 0, g.width),
        )


def _edges(size: int, block: int, shift: int) -> Ints:
    """Where blocks begin and end, the first one `shift` cells shorter."""
    inner = np.arange(block - shift, size, block)
    return np.concatenate([[0], inner, [size]]).astype(np.int64)


@compiled
def _move(
    plane: Floats, gradient: Floats, tried: Marks, up: int, left: int, rows: int, loud: int
) -> None:
    """Move the latent of each block [ROWS, COLUMNS] that promises most, and mark it as tried.

    Blocks begin `up` rows above the plane and `left` columns beside it. Rows `loud` of strips of
    `rows` stay.
    """
    height, width = plane.shape
    for begin in range(-up, height, ROWS):
        for side in range(-left, width, COLUMNS):
            most, y, x = np.float32(0), -1, -1
            for i in range(max(begin + FIRST_ROW, 0), min(begin + LAST_ROW + 1, height)):
                if i % rows == loud:
                    continue
                for j in range(max(side + FIRST_COLUMN, 0), min(side + LAST_COLUMN + 1, width)):
                    slope = gradient[i, j]
                    mark = 2 if slope > 0 else 1
                    if abs(slope) > most and not tried[i, j] & mark:
                        most, y, x = abs(slope), i, j
            if y >= 0:
                down = gradient[y, x] > 0
                tried[y, x] |= 2 if down else 1
                moved = plane[y, x] + (-1 if down else 1)
                if abs(moved) <= LARGEST_LATENT:
                    plane[y, x] = moved


@compiled
def _add_change(
    change: NDArray[np.float64], new: Floats, old: Floats, ys: Ints, xs: Ints, weight: float
) -> None:
    """change [blocks] += weight * the sum of new - old in each block."""
    for a in range(len(ys) - 1):
        for b in range(len(xs) - 1):
            total = 0.0
            for i in range(ys[a], ys[a + 1]):
                for j in range(xs[b], xs[b + 1]):
                    total += np.float64(new[i, j]) - np.float64(old[i, j])
            change[a, b] += weight * total


@compiled
def _restore(new: Floats, old: Floats, ys: Ints, xs: Ints, change: NDArray[np.float64]) -> None:
    """The old numbers in blocks that did not become cheaper."""
    for a in range(len(ys) - 1):
        for b in range(len(xs) - 1):
            if change[a, b] >= 0:
                for i in range(ys[a], ys[a + 1]):
                    for j in range(xs[b], xs[b + 1]):
                        new[i, j] = old[i, j]


@compiled
def _forget(tried: Marks, new: Floats, old: Floats, ys: Ints, xs: Ints) -> None:
    """Where a latent was moved its neighbours may be tried again."""
    for a in range(len(ys) - 1):
        for b in range(len(xs) - 1):
            y, x = -1, -1
            for i in range(ys[a], ys[a + 1]):
                for j in range(xs[b], xs[b + 1]):
                    if new[i, j] != old[i, j]:
                        y, x = i, j
            if y < 0:
                continue
            for i in range(ys[a], ys[a + 1]):
                for j in range(xs[b], xs[b + 1]):
                    tried[i, j] = 3 if i == y and j == x else 0

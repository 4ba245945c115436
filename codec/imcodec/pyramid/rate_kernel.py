"""The pass of imcodec.pyramid.rate for CPUs: one compiled loop over the half-rows of a band.

Contexts are never laid out: layer 0 adds shifted rows, which stay in the nearest caches with
everything else that belongs to a half-row. It takes a third to a sixth of the tensors' time,
and threads that work on different bands do not wait for each other (benchmarks/steps.md). What a
band finds for rows of other bands, above it and in the coarser level, is added when all are done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from imcodec.pyramid import taps
from imcodec.pyramid.bands import Band, pieces
from imcodec.pyramid.code_length import Law, code_length
from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.context import PARENTS
from imcodec.pyramid.context_kernel import REACH, Arrays, half_rows, room, say
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.products import ZERO, Floats, aligned, outer, sums, transposed
from imcodec.pyramid.rate import BEYOND, Distribution, Layers
from imcodec.pyramid.table import MEAN_UNIT
from imcodec.pyramid.taps import BLOCK

#: nats of a band; gradients by half-rows above it [2 REACH, w + 4], by its parents [rows, w + 4]
Found = tuple[float, Floats, Floats]


@dataclass
class CompiledPass:
    """What rate.Pass is, with the same results, for tensors on the CPU."""

    geometry: Geometry
    layers: Layers
    law: Distribution
    scale: float
    #: symbols in a piece of work, about
    piece: int

    def __post_init__(self) -> None:
        self._weights = arrays_of(self.layers)
        self._grads = self._zeros()
        law = self.law
        numbers = (law.centre, law.step, law.bulk, law.tail, law.size, law.widest, MEAN_UNIT)
        self._law: Law = tuple(map(np.float32, numbers))

    def run(
        self,
        planes: Sequence[Tensor],
        grads: Sequence[Tensor],
        each: Callable[..., Iterable[tuple[list[Found], Arrays]]] = map,
    ) -> list[Tensor]:
        """Nats of each level.

        planes: [S, rows, columns] a level, coarse to fine, integers or soft. Their gradients are
        added to `grads`, which have the same shapes. `each` is map, or that of a pool of threads.
        """
        g = self.geometry
        values, by_values = [t.numpy() for t in planes], [t.numpy() for t in grads]
        nats = np.zeros(g.levels)

        def work(piece: list[Band]) -> tuple[list[Found], Arrays]:
            by_weights = self._zeros()
            return [self._band(band, values, by_values, by_weights) for band in piece], by_weights

        shared = pieces(g, self.piece)
        done = list(each(work, shared))  # before any is added: the others still add to their rows
        for piece, (found, by_weights) in zip(shared, done, strict=True):
            for total, part in zip(self._grads, by_weights, strict=True):
                total += part
            for band, (amount, by_rows_above, by_parents) in zip(piece, found, strict=True):
                nats[band.level - 1] += amount
                pair, filler = with_above(by_values, band), self._filler(band)
                _add_others(*pair, by_rows_above, by_parents, band.start, filler, g.row_factor)
        return list(torch.from_numpy(nats))

    def _band(
        self, band: Band, values: list[Floats], by_values: list[Floats], by_weights: Arrays
    ) -> Found:
        """Gradients by the band's own rows are added to `by_values`, those by others handed out."""
        g = self.geometry
        return _band(
            *with_above(values, band),
            by_values[band.level - 1][band.strip],
            band.start,
            band.stop,
            self._filler(band),
            g.row_factor,
            (*self._weights[:3], self._weights[3][band.level - 1]),
            (*by_weights[:3], by_weights[3][band.level - 1]),
            self._law,
            np.float32(self.scale),
            np.float32(BEYOND * (2 * g.row_factor) ** (g.levels - band.level)),
        )

    def _filler(self, band: Band) -> int:
        """The row above that the queue starts with."""
        return band.level - 1 if self.geometry.row_factor == 2 else 0

    def _zeros(self) -> Arrays:
        first, inner, outer, biases = map(np.zeros_like, self._weights)
        return first, inner, outer, biases

    @property
    def grads(self) -> list[Tensor]:
        """Gradients by all that `layers` holds, in its order."""
        first, inner, outer, biases = map(torch.from_numpy, self._grads)
        return [first.flatten(2), inner, outer, biases[..., None]]


def arrays_of(layers: Layers) -> Arrays:
    """A context network for compiled loops."""
    first, inner, outer, biases = layers
    return (
        _array(first).reshape(2, -1, QUEUE + PARENTS, TAPS),
        _array(inner),
        _array(outer),
        _array(biases[..., 0]),
    )


def with_above(stacks: list[Floats], band: Band) -> tuple[Floats, Floats]:
    """A band's plane [R, 2 w], and the coarser one [R / factor, w] or none [0, w]."""
    plane = stacks[band.level - 1][band.strip]
    if band.level == 1:
        return plane, np.zeros((0, plane.shape[1] // 2), np.float32)
    return plane, stacks[band.level - 2][band.strip]


def _array(value: Tensor) -> Floats:
    return np.ascontiguousarray(value.detach().numpy(), np.float32)


@compiled
def _by_seen(g: Floats, by_both: Floats, seen: Floats, n: int) -> None:
    """The transpose of putting absolute values beside `seen`."""
    filters = len(seen)
    for o in range(filters):
        for j in range(n):
            turned = by_both[filters + o, j]
            g[o, j] = by_both[o, j] + (turned if seen[o, j] > 0 else -turned)


@compiled
def _gate(g: Floats, h: Floats, n: int) -> None:
    """No gradient where a hidden unit is off."""
    for o in range(len(h)):
        for j in range(n):
            g[o, j] = g[o, j] if h[o, j] > 0 else ZERO


@compiled
def _add_rows(grad: Floats, above_grad: Floats, stack: Floats, filler: int, first: int) -> None:
    """The transpose of half_rows(), for rows from `first` on."""
    for i in range(len(stack) // 2):
        row, even, odd = first + i, stack[2 * i], stack[2 * i + 1]
        if row >= 0:
            for j in range(grad.shape[1] // 2):
                grad[row, 2 * j] += even[j + 2]
                grad[row, 2 * j + 1] += odd[j + 2]
        elif len(above_grad):
            above_grad[filler] += even[2:-2] + odd[2:-2]


@compiled
def _add_others(
    grad: Floats,
    above_grad: Floats,
    by_rows_above: Floats,
    by_parents: Floats,
    start: int,
    filler: int,
    factor: int,
) -> None:
    """What a band handed out, added to the gradients of its plane and of the coarser one."""
    _add_rows(grad, above_grad, by_rows_above, filler, start - REACH)
    top = (start - (factor - 1)) // factor
    for i in range(len(by_parents) if len(above_grad) else 0):
        above_grad[min(max(top + i, 0), len(above_grad) - 1)] += by_parents[i, 2:-2]


@compiled
def _band(
    plane: Floats,
    above: Floats,
    grad: Floats,
    start: int,
    stop: int,
    filler: int,
    factor: int,
    weights: Arrays,
    grads: Arrays,
    law: Law,
    scale: np.float32,
    beyond: np.float32,
) -> Found:
    """Rows of one strip's plane [R, 2 w] under the coarser one [R / factor, w] or none [0, w]."""
    w0, inner, outer_weights, _ = weights
    gw0, g_inner, g_outer, g_biases = grads
    width = plane.shape[1] // 2
    filters, hidden = w0.shape[1], inner.shape[1]
    repeat = factor - 1
    stack = half_rows(plane, above, filler, start, stop)
    top = (start - repeat) // factor  # -1: the row beyond the plane
    parents = taps.beside_zeros(above, top, (stop - 1 - repeat) // factor + repeat + 1)
    stack_grad, parents_grad = np.zeros_like(stack), np.zeros_like(parents)
    channels = QUEUE + PARENTS if len(parents) else QUEUE
    said = room(filters, hidden)
    seen, both, units, output = said
    # gradients by units, by what they see, and by filters: those also with zeros on both sides
    g, by_both, by_seen = aligned(hidden, BLOCK), aligned(hidden, BLOCK), aligned(filters, BLOCK)
    wide = np.zeros((filters, BLOCK + 8), np.float32)
    gradient = aligned(2, BLOCK)
    by_value, space = aligned(1, BLOCK)[0], aligned(6, BLOCK)
    bits = np.empty(BLOCK, np.int32)
    power = bits.view(np.float32)
    nats = 0.0
    for half_row in range(2 * (stop - start)):
        row, phase = start + half_row // 2, half_row % 2
        queue = 2 * REACH - QUEUE + half_row
        # in parents, and the one below it where rows halve
        near = (row - repeat) // factor - top
        for left in range(0, width, BLOCK):
            n = min(BLOCK, width - left)
            say(said, weights, phase, stack, queue, parents, near, repeat, left, n)
            value = stack[2 * REACH + half_row, left + 2 :]
            nats += code_length(
                output, value, law, scale, beyond, gradient, by_value, space, bits, power, n
            )
            own = stack_grad[2 * REACH + half_row, left + 2 :]
            for j in range(n):
                own[j] += by_value[j]
            outer(g_outer[phase], gradient, units, n)
            transposed(g, outer_weights[phase], gradient, n)
            _gate(g, units, n)
            outer(g_inner[phase], g, both, n)
            sums(g_biases[phase], g, n)
            transposed(by_both, inner[phase], g, n)
            _by_seen(by_seen, by_both, seen, n)
            taps.widen(wide, by_seen, n)
            for c in range(channels):
                if c < QUEUE:
                    x, gx = stack[queue + c, left:], stack_grad[queue + c, left:]
                else:
                    at = near + (c - QUEUE) * repeat
                    x, gx = parents[at, left:], parents_grad[at, left:]
                taps.back_to_weights(gw0[phase], wide, x, c, n)
                taps.back_to_row(gx, wide, w0[phase], c, n)
    _add_rows(grad, grad, stack_grad[2 * REACH :], filler, start)
    return nats, stack_grad[: 2 * REACH].copy(), parents_grad

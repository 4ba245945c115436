"""The pass of imcodec.pyramid.rate for CPUs: one compiled loop over the half-rows of a strip.

Contexts are never laid out: layer 0 adds shifted rows, which stay in the nearest caches with
everything else that belongs to a half-row. It takes a third to a sixth of the tensors' time,
and threads that work on different strips do not wait for each other (benchmarks/steps.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from imcodec.pyramid import taps
from imcodec.pyramid.code_length import Law, code_length
from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.context import PARENTS
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.products import ZERO, Floats, aligned, fill, outer, product, sums, transposed
from imcodec.pyramid.rate import BEYOND, Distribution, Layers
from imcodec.pyramid.table import MEAN_UNIT
from imcodec.pyramid.taps import BLOCK

LARGEST = np.float32(255)

#: layer 0 [2, hidden, channels, taps]; inner layers [2, layers, hidden, hidden] and their biases
#: [2, layers, hidden]; the last layer [2, 2, hidden] and its bias [2, 2]
Arrays = tuple[Floats, Floats, Floats, Floats, Floats]


@dataclass
class StripPass:
    """What rate.Pass is, with the same arguments and results, for tensors on the CPU."""

    geometry: Geometry
    layers: Layers
    law: Distribution
    scale: float

    def __post_init__(self) -> None:
        first, *inner, last = self.layers
        hidden = first[0].shape[1]
        biases = [bias for _, bias in (*inner, last) if bias is not None]
        shape = (2, len(inner), hidden)
        stacked = [weight for weight, _ in inner]
        self._weights: Arrays = (
            _array(first[0]).reshape(2, hidden, QUEUE + PARENTS, TAPS),
            _array(torch.stack(stacked, 1) if inner else torch.zeros(*shape, hidden)),
            _array(torch.stack(biases[:-1], 1)[..., 0] if inner else torch.zeros(shape)),
            _array(last[0]),
            _array(biases[-1][..., 0]),
        )
        self._grads: Arrays = tuple(np.zeros_like(array) for array in self._weights)  # type: ignore[assignment]
        law = self.law
        numbers = (law.centre, law.step, law.bulk, law.tail, law.size, law.widest, MEAN_UNIT)
        self._law: Law = tuple(map(np.float32, numbers))

    def run(self, planes: Sequence[Tensor], grads: Sequence[Tensor]) -> list[Tensor]:
        """Nats of each level.

        planes: [S, rows, columns] a level, coarse to fine, integers or soft. Their gradients are
        added to `grads`, which have the same shapes.
        """
        g = self.geometry
        values, by_values = [t.numpy() for t in planes], [t.numpy() for t in grads]
        nats = np.zeros(g.levels)
        for level in range(g.levels, 0, -1):
            filler = level - 1 if g.row_factor == 2 else 0  # the row that the queue starts with
            beyond = np.float32(BEYOND * (2 * g.row_factor) ** (g.levels - level))
            for strip in range(len(values[0])):
                plane, grad = values[level - 1][strip], by_values[level - 1][strip]
                above = above_grad = np.zeros((0, plane.shape[1] // 2), np.float32)
                if level > 1:
                    above, above_grad = values[level - 2][strip], by_values[level - 2][strip]
                nats[level - 1] += _level(
                    plane,
                    above,
                    grad,
                    above_grad,
                    filler,
                    g.row_factor,
                    self._weights,
                    self._grads,
                    self._law,
                    np.float32(self.scale),
                    beyond,
                )
        return list(torch.from_numpy(nats))

    @property
    def grads(self) -> list[Tensor]:
        """Gradients by w0, w1, b1, w2, b2 ..., as in `layers`."""
        first, inner, biases, last, bias = map(torch.from_numpy, self._grads)
        found = [first.flatten(2)]
        for layer in range(inner.shape[1]):
            found += [inner[:, layer], biases[:, layer, :, None]]
        return [*found, last, bias[..., None]]


def _array(value: Tensor) -> Floats:
    return np.ascontiguousarray(value.detach().numpy(), np.float32)


@compiled
def _rectify(h: Floats, n: int) -> None:
    """Whole numbers from 0 to 255."""
    for o in range(len(h)):
        for j in range(n):
            h[o, j] = min(max(np.rint(h[o, j]), ZERO), LARGEST)


@compiled
def _gate(g: Floats, h: Floats, n: int) -> None:
    """No gradient where a hidden unit is clipped."""
    for o in range(len(h)):
        for j in range(n):
            g[o, j] = g[o, j] if (h[o, j] > 0) and (h[o, j] < LARGEST) else ZERO


@compiled
def _half_rows(plane: Floats, above: Floats, filler: int) -> Floats:
    """Half-rows in decoding order after their queue, zeros beside them: [Q + 2 R, w + 4]."""
    rows, width = plane.shape[0], plane.shape[1] // 2
    stack = np.zeros((QUEUE + 2 * rows, width + 4), np.float32)
    for q in range(QUEUE if len(above) else 0):
        stack[q, 2:-2] = above[filler]
    for row in range(rows):
        for j in range(width):
            stack[QUEUE + 2 * row, j + 2] = plane[row, 2 * j]
            stack[QUEUE + 2 * row + 1, j + 2] = plane[row, 2 * j + 1]
    return stack


@compiled
def _level(
    plane: Floats,
    above: Floats,
    grad: Floats,
    above_grad: Floats,
    filler: int,
    factor: int,
    weights: Arrays,
    grads: Arrays,
    law: Law,
    scale: np.float32,
    beyond: np.float32,
) -> float:
    """Nats of one strip's plane [R, 2 w] under the coarser one [R / factor, w] or none [0, w]."""
    w0, inner, biases, last, bias = weights
    gw0, g_inner, g_biases, g_last, g_bias = grads
    rows, width = plane.shape[0], plane.shape[1] // 2
    hidden, depth = w0.shape[1], inner.shape[1]
    repeat = factor - 1
    stack, parents = _half_rows(plane, above, filler), taps.beside_zeros(above, width, repeat)
    stack_grad, parents_grad = np.zeros_like(stack), np.zeros_like(parents)
    channels = QUEUE + PARENTS if len(above) else QUEUE
    units = aligned((depth + 1) * hidden, BLOCK).reshape(depth + 1, hidden, BLOCK)
    # gradients by hidden units; those of layer 0 also with zeros on both sides of their columns
    g, other = aligned(hidden, BLOCK), aligned(hidden, BLOCK)
    wide = np.zeros((hidden, BLOCK + 8), np.float32)
    output, gradient = aligned(2, BLOCK), aligned(2, BLOCK)
    by_value, space = aligned(1, BLOCK)[0], aligned(6, BLOCK)
    bits = np.empty(BLOCK, np.int32)
    power = bits.view(np.float32)
    nats = 0.0
    for half_row in range(2 * rows):
        row, phase = half_row // 2, half_row % 2
        near = (row + repeat) // factor  # in parents, and the one below it where rows halve
        for start in range(0, width, BLOCK):
            n = min(BLOCK, width - start)
            fill(units[0], ZERO, n)
            for c in range(channels):
                if c < QUEUE:
                    x = stack[half_row + c, start:]
                else:
                    x = parents[near + (c - QUEUE) * repeat, start:]
                taps.forwards(units[0], x, w0[phase], c, n)
            _rectify(units[0], n)
            for d in range(depth):
                product(units[d + 1], inner[phase, d], biases[phase, d], units[d], n)
                _rectify(units[d + 1], n)
            product(output, last[phase], bias[phase], units[depth], n)
            value = stack[QUEUE + half_row, start + 2 :]
            nats += code_length(
                output, value, law, scale, beyond, gradient, by_value, space, bits, power, n
            )
            own = stack_grad[QUEUE + half_row, start + 2 :]
            for j in range(n):
                own[j] += by_value[j]
            outer(g_last[phase], gradient, units[depth], n)
            sums(g_bias[phase], gradient, n)
            transposed(g, last[phase], gradient, n)
            _gate(g, units[depth], n)
            for d in range(depth - 1, -1, -1):
                outer(g_inner[phase, d], g, units[d], n)
                sums(g_biases[phase, d], g, n)
                transposed(other, inner[phase, d], g, n)
                _gate(other, units[d], n)
                g, other = other, g
            taps.widen(wide, g, n)
            for c in range(channels):
                if c < QUEUE:
                    x, gx = stack[half_row + c, start:], stack_grad[half_row + c, start:]
                else:
                    at = near + (c - QUEUE) * repeat
                    x, gx = parents[at, start:], parents_grad[at, start:]
                taps.back_to_weights(gw0[phase], wide, x, c, n)
                taps.back_to_row(gx, wide, w0[phase], c, n)
    for row in range(rows):
        for j in range(width):
            grad[row, 2 * j] += stack_grad[QUEUE + 2 * row, j + 2]
            grad[row, 2 * j + 1] += stack_grad[QUEUE + 2 * row + 1, j + 2]
    if len(above):
        for row in range(len(parents)):
            above_grad[min(max(row - repeat, 0), len(above) - 1)] += parents_grad[row, 2:-2]
        for q in range(QUEUE):
            above_grad[filler] += stack_grad[q, 2:-2]
    return nats

"""Bits of the latents under the context network, with their gradients, written out by hand.

The pass goes level by level and block by block of rows: the contexts of a block are laid out in a
small buffer, run forwards and backwards through the network while they are in cache, and their
gradients added to the planes'. Automatic differentiation of the same takes several times as long.
GPUs run this; CPUs run the same as a compiled loop (imcodec.pyramid.rate_kernel).

Everything is in the graph's numbers (imcodec.pyramid.context). Rounding is straight-through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imcodec.pyramid.context import LARGEST_WIDTH, PARENTS
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.outer import outer
from imcodec.pyramid.table import MEAN_UNIT, Table

SIDE = TAPS // 2
CHANNELS = QUEUE + PARENTS
#: nats for each table entry by which a symbol leaves the table, times the pixels under a latent: a
#: value that cannot be coded becomes another one, and spoils as many
BEYOND = 0.2


class Layers(NamedTuple):
    """A context network: weights [2, out, in] times their multipliers, and biases.

    The inner layer sees what the first one says and its absolute values.
    """

    first: Tensor
    inner: Tensor
    outer: Tensor
    #: of the inner layer, [levels, 2, hidden, 1]
    biases: Tensor


@dataclass(frozen=True)
class Distribution:
    """The table's probabilities as a formula (imcodec.pyramid.table).

    P(v) = bulk * (sigmoid(high) - sigmoid(low)) + tail * width
    """

    centre: float
    step: float
    #: c / M
    bulk: float
    #: share of all slots that one table entry adds
    tail: float
    size: int
    widest: int

    @classmethod
    def of(cls, table: Table) -> Distribution:
        """The formula behind a table."""
        return cls(
            table.centre,
            table.step,
            float(table.scale) / table.total,
            table.slope / table.total,
            table.size,
            LARGEST_WIDTH,
        )


@dataclass
class Pass:
    """What one pass over some strips needs, and what it collects."""

    geometry: Geometry
    layers: Layers
    law: Distribution
    #: gradients are those of `scale` times the nats
    scale: float
    #: symbols of both phases in a block
    block: int

    def __post_init__(self) -> None:
        #: gradients by all that `layers` holds, in its order
        self.grads = [torch.zeros_like(each) for each in self.layers]

    def run(self, planes: Sequence[Tensor], grads: Sequence[Tensor]) -> list[Tensor]:
        """Nats of each level.

        planes: [S, rows, columns] a level, coarse to fine, integers or soft. Their gradients are
        added to `grads`, which have the same shapes.
        """
        nats = []
        for level in range(self.geometry.levels, 0, -1):
            coarser = slice(max(0, level - 2), level - 1)
            above = next(iter(planes[coarser]), None)
            above_grad = next(iter(grads[coarser]), None)
            nats.append(self._level(level, planes[level - 1], grads[level - 1], above, above_grad))
        return nats[::-1]

    def _level(
        self,
        level: int,
        plane: Tensor,
        grad: Tensor,
        above: Tensor | None,
        above_grad: Tensor | None,
    ) -> Tensor:
        strips, rows, width = plane.shape
        width //= 2
        factor = self.geometry.row_factor
        filler = self._filler(level)
        stack, parent = self._known(level, plane, above)
        stack_grad = torch.zeros_like(stack)
        parent_grad = None if parent is None else torch.zeros_like(parent)
        finer = self.geometry.levels - level
        beyond = BEYOND * (2 * factor) ** finer
        sums = []
        for part in self._parts(plane):
            x = self._contexts(stack, parent, part, width)
            value = plane[:, part].reshape(strips, -1, width, 2).permute(3, 0, 1, 2)
            amount, gx, gv = self._block(
                level, x.view(2, CHANNELS * TAPS, -1), value.reshape(2, -1), beyond
            )
            sums.append(amount)
            self._scatter(gx.view(x.shape), gv, part, stack_grad, parent_grad)
        own = stack_grad[:, QUEUE:, SIDE:-SIDE].reshape(strips, rows, 2, width)
        grad += own.transpose(2, 3).reshape(strips, rows, 2 * width)
        if above_grad is not None and parent_grad is not None:
            inner = parent_grad[..., SIDE:-SIDE]
            if factor == 2:  # the transpose of _parents()
                inner[:, 1] += inner[:, 0]
                inner[:, -2] += inner[:, -1]
                inner = inner[:, 1:-1]
            above_grad += inner
            above_grad[:, filler] += stack_grad[:, :QUEUE, SIDE:-SIDE].sum(1)
        return torch.stack(sums).sum()

    def on(self, planes: Sequence[Tensor]) -> Tensor:
        """In what share of the places each unit of the inner layer is on, [2, units]."""
        found, places = [], 0
        for level, plane in enumerate(planes, 1):
            stack, parent = self._known(level, plane, planes[level - 2] if level > 1 else None)
            for part in self._parts(plane):
                x = self._contexts(stack, parent, part, plane.shape[2] // 2)
                units = self._units(level, self._both(x.view(2, CHANNELS * TAPS, -1)))
                found.append((units > 0).sum(2))
            places += plane.numel() // 2
        return torch.stack(found).sum(0) / places

    def _filler(self, level: int) -> int:
        """The row of the coarser plane that the queue starts with."""
        return level - 1 if self.geometry.row_factor == 2 else 0

    def _known(
        self, level: int, plane: Tensor, above: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """What contexts are cut from: half-rows, and the coarser plane if there is one."""
        if above is None:
            return _half_rows(plane, None), None
        filler = above[:, self._filler(level)]
        return _half_rows(plane, filler), _parents(above, self.geometry.row_factor)

    def _parts(self, plane: Tensor) -> Iterator[slice]:
        """Rows of a plane that make a block."""
        strips, rows, width = plane.shape
        factor = self.geometry.row_factor
        count = max(1, self.block // (strips * width * factor)) * factor
        for start in range(0, rows, count):
            yield slice(start, min(start + count, rows))

    def _contexts(self, stack: Tensor, parent: Tensor | None, part: slice, width: int) -> Tensor:
        """Contexts of some rows, [phase, channel, tap, strip, row, column]."""
        strips, factor, count = len(stack), self.geometry.row_factor, part.stop - part.start
        x = stack.new_empty(2, CHANNELS, TAPS, strips, count, width)
        a, b, _ = stack.stride()
        x[:, :QUEUE] = stack.as_strided(
            (2, QUEUE, TAPS, strips, count, width), (b, b, 1, a, 2 * b, 1), 2 * part.start * b
        )
        if parent is None:
            x[:, QUEUE:] = 0
        else:
            a, b, _ = parent.stride()
            rows = x.view(2, CHANNELS, TAPS, strips, count // factor, factor, width)
            # row 2j + t sees rows j + t - 1 and j + t: with the repeated row, j + t and j + t + 1
            rows[:, QUEUE:] = parent.as_strided(
                (PARENTS, TAPS, strips, count // factor, factor, width),
                (b if factor == 2 else 0, 1, a, b, b, 1),
                part.start // factor * b,
            )
        return x

    def _scatter(
        self, gx: Tensor, gv: Tensor, part: slice, stack_grad: Tensor, parent_grad: Tensor | None
    ) -> None:
        """The transpose of _contexts(): gradients back to where contexts and values came from."""
        _, _, _, strips, count, width = gx.shape
        factor = self.geometry.row_factor
        spread = gx.new_zeros(2, CHANNELS, strips, count, width + 2 * SIDE)
        for tap in range(TAPS):
            spread[..., tap : tap + width] += gx[:, :, tap]
        values = gv.view(2, strips, count, width)
        for phase in range(2):
            for channel in range(QUEUE):
                first = 2 * part.start + phase + channel
                stack_grad[:, first : first + 2 * count - 1 : 2] += spread[phase, channel]
            first = QUEUE + 2 * part.start + phase
            stack_grad[:, first : first + 2 * count - 1 : 2, SIDE:-SIDE] += values[phase]
        if parent_grad is not None:
            both = spread[:, QUEUE:].sum(0).view(PARENTS, strips, count // factor, factor, -1)
            for channel in range(PARENTS):
                for turn in range(factor):
                    first = part.start // factor + (turn + channel if factor == 2 else 0)
                    rows = slice(first, first + count // factor)
                    parent_grad[:, rows] += both[channel, :, :, turn]

    def _block(
        self, level: int, x: Tensor, value: Tensor, beyond: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Nats of contexts [2, inputs, n] and values [2, n], and scaled gradients by both."""
        both = self._both(x)
        units = self._units(level, both)
        first, inner, outer_weights, _ = self.layers
        output = torch.bmm(outer_weights, units)
        nats, gradient, value_gradient = self._code_length(output, value, beyond)
        by_first, by_inner, by_outer, by_biases = self.grads
        by_outer += outer(gradient, units)
        gradient = torch.bmm(outer_weights.transpose(1, 2), gradient)
        gradient = torch.where(units > 0, gradient, 0)
        by_inner += outer(gradient, both)
        by_biases[level - 1] += gradient.sum(2, keepdim=True)
        gradient, turned = torch.bmm(inner.transpose(1, 2), gradient).chunk(2, 1)
        gradient = gradient + torch.where(both[:, : first.shape[1]] > 0, turned, -turned)
        by_first += outer(gradient, x)
        return nats, torch.bmm(first.transpose(1, 2), gradient), value_gradient

    def _both(self, x: Tensor) -> Tensor:
        """What the first layer says of contexts [2, inputs, n], and its absolute values."""
        seen = torch.bmm(self.layers.first, x)
        return torch.cat([seen, seen.abs()], 1)

    def _units(self, level: int, both: Tensor) -> Tensor:
        """The inner layer's units, whole numbers from 0 on."""
        _, inner, _, biases = self.layers
        return torch.baddbmm(biases[level - 1], inner, both).round_().clamp_min_(0)

    def _code_length(
        self, output: Tensor, value: Tensor, beyond: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Nats of values [2, n] under (mean, width) [2, 2, n], and scaled gradients by both."""
        law, scale = self.law, self.scale
        mean, raw = output.trunc().unbind(1)
        width = raw.clamp(1, law.widest)
        edge = law.centre - (width * mean).div_(MEAN_UNIT).trunc_()
        low = (law.centre - edge - width * (value + 1)).mul_(law.step)
        high = torch.add(low, width, alpha=law.step)
        low, high = low.sigmoid_(), high.sigmoid_()
        p = (high - low).mul_(law.bulk).add_(width, alpha=law.tail)
        first = torch.addcmul(edge, width, value)
        under = first.clamp_max(0)
        over = (first + width).sub_(law.size - 1).clamp_min_(0)
        nats = beyond * (over.sum() - under.sum()) - p.log().sum()
        # derivatives by the places of both ends in the table, then by what moves them
        ratio = -scale / p
        d_low = (low - low * low).mul_(ratio).mul_(law.bulk * law.step)
        d_high = (high - high * high).mul_(ratio).mul_(law.bulk * law.step)
        leaves_above = (over > 0).to(p.dtype).mul_(beyond * scale)
        g_edge = (d_low - d_high).add_(leaves_above).sub_((under < 0) * (beyond * scale))
        g_width = torch.addcmul(d_low, g_edge, value - mean / MEAN_UNIT)
        g_width.add_(ratio, alpha=law.tail).add_(leaves_above)
        # where the width is clipped, only gradients that lead back
        g_width.mul_((raw - width).mul_(g_width) >= 0)
        g_value = width * g_edge
        return nats, torch.stack([g_value / -MEAN_UNIT, g_width], 1), g_value


def _half_rows(plane: Tensor, filler: Tensor | None) -> Tensor:
    """Half-rows in decoding order after their queue, zeros beside them: [S, Q + 2 R, w + 4].

    plane [S, R, 2 w]; filler [S, w], the row that the queue starts with, or none for zeros.
    """
    strips, rows, width = plane.shape
    halves = (
        plane.reshape(strips, rows, width // 2, 2).transpose(2, 3).reshape(strips, 2 * rows, -1)
    )
    start = halves.new_zeros(strips, QUEUE, width // 2)
    if filler is not None:
        start += filler[:, None]
    return F.pad(torch.cat([start, halves], 1), (SIDE, SIDE))


def _parents(above: Tensor, factor: int) -> Tensor:
    """Rows of the coarser plane, zeros beside them, the first and the last one repeated.

    [S, R, w] -> [S, R + 2, w + 4]; where levels do not halve the rows nothing is repeated.
    """
    if factor == 2:
        above = torch.cat([above[:, :1], above, above[:, -1:]], 1)
    return F.pad(above, (SIDE, SIDE))

"""The picture as PyTorch fits it: latents, context networks, synthesis, in the graph's arithmetic.

Everything is in the integer units of the graph.  A parameter is stored divided by a `Units` figure,
so that one learning rate fits all; rounding is straight-through (value rounded, gradient not).
`quantised=False` leaves out every rounding of weights and of hidden units, and nothing else.

Layout: features first.  The symbols of all levels lie side by side in one axis, per column phase:
columns [2, inputs, N], values [2, N], N = symbols / 2, level after level (coarse to fine), inside a
level strips x rows x half-row.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from context import LARGEST_WEIGHT, Context
from geometry import Geometry
from numpy.typing import NDArray
from tables import Ints, Table
from torch import Tensor, nn

LATENT_UNIT = 16.0  # integer latents per unit of a stored latent
TAPS = 5
MARGIN = 1.0  # of widths, to their range's ends
LARGEST_BYTE = 127


@dataclass(frozen=True)
class Units:
    """What one unit of a stored parameter is in integers: sets how fast each kind learns."""

    context: float = 64.0  # weights of the context networks
    bias: float = 24.0  # their biases, in units of the layer's output
    first: float = 128.0  # W1 of the synthesis
    threshold: float = 128.0
    second: float = 128.0  # W2


def straight(value: Tensor) -> Tensor:
    """Rounded half to even; gradient 1."""
    return value + (value.round() - value).detach()


class ContextNetwork(nn.Module):
    """The networks of both column phases; unit 0 of each hidden layer is the constant (not stored).

    The constant's outgoing weight b shifts a layer by -2 b, and the stored -128 of all other units
    by -2 sum(w); what is learned is the whole bias, B = -2 (b + sum(w)), and b follows from it.
    """

    def __init__(
        self,
        hidden: int = 14,
        layers: int = 3,
        queue: int = 3,
        taps: int = TAPS,
        units: Units | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if layers < 2 or hidden < 2:
            raise ValueError("a context network has at least 2 layers and 2 hidden units")
        self.queue, self.taps, self.units = queue, taps, units or Units()
        self.table = Table()
        generator = torch.Generator().manual_seed(seed)
        inputs, free = (queue + 1) * taps, hidden - 1
        sizes = [inputs, *[free] * (layers - 1), 2]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for index, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
            last = index == layers - 1
            spread = 0.02 if last else fan_in**-0.5
            weight = torch.randn(2, fan_out, fan_in, generator=generator) * spread
            self.weights.append(nn.Parameter(weight))
            if index:
                self.biases.append(nn.Parameter(torch.zeros(2, fan_out, 1)))
        with torch.no_grad():  # the mean at 0, the scale that of nearly empty planes
            wanted = torch.tensor([float(self.table.centre), 24.0])[:, None]
            self.biases[-1].copy_((wanted / self.units.bias).expand(2, 2, 1))

    def integers(self, quantised: bool = True) -> tuple[list[Tensor], list[Tensor]]:
        """Weights [2, out, in] and outgoing weights of the constant [2, out, 1] (layers 1 ...)."""
        weights, constants = [], []
        for index, stored in enumerate(self.weights):
            weight = stored * self.units.context
            bias = self.biases[index - 1] * self.units.bias if index else None
            if index == len(self.weights) - 1:  # edge = edge' - width / 2: learn edge'
                weight, bias = self._edge(weight), None if bias is None else self._edge(bias)
            weight = weight.clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT)
            weight = straight(weight) if quantised else weight
            weights.append(weight)
            if bias is not None:
                constant = -bias / 2 - weight.sum(2, keepdim=True)
                constant = constant.clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT)
                constants.append(straight(constant) if quantised else constant)
        return weights, constants

    @staticmethod
    def _edge(value: Tensor) -> Tensor:
        """Rows (edge', width) -> (edge, width), [2, 2, n]."""
        return torch.stack([value[:, 0] - value[:, 1] / 2, value[:, 1]], 1)

    def layers(self, quantised: bool = True) -> list[tuple[Tensor, Tensor | None]]:
        """Per layer: multiplier * weights [2, out, in] and the whole bias [2, out, 1]."""
        weights, constants = self.integers(quantised)
        pairs: list[tuple[Tensor, Tensor | None]] = [(weights[0] * self.table.step, None)]
        for weight, constant in zip(weights[1:], constants, strict=True):
            pairs.append((weight / 64, -2 * (constant + weight.sum(2, keepdim=True))))
        return pairs

    @torch.no_grad()
    def context(self) -> Context:
        """The integer network that the graph runs."""
        weights, constants = self.integers()
        arrays = []
        for index, weight in enumerate(weights):
            value = weight.numpy()
            if index:
                value = np.concatenate([constants[index - 1].numpy(), value], 2)
            if index < len(weights) - 1:  # the constant of this layer: a row of zeros
                value = np.concatenate([np.zeros_like(value[:, :1]), value], 1)
            shape = (self.queue + 1, 1, self.taps) if index == 0 else (value.shape[2], 1, 1)
            arrays.append(value.reshape(2, value.shape[1], *shape).astype(np.int8))
        return Context("halfrow", tuple(arrays), gain=self.table.step, fresh=True)


def distribution(
    columns: Tensor, layers: Sequence[tuple[Tensor, Tensor | None]], quantised: bool
) -> Tensor:
    """(edge, width) [2, 2, n] from contexts [2, inputs, n]; not yet clipped to their ranges."""
    values = columns
    for index, (weight, bias) in enumerate(layers):
        values = torch.bmm(weight, values) if bias is None else torch.baddbmm(bias, weight, values)
        if index < len(layers) - 1:
            values = values.clamp(0, 255)
        if quantised:
            values = straight(values)
    return values


def code_length(parameters: Tensor, value: Tensor, table: Table) -> tuple[Tensor, Tensor]:
    """Nats of each symbol [2, n], and by how much raw widths leave their range less a
    margin [2, n].

    sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)): never 0, straight tails.
    """
    raw = parameters[:, 1]
    width = raw.clamp(1, table.widest)
    edge = parameters[:, 0].clamp(-128, 127)
    high = (table.centre - edge - width * value) * table.step
    low = high - width * table.step
    softplus = nn.functional.softplus
    nats = softplus(-high) + softplus(low) - torch.log(-torch.expm1(-width * table.step))
    return nats, (raw - raw.clamp(1 + MARGIN, table.widest - MARGIN)).abs()


def bilinear(points: int, cells: int, scale: float, offset: float) -> Tensor:
    """[points, cells]: GridSample with border padding at the pixel centres of one axis."""
    places = ((2 * np.arange(points) + 1) / points - 1) * scale + offset
    x = np.clip(((places + 1) * cells - 1) / 2, 0, cells - 1)
    left = np.floor(x).astype(int)
    matrix = np.zeros((points, cells))
    np.add.at(matrix, (np.arange(points), left), 1 - (x - left))
    np.add.at(matrix, (np.arange(points), np.minimum(left + 1, cells - 1)), x - left)
    return torch.from_numpy(matrix).float()


class Synthesis(nn.Module):
    """rgb = W2 . max(W1 . F, T): `channels` linear units, one constant, the others rectified."""

    def __init__(
        self,
        levels: int,
        channels: int = 3,
        hidden: int = 16,
        units: Units | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.units = units or Units()
        generator = torch.Generator().manual_seed(seed)
        rectified = hidden - channels - 1
        first = torch.zeros(hidden, levels)
        first[:channels] = 0.3
        if channels == 3 and levels >= 4:  # one latent a cell: two of the levels carry the chroma
            first[:3, -3] = torch.tensor([0.3, 0.0, -0.3])
            first[:3, -4] = torch.tensor([-0.15, 0.3, -0.15])
        first[:channels, 0] *= 2.5  # small integers: the table clamps what is far from its mean
        first[:channels, 1] *= 1.5
        first[channels + 1 :] = 0.25 * torch.randn(rectified, levels, generator=generator)
        threshold = torch.zeros(hidden, 1)
        threshold[:channels] = -1.0
        threshold[channels] = 1.0
        second = torch.zeros(channels, hidden)
        second[:, :channels] = 0.5 * torch.eye(channels)
        second[:, channels] = 0.5
        self.first, self.threshold, self.second = map(nn.Parameter, (first, threshold, second))

    def integers(self, quantised: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """W1 [hidden, levels], T [hidden, 1], W2 [channels, hidden]."""
        values = (
            (self.first * self.units.first).clamp(-LARGEST_BYTE, LARGEST_BYTE),
            (self.threshold * self.units.threshold).clamp(-128, LARGEST_BYTE),
            (self.second * self.units.second).clamp(-LARGEST_BYTE, LARGEST_BYTE),
        )
        first, threshold, second = (straight(v) if quantised else v for v in values)
        return first, threshold, second

    @torch.no_grad()
    def array(self) -> NDArray[np.int8]:
        """int8 [levels + 1 + channels, hidden, 1, 1], as `graph_pyramid.Picture` wants it."""
        first, threshold, second = self.integers()
        joined = torch.cat([first.T, threshold.T, second]).numpy()
        return np.asarray(joined[:, :, None, None], np.int8)


def draw(features: Tensor, weights: tuple[Tensor, Tensor, Tensor], table: Table) -> Tensor:
    """Colours in 0 .. 255, not yet rounded or clipped [channels, n], from latents [levels, n]."""
    first, threshold, second = weights
    hidden = torch.maximum((first * (table.step / 64)) @ features, threshold / 64)
    return second @ hidden


class Pyramid(nn.Module):
    """Latents of every level (coarse to fine), their contexts, and their interpolation."""

    def __init__(self, geometry: Geometry, queue: int = 3, taps: int = TAPS) -> None:
        super().__init__()
        if geometry.row_factor != 2:
            raise ValueError("the trainer wants levels that halve rows and columns")
        self.geometry, self.queue, self.taps = geometry, queue, taps
        numbers = range(1, geometry.levels + 1)
        self.latents = nn.ParameterList(
            nn.Parameter(torch.zeros(geometry.plane(level))) for level in numbers
        )
        (scale_x, scale_y), (offset_x, offset_y) = geometry.affine()
        sizes = [geometry.plane(level) for level in numbers]
        vertical = (float(scale_y), float(offset_y))
        horizontal = (float(scale_x), float(offset_x))
        self._down = [bilinear(geometry.height, h, *vertical) for h, _ in sizes]
        self._across = [bilinear(geometry.width, w, *horizontal).T.contiguous() for _, w in sizes]
        self._plain = [
            m.shape[0] == m.shape[1]
            and bool((m == torch.eye(len(m))).all())
            and n.shape[0] == n.shape[1]
            and bool((n == torch.eye(len(n))).all())
            for m, n in zip(self._down, self._across, strict=True)
        ]

    def features(self, planes: Sequence[Tensor]) -> Tensor:
        """Latents at every pixel [levels, height * width]."""
        parts = zip(planes, self._down, self._across, self._plain, strict=True)
        return torch.stack(
            [(v if plain else (down @ v) @ across).flatten() for v, down, across, plain in parts]
        )

    @torch.no_grad()
    def start(self, colours: Tensor, directions: Tensor, dead: float) -> None:
        """Latents from the picture, coarse to fine: each level projects what is left.

        colours [channels, height * width] without the synthesis' constant; directions [levels,
        channels], colour per unit of a latent; magnitudes below `dead` become 0, others shrink.
        """
        left = colours.reshape(-1, self.geometry.height, self.geometry.width).clone()
        matrices = zip(self.latents, self._down, self._across, directions, strict=True)
        for latent, down, across, direction in matrices:
            wanted = torch.einsum("chw,c->hw", left, direction) / direction.square().sum()
            weight = down.sum(0)[:, None] * across.sum(1)[None]
            plane = (down.T @ wanted @ across.T) / weight.clamp_min(1e-6)
            plane = (plane.abs() - dead).clamp(0, 127).copysign(plane)
            latent.copy_(plane / LATENT_UNIT)
            left -= direction[:, None, None] * (down @ plane @ across)

    def contexts(self, planes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Columns [2, inputs, N] and values [2, N] of integer (or soft) planes."""
        strips = self.geometry.strips
        columns, values = [], []
        parent = torch.zeros(strips, self.geometry.base_rows, self.geometry.base_columns)
        side = self.taps // 2
        for level, plane in enumerate(planes, 1):
            width = parent.shape[2]
            stack = plane.reshape(strips, -1, width, 2)
            rows = stack.shape[1]
            halves = stack.permute(0, 1, 3, 2).reshape(strips, 2 * rows, width)
            filler = parent[:, level - 1 : level].expand(-1, self.queue, -1)
            halves = torch.cat([filler, halves], 1)
            above = parent.repeat_interleave(2, 1)
            spans = range(self.queue + 1)
            steps = torch.stack([halves[:, c : c + 2 * rows : 2] for c in spans])
            known = torch.stack(
                [torch.cat([steps[p : p + self.queue], above[None]]) for p in range(2)]
            )  # [2, queue + 1, strips, rows, width]
            padded = nn.functional.pad(known, (side, self.taps - 1 - side))
            windows = padded.unfold(4, width, 1)  # [2, queue + 1, strips, rows, taps, width]
            columns.append(windows.permute(0, 1, 4, 2, 3, 5).reshape(2, -1, plane.numel() // 2))
            values.append(stack.permute(3, 0, 1, 2).reshape(2, -1))
            parent = plane.reshape(strips, rows, 2 * width)
        return torch.cat(columns, 2), torch.cat(values, 1)

    @torch.no_grad()
    def rounded(self) -> list[Ints]:
        """The planes as integers."""
        return [
            (plane * LATENT_UNIT).round().clamp(-127, 127).numpy().astype(np.int64)
            for plane in self.latents
        ]

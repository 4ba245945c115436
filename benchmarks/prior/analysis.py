"""An analysis network: from a picture to latents, level by level in a closed loop.

At each level what is left of the picture is averaged over the cells and told in latents along the
level's colour axis; a few convolutions decide what is worth its bits, and what those latents draw
is taken off the picture before the next finer level looks at it. So a fine level is given only what
the coarser ones left: trained in one piece, such a network would put smooth content into the finest
plane, where a fit does not get it out again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imcodec.pyramid.filters import FILTER_UNIT
from imcodec.pyramid.interpolation import Interpolation
from imcodec.pyramid.model import LARGEST_BYTE
from imcodec.pyramid.start import FINE_PRICE, LEAST_PRICE, UNIT
from imcodec.pyramid.table import Table

#: pixels of a cell, each way: a head for each of them
SIZES = (64, 32, 16, 8, 4, 2, 1)
#: what a head sees of a cell: the value wanted, its size, what other colours and finer levels
#: leave, and lambda
INPUTS = 5
SLOPE = Table().step / 64


def straight(value: Tensor) -> Tensor:
    """Rounded half to even; gradient 1."""
    return value + (value.round() - value).detach()


class _Stretched(torch.autograd.Function):
    """A plane at the pixels."""

    @staticmethod
    def forward(ctx: Any, plane: Tensor, at: Interpolation) -> Tensor:
        ctx.at = at
        return at.forward(plane)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.at.adjoint(grad.contiguous()), None


class _Gathered(torch.autograd.Function):
    """Sums over the cells of a plane, weighted as the plane is stretched."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, at: Interpolation) -> Tensor:
        ctx.at = at
        return at.adjoint(picture.contiguous())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.at.forward(grad.contiguous()), None


class Head(nn.Module):
    """Latents of one level."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(INPUTS, width, 3)
        self.second = nn.Conv2d(width, width, 3)
        self.last = nn.Conv2d(width, 2, 1)
        with torch.no_grad():
            self.last.weight.mul_(0.1)
            self.last.bias.zero_()

    def forward(self, inputs: Tensor) -> Tensor:
        """[INPUTS, H, W] -> [H, W]: the value wanted, moved, and less by what a latent costs."""
        x = F.pad(inputs[None], (2, 2, 2, 2), mode="replicate")
        x = F.gelu(self.second(F.gelu(self.first(x))))
        shift, dead = self.last(x)[0]
        value = inputs[0] + shift
        return value - value.tanh() * F.softplus(dead + 0.5)


class Analysis(nn.Module):
    """Heads, colour axes for fine and for coarse colours (below and above FINE_PRICE), filters."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(width) for _ in SIZES)
        axes = torch.ones(2, len(SIZES), 3)
        for which, size in ((0, 8), (1, 16)):
            level = SIZES.index(size)
            axes[which, level] = torch.tensor([1.0, 0.0, -1.0]) * 1.5**0.5
            axes[which, level + 1] = torch.tensor([1.0, -2.0, 1.0]) * 0.5**0.5
        self.axes = nn.Parameter(axes)
        self.filters = nn.Parameter(torch.zeros(len(SIZES), 3, 3))
        with torch.no_grad():
            self.filters[:, 1, 1] = 1

    def forward(
        self,
        colours: Tensor,
        interpolations: Sequence[Interpolation],
        heads: Sequence[int],
        lmbda: float,
        soften: Callable[[Tensor], Tensor],
    ) -> tuple[list[Tensor], tuple[Tensor, Tensor, Tensor], Tensor]:
        """Planes of a picture [3, H, W], coarse to fine, softened; and what draws them.

        That is a linear synthesis (W1, T, W2 as in model.Synthesis.values) and filters.
        """
        mean = colours.mean((1, 2))
        unit = UNIT * math.sqrt(max(lmbda, LEAST_PRICE) / 1e-3)
        axes = self.axes[int(lmbda >= FINE_PRICE)][list(heads)].T * unit
        synthesis = linear(axes, mean)
        weights = straight((self.filters[list(heads)] * FILTER_UNIT).clamp(-127, 127)) / FILTER_UNIT
        # the loop goes through what will be drawn, but learns from the latents alone
        first, _, second = (value.detach() for value in synthesis)
        drawn_axes = second[:, :3] @ first[:3] * SLOPE
        left = colours - (second[:, 3] * LARGEST_BYTE / 64)[:, None, None]
        planes = []
        for at, head, axis, own in zip(
            interpolations, heads, drawn_axes.T, weights.detach(), strict=True
        ):
            seen = inputs(left, at, axis, math.log10(lmbda) + 3)
            planes.append(soften(self.heads[head](seen).clamp(-120, 120)))
            smooth = F.conv2d(planes[-1][None, None], own[None, None], padding=1)[0, 0]
            left = left - axis[:, None, None] * _Stretched.apply(smooth, at)
        return planes, synthesis, weights


def inputs(left: Tensor, at: Interpolation, axis: Tensor, condition: float) -> Tensor:
    """What a head sees, [INPUTS, h, w], of what is left of a picture [3, H, W]."""
    ones = at.adjoint(torch.ones_like(left[0])).clamp_min(1e-6)
    length = axis.square().sum().clamp_min(1e-6)
    cells = torch.stack([_Gathered.apply(channel, at) for channel in left]) / ones
    own = torch.einsum("chw,c->hw", cells, axis) / length
    rest = (cells - own * axis[:, None, None]).square().sum(0) / length
    along = torch.einsum("chw,c->hw", left, axis) / length
    finer = (_Gathered.apply(along.square(), at) / ones - own.square()).clamp_min(0)
    roots = [(power + 1e-4).sqrt() for power in (rest, finer)]
    return torch.stack([own, own.abs().clamp_max(4), *roots, torch.full_like(own, condition)])


def linear(axes: Tensor, mean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """W1, T, W2 of the synthesis that adds latents along axes [3, levels] to a colour [3]."""
    product = axes / SLOPE
    gain = product.detach().abs().max().clamp_min(1e-6).sqrt()
    first = straight((product / gain).clamp(-LARGEST_BYTE, LARGEST_BYTE))
    first = torch.cat([first, torch.zeros_like(first[:1])])
    threshold = torch.tensor([-1.0, -1.0, -1.0, 1.0], device=axes.device)[:, None] * LARGEST_BYTE
    second = (torch.eye(3, device=axes.device) * gain).round().clamp(-LARGEST_BYTE, LARGEST_BYTE)
    constant = (mean * 64 / LARGEST_BYTE).round()[:, None]
    second = torch.cat([second, constant], 1)
    return first, threshold.requires_grad_(), second.requires_grad_()

"""Where a fit starts: networks from the prior, colours and latents from the picture itself.

Latents start as a closed-loop pyramid: from coarse to fine, each level is given what is left of the
picture, along one colour a level. Most levels carry the picture's main colour axis; two carry the
second and third, because there is only one latent to a cell.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load
from torch import Tensor

from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.interpolation import Interpolation
from imcodec.pyramid.latents import LATENT_UNIT, Latents
from imcodec.pyramid.model import (
    LARGEST_BYTE,
    SYNTHESIS_UNIT,
    ContextNetwork,
    Filters,
    Synthesis,
)
from imcodec.pyramid.table import Table

#: step of a latent at lambda = 1e-3, in colours of 0 .. 255; it grows with lambda's square root,
#: as the best step of a uniform quantiser does (D = step**2 / 12, dD/dR = -2 D log 2)
UNIT = 15.0
#: lambda below which the step shrinks no more: latents and the table reach only so far
LEAST_PRICE = 1e-4
#: latents below this are left out at first, the others shrink by it
DEAD = 1.0
#: below this lambda colours start at 1/4 and 1/8, above it at 1/8 and 1/16 (2 % fewer bits each)
FINE_PRICE = 7e-4
#: colour axes below this standard deviation (0 .. 255) get no level of their own
LEAST_DEVIATION = 2.0
#: what a latent times two weights is multiplied by (imcodec.pyramid.file)
STEP = Table().step / 64
#: how much larger the weights behind the linear units are than those before them
REACH = 1.7
#: the trained values of the package, and the name of the filters among them
PRIOR, FILTERS = "prior.safetensors", "filters"
#: and of the context networks' biases
BIASES = "biases"
#: sizes of cells that it knows: its filters are [6, 3, 3] and its biases [6, ...], those of cells
#: of 32 pixels to those of single pixels
CELLS = 6


def key(filters: int, name: str) -> str:
    """What a parameter of the context networks of a size is called in the prior."""
    return f"context-{filters}.{name}"


@cache
def prior() -> dict[str, Tensor]:
    """The trained values that the package ships (benchmarks/prior/train.py), by name."""
    source = files("imcodec.pyramid").joinpath(PRIOR)
    return {name: value.float() for name, value in load(source.read_bytes()).items()}


@torch.no_grad()
def start_networks(network: ContextNetwork, filters: Filters, geometry: Geometry) -> None:
    """Give context networks and filters the prior's values, those that it has."""
    values, start = prior(), key(network.filters, "")
    found = {name.removeprefix(start): v for name, v in values.items() if name.startswith(start)}
    for name, parameter in network.named_parameters():
        if name in found and name != BIASES:
            parameter.copy_(found[name])
    for level in range(1, geometry.levels + 1):
        cell = geometry.pitch.bit_length() - 1 + geometry.levels - level  # log2 of its pixels
        if cell < CELLS:
            filters.weights[level - 1] = values[FILTERS][CELLS - 1 - cell]
        if BIASES in found:
            network.biases[level - 1] = found[BIASES][max(0, CELLS - 1 - cell)]


def colours_of(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Pixels uint8 [H, W, channels] as floats [channels, H * W], 0 .. 255."""
    flat = torch.from_numpy(pixels.reshape(-1, pixels.shape[2]).T.copy())
    return flat.to(device).float()


@torch.no_grad()
def start_picture(
    latents: Latents,
    synthesis: Synthesis,
    interpolations: list[Interpolation],
    colours: Tensor,
    lmbda: float,
    empty: int = 0,
) -> None:
    """Colours into the synthesis, and latents from which it draws the picture.

    colours [channels, height * width], 0 .. 255; the `empty` finest planes stay 0.
    """
    levels, channels = len(interpolations), len(colours)
    mean = colours.mean(1, keepdim=True)
    unit = UNIT * math.sqrt(max(lmbda, LEAST_PRICE) / 1e-3)
    finest = 3 if lmbda < FINE_PRICE else 4  # the finer of the two levels for colour, 1/4 or 1/8
    axes = _level_axes(colours - mean, levels, levels - finest) * unit
    # colour = W2 . W1 . latents * STEP
    product = axes / STEP  # [channels, levels]
    # a unit is linear down to its threshold, -127/64 at least: much of the gain comes behind it
    gain = float((REACH * product.abs().max()).clamp_min(1e-6).sqrt())
    linear = min(channels, len(synthesis.first))
    synthesis.first[:linear] = product[:linear] / gain / SYNTHESIS_UNIT
    synthesis.second[:, :linear] = torch.eye(channels)[:, :linear] * gain / SYNTHESIS_UNIT
    if len(synthesis.first) > channels:
        synthesis.second[:, channels] = mean[:, 0].cpu() * 64 / LARGEST_BYTE / SYNTHESIS_UNIT
    first, threshold, second = (value.to(colours.device) for value in synthesis.values())
    axes = (second[:, :linear] @ first[:linear]) * STEP
    constant = second[:, channels : channels + 1] @ threshold[channels : channels + 1] / 64
    _project(latents, interpolations, colours - constant, axes, levels - empty)


def _level_axes(colours: Tensor, levels: int, second: int) -> Tensor:
    """A colour axis of length sqrt(channels) for each level, [channels, levels]."""
    channels = len(colours)
    covariance = (colours @ colours.T / colours.shape[1]).cpu().double()
    variances, vectors = torch.linalg.eigh(covariance)
    vectors = vectors.flip(1) * vectors.flip(1).sum(0).sign().where(vectors.sum(0) != 0, 1.0)
    deviations = variances.flip(0).clamp_min(0).sqrt()
    axes = vectors[:, :1].repeat(1, levels)
    if second >= 1:
        for axis, level in ((1, second), (2, second - 1)):
            if axis < channels and deviations[axis] > LEAST_DEVIATION:
                axes[:, level] = vectors[:, axis]
    if deviations[0] == 0:
        axes[:] = channels**-0.5
    scaled: Tensor = axes.float() * channels**0.5
    return scaled


def _project(
    latents: Latents,
    interpolations: list[Interpolation],
    left: Tensor,
    axes: Tensor,
    count: int,
) -> None:
    """Latents of the first `count` levels from what is `left` of the picture, level by level."""
    planes = latents.planes(latents.stored)[: max(0, count)]
    height, width = interpolations[-1].size
    left = left.reshape(-1, height, width).clone()
    ones = torch.ones_like(left[0])
    for plane, at, axis in zip(planes, interpolations, axes.T, strict=False):
        wanted = torch.einsum("chw,c->hw", left, axis) / axis.square().sum().clamp_min(1e-6)
        value = at.adjoint(wanted) / at.adjoint(ones).clamp_min(1e-6)
        value = (value.abs() - DEAD).clamp(0, 127).copysign(value)
        plane.copy_(value / LATENT_UNIT)
        left -= axis[:, None, None] * at.forward(value)

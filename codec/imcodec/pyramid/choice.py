"""What is chosen for a picture before it is fitted: its planes, and the size of its networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from imcodec.pyramid.context import PARENTS
from imcodec.pyramid.fit import Fit, Recipe
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.settings import NETWORKS, NetworkSize, PyramidSettings

#: the finest plane is left out when fewer of its latents than this start with something to say
LEAST_FINE = 0.002
#: what a fit leaves of the bits that the start would cost
FITTED_SHARE = 0.6
#: share of those bits that a size of the networks saves in a fit of GAINED steps or more; in a
#: shorter one, in proportion
GAINS = {"tiny": -0.12, "small": 0.0, "medium": 0.09, "large": 0.16}
GAINED = 600
#: fits of fewer steps than this take shorter averages and longer steps of the latents
FEW = 250
#: fits of fewer steps than the first number start with all planes but the finest, those of fewer
#: than the second with all but two; longer ones find a better picture from empty planes
EMPTY = ((FEW, 1), (700, 2))
#: nobody asks about a few hundred bytes in a picture with more pixels than this
LARGE = 2**21


def choose(
    pixels: NDArray[np.uint8], settings: PyramidSettings, device: torch.device, threads: int
) -> tuple[Recipe, Geometry]:
    """How a picture will be fitted.

    Networks come in a few sizes. The bits that the picture's first latents cost say what a larger
    network would save; its own bytes are added, and the cheapest size is taken.
    """
    height, width, channels = pixels.shape
    geometry = choose_geometry(height, width)
    steps = settings.chosen_steps
    recipe = Recipe(
        lmbda=settings.price, steps=steps, prior=settings.prior, seed=settings.seed
    ).resized(NETWORKS["small"])
    first = Fit(pixels, geometry, recipe, device, threads)
    name = settings.network
    if name == "auto" and height * width > LARGE:
        name = "large"
    elif name == "auto":
        bits = FITTED_SHARE * first.start_bits()
        name = cheapest(bits, min(1.0, steps / GAINED), geometry.levels, channels)
    finest = first.latents.planes(first.latents.rounded())[-1]
    if float((finest != 0).float().mean()) < LEAST_FINE and min(height, width) > 1:
        geometry = choose_geometry(height, width, pitch=2)
    recipe = recipe.resized(NETWORKS[name])
    if steps < FEW:
        recipe = replace(recipe, betas=(0.6, 0.9), rates=(1.5e-2, 4e-2, 3e-2, 6e-3))
    empty = next((planes for most, planes in EMPTY if steps < most), geometry.levels)
    return replace(recipe, empty=min(empty, geometry.levels - 1)), geometry


def cheapest(bits: float, share: float, levels: int, channels: int) -> str:
    """The size of the networks that makes the smallest file, `bits` being what small ones need."""

    def size(name: str) -> float:
        networks = network_bytes(NETWORKS[name], levels, channels)
        return bits / 8 * (1 - share * GAINS[name]) + networks

    return min(NETWORKS, key=size)


def network_bytes(size: NetworkSize, levels: int, channels: int) -> int:
    """Bytes of the weights of both networks and of the filters, one each."""
    inner = (size.layers - 2) * size.hidden**2
    context = 2 * (size.hidden * (QUEUE + PARENTS) * TAPS + inner + 2 * size.hidden)
    return context + size.units * (levels + 1 + channels) + 9 * levels

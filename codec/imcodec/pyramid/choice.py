"""What is chosen for a picture before it is fitted: its planes, and the size of its networks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from imcodec.pyramid.fit import Fit, Recipe
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.settings import NETWORKS, NetworkSize, PyramidSettings

#: the finest plane is left out when fewer of its latents than this start with something to say
LEAST_FINE = 0.002
#: what a fit leaves of the bits that the start would cost
FITTED_SHARE = 0.6
#: with fewer steps than this, averages over the last ones must be short
FEW = 100
#: nobody asks about a few hundred bytes in a picture with more pixels than this
LARGE = 2**21


def choose(
    pixels: NDArray[np.uint8], settings: PyramidSettings, device: torch.device, threads: int
) -> tuple[Recipe, Geometry]:
    """How a picture will be fitted.

    Networks come in a few sizes. Each size's prior is asked what the picture's first latents cost
    under it; the bytes of the networks are added, and the cheapest size is taken.
    """
    height, width, channels = pixels.shape
    geometry = choose_geometry(height, width)
    asked = Recipe(
        lmbda=settings.price,
        steps=settings.chosen_steps,
        prior=settings.prior,
        seed=settings.seed,
        betas=(0.6, 0.9) if settings.chosen_steps < FEW else (0.8, 0.98),
    )
    name = settings.network
    if name == "auto" and (height * width > LARGE or not settings.prior):
        name = "large" if height * width > LARGE else "medium"
    sizes: dict[str, NetworkSize] = NETWORKS if name == "auto" else {name: NETWORKS[name]}
    fits = {
        key: Fit(pixels, geometry, asked.resized(size), device, threads)
        for key, size in sizes.items()
    }
    first = next(iter(fits.values()))
    finest = first.latents.planes(first.latents.rounded())[-1]
    if float((finest != 0).float().mean()) < LEAST_FINE and min(height, width) > 1:
        geometry = choose_geometry(height, width, pitch=2)
    costs = {
        key: fit.start_bits() * FITTED_SHARE / 8
        + network_bytes(sizes[key], geometry.levels, channels)
        if len(fits) > 1
        else 0.0
        for key, fit in fits.items()
    }
    best = min(costs, key=lambda key: costs[key])
    return asked.resized(sizes[best]), geometry


def network_bytes(size: NetworkSize, levels: int, channels: int) -> int:
    """Bytes of the weights of both networks, one each."""
    inner = (size.layers - 2) * size.hidden**2
    context = 2 * (size.hidden * 20 + inner + 2 * size.hidden)
    return context + size.units * (levels + 1 + channels)

"""Whether a picture needs its finest plane: how much of it has something to say at the start.

Large pictures are looked at in tiles that are spread over them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.interpolation import Interpolation
from imcodec.pyramid.latents import Latents
from imcodec.pyramid.model import Synthesis
from imcodec.pyramid.settings import NETWORKS
from imcodec.pyramid.start import colours_of, start_picture

#: pictures with more pixels than this are looked at in TILES x TILES tiles of SIDE x SIDE pixels
WHOLE = 2**20
TILES, SIDE = 3, 320


def share_of_finest(pixels: NDArray[np.uint8], lmbda: float, device: torch.device) -> float:
    """Share of the finest plane's latents that do not start as 0. `pixels` uint8 [H, W, C]."""
    said, latents = 0, 0
    for part in parts(pixels):
        finest = _finest(part, lmbda, device)
        said += int((finest != 0).sum())
        latents += finest.numel()
    return said / latents


def parts(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The picture, or tiles of a large one."""
    height, width, _ = pixels.shape
    if height * width <= WHOLE:
        yield pixels
        return
    for top in np.linspace(0, max(0, height - SIDE), TILES).astype(int):
        for left in np.linspace(0, max(0, width - SIDE), TILES).astype(int):
            yield pixels[top : top + SIDE, left : left + SIDE]


def _finest(pixels: NDArray[np.uint8], lmbda: float, device: torch.device) -> torch.Tensor:
    height, width, channels = pixels.shape
    geometry = choose_geometry(height, width)
    latents = Latents(geometry, device)
    synthesis = Synthesis(geometry.levels, channels, NETWORKS["small"].units)
    interpolations = Interpolation.of_levels(geometry, device)
    start_picture(latents, synthesis, interpolations, colours_of(pixels, device), lmbda)
    return latents.planes(latents.rounded())[-1]

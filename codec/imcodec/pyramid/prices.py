"""Which lambda a goal asks for, guessed before anything is fitted, from JPEG at many qualities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.choice import HALF_WAY, JPEG_SHARE, cheapest, jpeg_points, network_bytes
from imcodec.pyramid.finest import parts
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.goal import Goal
from imcodec.pyramid.settings import NETWORKS

#: bytes of a graph, with the header
GRAPH = 2750
#: our squared error as a share of JPEG's at the same lambda
ERROR_SHARE = 0.65
#: prices that are tried
PRICES = np.geomspace(1e-5, 0.3, 91)


def first_price(goal: Goal, pixels: NDArray[np.uint8], steps: int) -> float:
    """The price of a bit at which a fit of so many steps is expected to meet the goal."""
    height, width, channels = pixels.shape
    pieces = list(parts(pixels))
    whole = height * width / sum(part.shape[0] * part.shape[1] for part in pieces)
    points = np.array([jpeg_points(part) for part in pieces])  # [parts, qualities, 2]
    areas = np.array([part.shape[0] * part.shape[1] for part in pieces], float)
    errors = np.average(points[..., 0], 0, areas)
    sizes = points[..., 1].sum(0) * whole
    levels = choose_geometry(height, width).levels

    def difference(price: float) -> float:
        best = np.argmin(errors + price * 8 * sizes / (height * width))
        if goal.kind == "psnr":
            return abs(math.log(ERROR_SHARE * max(errors[best], 1e-9)) + goal.value / 4.343)
        latents = JPEG_SHARE * sizes[best] * (1 + HALF_WAY / steps)
        networks = network_bytes(NETWORKS[cheapest(latents, levels, channels)], levels, channels)
        return abs(math.log((latents + networks + GRAPH) / goal.value))

    return float(min(PRICES, key=difference))

"""Which lambda a goal asks for, guessed before anything is fitted, from JPEG at many qualities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.choice import cheapest, guessed_share, network_bytes
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.goal import Goal
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.settings import NETWORKS, lambda_of

#: bytes of a graph, with the header
GRAPH = 2750
#: our squared error as a share of JPEG's at the same lambda
ERROR_SHARE = 0.56
#: bytes that latents take with the networks that choose() takes, as a share of JPEG's data at the
#: same lambda, after many steps; and the steps in which a fit comes to twice that. Of 16 training
#: photos after 150 to 700 steps, standard deviation a quarter
SIZE_SHARE, SIZE_HALF_WAY = 0.47, 92
#: what is guessed at least and at most
LEAST, MOST = 2e-5, 0.1


def first_price(goal: Goal, jpeg: Jpeg, steps: int) -> float:
    """The price of a bit at which a fit of so many steps is expected to meet the goal."""
    errors, sizes = jpeg.curve
    height, width, channels = jpeg.pixels.shape
    with np.errstate(divide="ignore", invalid="ignore"):
        prices = -np.diff(errors) / (8 * np.diff(sizes) / jpeg.area)
    known = np.isfinite(prices) & (prices > 0)
    if known.sum() < 2:
        return lambda_of(75)
    if goal.kind == "psnr":
        places = np.log(errors[1:] * errors[:-1]) / 2
        wanted = math.log(10 ** (-goal.aim / 10) / ERROR_SHARE)
    else:
        places = np.log(sizes[1:] * sizes[:-1] + 1.0) / 2
        levels = choose_geometry(height, width).levels
        share = SIZE_SHARE * (1 + SIZE_HALF_WAY / steps)
        choosing = guessed_share(steps) / share
        latents = goal.aim - GRAPH
        for _ in range(3):  # the more bytes there are, the larger are the networks
            size = NETWORKS[cheapest(max(0.0, latents) * choosing, steps, levels, channels)]
            latents = goal.aim - GRAPH - network_bytes(size, levels, channels)
        wanted = math.log(max(1.0, latents / share))
    found = math.exp(_between(wanted, places[known], np.log(prices[known])))
    return min(max(found, LEAST), MOST)


def _between(place: float, places: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """A line through the points, and between them what they add to it."""
    order = np.argsort(places)
    slope, start = np.polyfit(places, values, 1)
    rest = (values - slope * places - start)[order]
    return float(slope * place + start + np.interp(place, places[order], rest))

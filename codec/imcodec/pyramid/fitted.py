"""What a fit finds, step by step and in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.context import Context
from imcodec.pyramid.table import Ints


class Loss(NamedTuple):
    """What a pass finds."""

    #: squared error, colours in 0 .. 1
    mse: float
    #: what is minimised besides the bits: the squared error, or another measure
    distortion: float
    bpp: float


@dataclass(frozen=True)
class Report:
    """Where a fit stands."""

    step: int
    steps: int
    mse: float
    bpp: float
    cost: float
    seconds: float
    #: share of the work that is done
    share: float
    #: whether latents are truly rounded, so that the cost is the true one
    hard: bool


@dataclass(frozen=True)
class Fitted:
    """Integers of a picture, and what they cost as the fit sees it."""

    planes: list[Ints]
    context: Context
    synthesis: NDArray[np.int8]
    filters: NDArray[np.int8]
    mse: float
    bpp: float
    cost: float
    #: what was minimised besides the bits: the squared error, or another measure
    distortion: float

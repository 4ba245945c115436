"""How a picture is fitted: steps, sizes, learning rates, and what changes on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from imcodec.pyramid.settings import NetworkSize


@dataclass(frozen=True)
class Recipe:
    """How a picture is fitted."""

    lmbda: float
    steps: int
    #: filters of the context networks
    filters: int = 8
    #: hidden units of the synthesis
    units: int = 32
    #: learning rates at the start, for latents, context networks, synthesis, filters; they fall as
    #: a cosine, to a share `last` of that
    rates: tuple[float, float, float, float] = (1e-2, 4e-2, 3e-2, 6e-3)
    last: float = 0.005
    betas: tuple[float, float] = (0.8, 0.98)
    #: share of the steps after which the networks' weights become whole numbers, and after which
    #: all of them are, and latents are truly rounded
    settle_at: float = 0.85
    hard_at: float = 0.95
    #: shares between which filters and the synthesis become whole; None: as the context networks do
    filters_settle: tuple[float, float] | None = None
    synthesis_settles: tuple[float, float] | None = None
    temperature: tuple[float, float] = (0.5, 0.05)
    noise: tuple[float, float] = (0.3, 0.15)
    #: share of the context networks' weights that each step takes away, for a learning rate of 1
    decay: float = 0.0
    prior: bool = True
    #: what is minimised: psnr (the squared error), ssim or perceptual (imcodec.pyramid.measures)
    tune: str = "psnr"
    #: planes that start empty, counted from the finest
    empty: int = 0
    #: share of the steps until which context networks learn slowly (at a tenth, rising), and shares
    #: after which their silent units are made anew (imcodec.pyramid.silent)
    slow: float = 0.0
    renew_at: tuple[float, ...] = ()
    seed: int = 0
    #: seconds after which to finish, 0: never
    seconds: float = 0.0

    def rates_at(self, share: float) -> list[float]:
        """Learning rates of latents, context networks, synthesis, filters, after a share."""
        falling = max(self.last, (1 + math.cos(math.pi * min(share, 1))) / 2)
        latents, contexts, *others = (rate * falling for rate in self.rates)
        risen = min(1.0, 0.1 + 0.9 * share / self.slow) if self.slow else 1.0
        return [latents, contexts * risen, *others]

    def resized(self, size: NetworkSize) -> Recipe:
        """The same with networks of another size."""
        return replace(self, filters=size.filters, units=size.units)

"""What a file costs, latent by latent and pixel by pixel: J = mse + lambda * bits per pixel.

In the integers that the file holds and with colours of 8 bits, so that a change of one number can
be judged by what it really does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from imcodec.pyramid.context import FIRST, LATER
from imcodec.pyramid.context_kernel import Arrays
from imcodec.pyramid.exact_rate import ExactRate
from imcodec.pyramid.filters import FILTER_UNIT
from imcodec.pyramid.fit import CHUNK, Fit
from imcodec.pyramid.products import Floats
from imcodec.pyramid.rate import Layers
from imcodec.pyramid.rate_kernel import arrays_of


class ExactCost:
    """Of a fit whose networks are whole numbers (Fit.adopt), and of changes to its numbers."""

    def __init__(self, fit: Fit, pool: ThreadPoolExecutor) -> None:
        self.fit, self.geometry, self.pool = fit, fit.geometry, pool
        pixels, channels = self.geometry.height * self.geometry.width, len(fit.colours)
        #: what a squared error of colours in 0 .. 255 costs
        self.per_error = 1 / (255**2 * pixels * channels)
        self._rate = ExactRate(self.geometry, 2 * CHUNK)
        self.levels = range(1, self.geometry.levels + 1)

    @property
    def per_bit(self) -> float:
        """What a bit costs; whoever steers the fit may change its lambda."""
        return self.fit.lmbda / (self.geometry.height * self.geometry.width)

    def bits(
        self,
        planes: Sequence[Floats],
        levels: Collection[int] | None = None,
        weights: Sequence[Tensor] | None = None,
        each: Callable[..., Iterable[object]] | None = None,
    ) -> dict[int, Floats]:
        """Bits [height, width] of each latent of some levels. `weights` as Fit.whole holds them."""
        network = self._network(weights or self.fit.whole)
        return self._rate.bits(network, planes, levels or self.levels, each or self.pool.map)

    @staticmethod
    def _network(weights: Sequence[Tensor]) -> Arrays:
        """The context network's layers times their multipliers."""
        first, inner, outer, biases = weights[:4]
        return arrays_of(Layers(first * FIRST, inner * LATER, outer * LATER, biases))

    def features(self, planes: Sequence[Floats], weights: Sequence[Tensor] | None = None) -> Tensor:
        """What the synthesis sees, [levels, height * width]."""
        filters = (weights or self.fit.whole)[7] / FILTER_UNIT
        tensors = [torch.from_numpy(plane).to(self.fit.device) for plane in planes]
        return self.fit.features(tensors, filters, self.pool)

    def errors(self, features: Tensor, weights: Sequence[Tensor] | None = None) -> Floats:
        """Squared error [height, width] of each pixel, summed over channels, 0 .. 255."""
        synthesis = [each.to(self.fit.device) for each in (weights or self.fit.whole)[4:7]]
        shown = self.fit.painted(features, synthesis, self.pool).round_()
        error = shown.sub_(self.fit.colours).square_().sum(0)
        found: Floats = error.view(self.geometry.height, self.geometry.width).cpu().numpy()
        return found

    def mse(self, planes: Sequence[Floats]) -> float:
        """Mean squared error, colours in 0 .. 1, before they are rounded to 8 bits."""
        weights = [each.to(self.fit.device) for each in self.fit.whole[4:7]]
        shown = self.fit.painted(self.features(planes), weights, self.pool)
        return float(shown.sub_(self.fit.colours).double().square().mean()) / 255**2

    @staticmethod
    def total(bits: Collection[Floats]) -> float:
        """Of all latents."""
        return sum(float(each.sum(dtype=np.float64)) for each in bits)

    def rate_of(self, bits: Collection[Floats]) -> float:
        """lambda * bits per pixel."""
        return self.per_bit * self.total(bits)

    def distortion_of(self, errors: Floats) -> float:
        """Mean squared error, colours in 0 .. 1."""
        return self.per_error * float(errors.sum(dtype=np.float64))

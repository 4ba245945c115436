"""The latents while they are fitted: one flat tensor, its planes, and how it is softened.

Soft rounding and noise stand in for rounding (Agustsson and Theis 2020, "Universally quantized
neural compression"; recipe of the Cool-chic codecs): value -> sr(sr(value) + noise), with

    sr(v) = floor(v) + 1/2 + tanh((v - floor(v) - 1/2) / T) / (2 tanh(1 / (2 T)))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from imcodec.pyramid.context import LARGEST_LATENT
from imcodec.pyramid.geometry import Geometry

#: latents that are softened together, with a source of noise of their own: two threads have work in
#: small pictures, too, and results do not depend on the number of threads
TOGETHER = 2**17
#: integer latents per unit of a stored latent: sets how fast they learn
LATENT_UNIT = 16.0


class Latents:
    """All planes of a picture, coarse to fine, strip after strip, in one tensor of floats."""

    def __init__(self, geometry: Geometry, device: torch.device, seed: int = 0) -> None:
        numbers = range(1, geometry.levels + 1)
        strips = geometry.strips
        self.shapes = [(strips, geometry.rows(k), geometry.columns(k)) for k in numbers]
        self._sizes = [math.prod(shape) for shape in self.shapes]
        #: integers / LATENT_UNIT, [symbols], with a gradient
        self.stored = torch.zeros(geometry.symbols, device=device)
        self.stored.grad = torch.zeros_like(self.stored)
        together = TOGETHER if device.type == "cpu" else geometry.symbols
        starts = range(0, geometry.symbols, together)
        self._parts = [slice(start, start + together) for start in starts]
        self._generators = [
            torch.Generator(device).manual_seed((seed + start) % 2**63) for start in starts
        ]

    @property
    def gradient(self) -> Tensor:
        """Of the stored values, [symbols]."""
        assert self.stored.grad is not None
        return self.stored.grad

    def stacks(self, flat: Tensor) -> list[Tensor]:
        """Views of a tensor like `stored`: [strips, rows, columns] a level."""
        parts = zip(torch.split(flat, self._sizes), self.shapes, strict=True)
        return [part.view(shape) for part, shape in parts]

    def planes(self, flat: Tensor) -> list[Tensor]:
        """Views of a tensor like `stored`: [height, width] a level."""
        return [stack.view(-1, stack.shape[2]) for stack in self.stacks(flat)]

    def rounded(self) -> Tensor:
        """Integers as floats, [symbols]."""
        return (self.stored * LATENT_UNIT).round_().clamp_(-LARGEST_LATENT, LARGEST_LATENT)

    def softened(
        self, temperature: float, noise: float, each: Callable[..., Iterable[object]] = map
    ) -> tuple[Tensor, Tensor]:
        """Soft integers and their derivative by the stored values, both [symbols].

        `each` is map, or that of a pool of threads.
        """
        value, derivative = torch.empty_like(self.stored), torch.empty_like(self.stored)

        def part(where: slice, generator: torch.Generator) -> None:
            with torch.no_grad():
                found = _softened(self.stored[where], temperature, noise, generator)
                value[where], derivative[where] = found

        list(each(part, self._parts, self._generators))
        return value, derivative


def _softened(
    stored: Tensor, temperature: float, noise: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    value = stored * LATENT_UNIT
    derivative = torch.full_like(value, LATENT_UNIT)
    slope = 0.5 / math.tanh(1 / (2 * temperature))
    for turn in range(2):
        base = value.floor().add_(0.5)
        tanh = value.sub_(base).div_(temperature).tanh_()
        derivative.mul_(torch.addcmul(tanh.new_ones(()), tanh, tanh, value=-1))
        derivative.mul_(slope / temperature)
        value = base.add_(tanh, alpha=slope)
        if turn == 0:
            value += torch.empty_like(value).normal_(0, noise, generator=generator)
    return value, derivative

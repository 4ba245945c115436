"""The networks that are fitted: their parameters, and the integers that the graph will run.

A parameter is stored divided by a unit, so that one learning rate fits all. Weights and biases are
real numbers for most of a fit and become whole ones one after another near its end
(imcodec.pyramid.settling).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imcodec.pyramid.context import FIRST, LARGEST_WEIGHT, LATER, OUTPUTS, PARENTS, Context
from imcodec.pyramid.filters import FILTER_UNIT, identity
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.rate import Layers
from imcodec.pyramid.settling import Settling
from imcodec.pyramid.table import MEAN_UNIT

LARGEST_BYTE = 127
#: what one unit of a stored parameter is in integers: sets how fast each kind learns
CONTEXT_UNIT, BIAS_UNIT = 128.0, 14.0
SYNTHESIS_UNIT = 128.0
#: what the constant unit says at first, and the width that it stands for
FIRST_CONSTANT, FIRST_WIDTH = 64.0, 14.0


class ContextNetwork(nn.Module):
    """The networks of both column phases (imcodec.pyramid.context).

    Parameters: first [2, filters, 35], inner [2, hidden, hidden], outer [2, 2, hidden] and biases
    [levels, 2, hidden, 1], hidden = 2 * filters.
    """

    def __init__(self, filters: int, levels: int, seed: int = 0) -> None:
        super().__init__()
        self.filters, hidden = filters, 2 * filters
        generator = torch.Generator().manual_seed(seed)
        inputs = (QUEUE + PARENTS) * TAPS
        first = torch.randn(2, filters, inputs, generator=generator) * inputs**-0.5
        inner = inner_layer(hidden, generator)
        outer = torch.randn(2, OUTPUTS, hidden, generator=generator) * 0.02
        biases = torch.zeros(levels, 2, hidden, 1)
        # unit 0 starts as a constant, from which a symbol of nearly empty planes is expected:
        # 0, in a scale that suits them
        inner[:, 0] = 0
        biases[:, :, 0] = FIRST_CONSTANT / BIAS_UNIT
        wanted = torch.tensor([MEAN_UNIT / 2, FIRST_WIDTH])
        outer[:, :, 0] = wanted / (FIRST_CONSTANT * LATER * CONTEXT_UNIT)
        self.first, self.inner, self.outer = map(nn.Parameter, (first, inner, outer))
        self.biases = nn.Parameter(biases)
        self.settling = self._free()

    @property
    def weights(self) -> tuple[Tensor, Tensor, Tensor]:
        """Parameters of the three layers, without biases."""
        return self.first, self.inner, self.outer

    def _free(self) -> Settling:
        """All weights, then the biases, as they are now, free to learn."""
        units = [CONTEXT_UNIT] * 3 + [BIAS_UNIT]
        return Settling([*self.weights, self.biases], units, [LARGEST_WEIGHT] * 4)

    @torch.no_grad()
    def decay(self, share: float) -> None:
        """Take a share of all weights away, not of biases: those that nothing needs go to 0."""
        for weight in self.weights:
            weight.mul_(1 - share)

    @torch.no_grad()
    def confine(self) -> None:
        """Bring back what left the range that a file can say: it would learn nothing there."""
        for weight in self.weights:
            weight.clamp_(-LARGEST_WEIGHT / CONTEXT_UNIT, LARGEST_WEIGHT / CONTEXT_UNIT)
        self.biases.clamp_(-LARGEST_WEIGHT / BIAS_UNIT, LARGEST_WEIGHT / BIAS_UNIT)

    def layers(self) -> Layers:
        """Weights times their multipliers, and biases, as imcodec.pyramid.rate takes them."""
        first, inner, outer, biases = self.settling.values()
        return Layers(first * FIRST, inner * LATER, outer * LATER, biases)

    def adopt(self, context: Context) -> None:
        """Settle at the integers of a file's network."""
        arrays = context.first, context.inner, context.outer, context.biases
        self.settling.adopt([torch.from_numpy(array).float() for array in arrays])

    @torch.no_grad()
    def context(self) -> Context:
        """The integer network that the graph runs; what has not settled yet is rounded."""
        first, inner, outer, biases = (
            value.round().numpy().astype(np.int8) for value in self.settling.values()
        )
        return Context(
            first.reshape(2, self.filters, QUEUE + PARENTS, TAPS),
            np.concatenate([inner, outer], 1)[..., None],
            biases[..., 0],
        )


def inner_layer(units: int, generator: torch.Generator) -> Tensor:
    """First weights [2, units, units]: half of a random layer alone would say 0 for ever."""
    weight: Tensor = torch.randn(2, units, units, generator=generator) * units**-0.5
    return (weight + torch.eye(units)) / 2


class Synthesis(nn.Module):
    """colours = W2 . max(W1 . F, T): linear units, a constant one, and rectified ones.

    All three are integers / 64; colours are 0 .. 255. The first units, one for each channel, start
    linear; imcodec.pyramid.start gives them the picture's colours.
    """

    def __init__(self, levels: int, channels: int, units: int, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        first = torch.zeros(units, levels)
        spread = first[channels + 1 :].shape
        first[channels + 1 :] = 0.25 * torch.randn(spread, generator=generator)
        threshold = torch.zeros(units, 1)
        threshold[:channels] = -1.0
        threshold[channels : channels + 1] = 1.0
        second = torch.zeros(channels, units)
        second[:, : min(channels, units)] = 0.5 * torch.eye(channels)[:, :units]
        self.first, self.threshold, self.second = map(nn.Parameter, (first, threshold, second))
        parameters = self.first, self.threshold, self.second
        self.settling = Settling(parameters, [SYNTHESIS_UNIT] * 3, [LARGEST_BYTE] * 3)

    def values(self) -> tuple[Tensor, Tensor, Tensor]:
        """W1 [units, levels], T [units, 1], W2 [channels, units], in steps of their integers."""
        first, threshold, second = self.settling.values()
        return first, threshold, second

    def adopt(self, array: NDArray[np.int8]) -> None:
        """Settle at what a file stores."""
        levels, rows = self.first.shape[1], torch.from_numpy(array[:, :, 0, 0]).float()
        self.settling.adopt([rows[:levels].T, rows[levels], rows[levels + 1 :]])

    @torch.no_grad()
    def array(self) -> NDArray[np.int8]:
        """int8 [levels + 1 + channels, units, 1, 1], as the file stores it."""
        first, threshold, second = self.values()
        joined = torch.cat([first.T, threshold.T, second]).round().cpu().numpy()
        return np.asarray(joined[:, :, None, None], np.int8)


class Filters(nn.Module):
    """A filter of 3x3 latents for each level (imcodec.pyramid.filters), at first idle."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(identity(levels)).float() / FILTER_UNIT)
        self.settling = Settling([self.weights], [FILTER_UNIT], [LARGEST_BYTE])

    def values(self) -> Tensor:
        """What planes are multiplied with, [levels, 3, 3]."""
        return self.settling.values()[0] / FILTER_UNIT

    def adopt(self, array: NDArray[np.int8]) -> None:
        """Settle at what a file stores."""
        self.settling.adopt([torch.from_numpy(array).float()])

    @torch.no_grad()
    def array(self) -> NDArray[np.int8]:
        """int8 [levels, 3, 3], as the file stores it."""
        return (self.values() * FILTER_UNIT).round().cpu().numpy().astype(np.int8)

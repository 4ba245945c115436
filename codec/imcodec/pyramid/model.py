"""The networks that are fitted: their parameters, and the integers that the graph will run.

A parameter is stored divided by a unit, so that one learning rate fits all. Weights and biases are
real numbers for most of a fit and become whole ones one after another near its end
(imcodec.pyramid.settling).
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imcodec.pyramid.context import LARGEST_WEIGHT, PARENTS, Context
from imcodec.pyramid.filters import FILTER_UNIT, identity
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.settling import Settling
from imcodec.pyramid.table import MEAN_UNIT, Table

LARGEST_BYTE = 127
#: what one unit of a stored parameter is in integers: sets how fast each kind learns
CONTEXT_UNIT, BIAS_UNIT = 64.0, 24.0
SYNTHESIS_UNIT = 128.0


def straight(value: Tensor) -> Tensor:
    """Rounded half to even; gradient 1."""
    return value + (value.round() - value).detach()


class ContextNetwork(nn.Module):
    """The networks of both column phases (imcodec.pyramid.context).

    Unit 0 of each hidden layer is the constant and has no parameters here. Its outgoing weight b
    shifts a layer by -2 b, and the stored -128 of all other units by -2 sum(w); what is learned is
    the whole bias, B = -2 (b + sum(w)), and b follows from it, with the sum of the whole weights.
    """

    def __init__(self, hidden: int, layers: int, table: Table, seed: int = 0) -> None:
        super().__init__()
        self.table, self.hidden = table, hidden
        generator = torch.Generator().manual_seed(seed)
        free = hidden - 1
        sizes = [(QUEUE + PARENTS) * TAPS, *[free] * (layers - 1), 2]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for index, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
            if 0 < index < layers - 1:
                weight = inner_layer(free, generator)
            else:
                spread = 0.02 if index else fan_in**-0.5
                weight = torch.randn(2, fan_out, fan_in, generator=generator) * spread
            self.weights.append(nn.Parameter(weight))
            if index:
                self.biases.append(nn.Parameter(torch.zeros(2, fan_out, 1)))
        self.settling = self._free()
        with torch.no_grad():  # the value expected is 0, the scale that of nearly empty planes
            wanted = torch.tensor([MEAN_UNIT / 2, 14.0])[:, None]
            self.biases[-1].copy_((wanted / BIAS_UNIT).expand(2, 2, 1))

    def _free(self) -> Settling:
        """All weights, then the biases, as they are now, free to learn."""
        units = [CONTEXT_UNIT] * len(self.weights) + [BIAS_UNIT / 2] * len(self.biases)
        largest = [LARGEST_WEIGHT] * len(self.weights) + [math.inf] * len(self.biases)
        return Settling([*self.weights, *self.biases], units, largest)

    @torch.no_grad()
    def decay(self, share: float) -> None:
        """Take a share of all weights away, not of biases: those that nothing needs go to 0."""
        for weight in self.weights:
            weight.mul_(1 - share)

    @torch.no_grad()
    def confine(self) -> None:
        """Bring weights back that left what a file can say: they would learn nothing there."""
        for weight in self.weights:
            weight.clamp_(-LARGEST_WEIGHT / CONTEXT_UNIT, LARGEST_WEIGHT / CONTEXT_UNIT)

    def layers(self) -> list[tuple[Tensor, Tensor | None]]:
        """Per layer: multiplier * weights [2, out, in], and the whole bias [2, out, 1]."""
        weights, halves = self._values()
        pairs: list[tuple[Tensor, Tensor | None]] = [(weights[0] * self.table.step, None)]
        for weight, half in zip(weights[1:], halves, strict=True):
            constant, others = _constant(weight, half)
            pairs.append((weight / 64, -2 * (constant + others)))
        return pairs

    def _values(self) -> tuple[list[Tensor], list[Tensor]]:
        """Weights, and halves of the whole biases of layers 1 and on."""
        values = self.settling.values()
        return values[: len(self.weights)], values[len(self.weights) :]

    @torch.no_grad()
    def context(self) -> Context:
        """The integer network that the graph runs; what has not settled yet is rounded."""
        weights, halves = self._values()
        arrays = []
        for index, weight in enumerate(weights):
            value = weight.round()
            if index:
                value = torch.cat([_constant(weight, halves[index - 1])[0].round(), value], 2)
            if index < len(weights) - 1:  # the constant of this layer: a row of zeros
                value = torch.cat([torch.zeros_like(value[:, :1]), value], 1)
            shape = (QUEUE + PARENTS, 1, TAPS) if index == 0 else (value.shape[2], 1, 1)
            arrays.append(value.numpy().reshape(2, value.shape[1], *shape).astype(np.int8))
        return Context(tuple(arrays), gain=self.table.step)


def inner_layer(units: int, generator: torch.Generator) -> Tensor:
    """First weights [2, units, units]: half of a random layer alone would say 0 for ever."""
    weight: Tensor = torch.randn(2, units, units, generator=generator) * units**-0.5
    return (weight + torch.eye(units)) / 2


def _constant(weight: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """The constant's outgoing weights [2, out, 1], and the sums of the others, rounded."""
    others = straight(weight).sum(2, keepdim=True)
    return (-half - others).clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT), others


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

    @torch.no_grad()
    def array(self) -> NDArray[np.int8]:
        """int8 [levels, 3, 3], as the file stores it."""
        return (self.values() * FILTER_UNIT).round().cpu().numpy().astype(np.int8)

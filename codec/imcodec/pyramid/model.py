"""The networks that are fitted: their parameters, and the integers that the graph will run.

A parameter is stored divided by a unit, so that one learning rate fits all; rounding is
straight-through (value rounded, gradient not).
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imcodec.pyramid.context import LARGEST_WEIGHT, PARENTS, Context
from imcodec.pyramid.filters import FILTER_UNIT, identity
from imcodec.pyramid.header import QUEUE, TAPS
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
    the whole bias, B = -2 (b + sum(w)), and b follows from it.
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
            spread = 0.02 if index == layers - 1 else fan_in**-0.5
            weight = torch.randn(2, fan_out, fan_in, generator=generator) * spread
            if 0 < index < layers - 1:  # half of a random layer alone would say 0 for ever
                weight = (weight + torch.eye(free)) / 2
            self.weights.append(nn.Parameter(weight))
            if index:
                self.biases.append(nn.Parameter(torch.zeros(2, fan_out, 1)))
        with torch.no_grad():  # the value expected is 0, the scale that of nearly empty planes
            wanted = torch.tensor([MEAN_UNIT / 2, 24.0])[:, None]
            self.biases[-1].copy_((wanted / BIAS_UNIT).expand(2, 2, 1))

    @torch.no_grad()
    def confine(self) -> None:
        """Bring weights back that left what a file can say: they would learn nothing there."""
        for weight in self.weights:
            weight.clamp_(-LARGEST_WEIGHT / CONTEXT_UNIT, LARGEST_WEIGHT / CONTEXT_UNIT)

    def integers(self) -> tuple[list[Tensor], list[Tensor]]:
        """Weights [2, out, in], and outgoing weights of the constant [2, out, 1] of layers 1 ..."""
        weights: list[Tensor] = []
        constants: list[Tensor] = []
        for index, stored in enumerate(self.weights):
            weight = stored * CONTEXT_UNIT
            bias = self.biases[index - 1] * BIAS_UNIT if index else None
            weight = straight(weight.clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT))
            weights.append(weight)
            if bias is not None:
                constant = -bias / 2 - weight.sum(2, keepdim=True)
                constants.append(straight(constant.clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT)))
        return weights, constants

    def layers(self) -> list[tuple[Tensor, Tensor | None]]:
        """Per layer: multiplier * weights [2, out, in], and the whole bias [2, out, 1]."""
        weights, constants = self.integers()
        pairs: list[tuple[Tensor, Tensor | None]] = [(weights[0] * self.table.step, None)]
        for weight, constant in zip(weights[1:], constants, strict=True):
            pairs.append((weight / 64, -2 * (constant + weight.sum(2, keepdim=True))))
        return pairs

    @torch.no_grad()
    def context(self) -> Context:
        """The integer network that the graph runs."""
        weights, constants = self.integers()
        arrays = []
        for index, weight in enumerate(weights):
            value = weight.cpu().numpy()
            if index:
                value = np.concatenate([constants[index - 1].cpu().numpy(), value], 2)
            if index < len(weights) - 1:  # the constant of this layer: a row of zeros
                value = np.concatenate([np.zeros_like(value[:, :1]), value], 1)
            shape = (QUEUE + PARENTS, 1, TAPS) if index == 0 else (value.shape[2], 1, 1)
            arrays.append(value.reshape(2, value.shape[1], *shape).astype(np.int8))
        return Context(tuple(arrays), gain=self.table.step)


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

    def integers(self) -> tuple[Tensor, Tensor, Tensor]:
        """W1 [units, levels], T [units, 1], W2 [channels, units]."""
        first, threshold, second = (
            straight((value * SYNTHESIS_UNIT).clamp(-LARGEST_BYTE, LARGEST_BYTE))
            for value in (self.first, self.threshold, self.second)
        )
        return first, threshold, second

    @torch.no_grad()
    def array(self) -> NDArray[np.int8]:
        """int8 [levels + 1 + channels, units, 1, 1], as the file stores it."""
        first, threshold, second = self.integers()
        joined = torch.cat([first.T, threshold.T, second]).cpu().numpy()
        return np.asarray(joined[:, :, None, None], np.int8)


class Filters(nn.Module):
    """A filter of 3x3 latents for each level (imcodec.pyramid.filters), at first idle."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(identity(levels)).float() / FILTER_UNIT)

    def rounded(self) -> Tensor:
        """What planes are multiplied with, [levels, 3, 3], whole numbers / FILTER_UNIT."""
        integers = straight((self.weights * FILTER_UNIT).clamp(-LARGEST_BYTE, LARGEST_BYTE))
        return integers / FILTER_UNIT

    @torch.no_grad()
    def array(self) -> NDArray[np.int8]:
        """int8 [levels, 3, 3], as the file stores it."""
        return (self.rounded() * FILTER_UNIT).round().cpu().numpy().astype(np.int8)

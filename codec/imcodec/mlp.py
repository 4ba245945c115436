"""The coordinate network: (x, y) -> features -> dense layers -> colour.

Differentiable twin of the graph that imcodec.graph writes; tests compare the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imcodec.features import plane_waves
from imcodec.header import Header

#: SIREN's frequency factor (Sitzmann et al. 2020, section 3.2): sin(OMEGA * (W x + b))
OMEGA = 30.0


class CoordinateNetwork(nn.Module):
    """A dense network over coordinates whose colours are in [0, 1]."""

    def __init__(self, header: Header, seed: int = 0) -> None:
        super().__init__()
        self.header = header
        self._gains = [OMEGA if name == "sine" else 1.0 for name in header.layer_activations]
        generator = torch.Generator().manual_seed(seed)
        self.matrices = nn.ParameterList()
        self.biases = nn.ParameterList()
        for index, (inputs, outputs) in enumerate(header.shapes):
            last = index == len(header.shapes) - 1
            activation = header.layer_activations[index]
            after_sine = index > 0 and header.layer_activations[index - 1] == "sine"
            bound = _bound(inputs, outputs, activation, first=index == 0, after_sine=after_sine)
            matrix = torch.rand(inputs, outputs, generator=generator) * 2 * bound - bound
            bias = torch.zeros(outputs)
            if activation == "sine":
                bias = (torch.rand(outputs, generator=generator) * 2 - 1) / math.sqrt(inputs)
            elif last and activation in ("linear", "relu1"):
                # Start from grey, where every colour is inside the range. Not for the article's
                # raw coordinates, whose recipe starts from zeros.
                bias += 0.5 if header.features != "raw" else 0.0
            self.matrices.append(nn.Parameter(matrix))
            self.biases.append(nn.Parameter(bias))
        waves = torch.from_numpy(plane_waves(max(1, header.frequencies))).float()
        self.register_buffer("waves", waves * (math.pi / 2), persistent=False)
        half = torch.tensor([header.width / 2, header.height / 2])
        self.register_buffer("half_size", half, persistent=False)

    def tensors(self) -> list[Tensor]:
        """Matrices and biases in file order, SIREN's factor multiplied in."""
        result = []
        for gain, matrix, bias in zip(self._gains, self.matrices, self.biases, strict=True):
            result += [matrix, bias] if gain == 1.0 else [matrix * gain, bias * gain]
        return result

    def forward(self, points: Tensor, tensors: Sequence[Tensor] | None = None) -> Tensor:
        """Colours [N, C] at points [N, 2]; `tensors` stands in for the network's own weights.

        Values are clamped to [0, 1] straight through: the clamp shows in the value, not in the
        gradient, so that colours outside the range are pulled back instead of being stuck.
        """
        values = self.tensors() if tensors is None else tensors
        x = self._features(points)
        names = self.header.layer_activations
        for name, matrix, bias in zip(names[:-1], values[:-2:2], values[1:-1:2], strict=True):
            x = _activate(name, torch.addmm(bias, x, matrix))
        x = torch.addmm(values[-1], x, values[-2])
        if names[-1] == "sigmoid":
            return x.sigmoid()
        if names[-1] not in ("linear", "relu1"):
            x = _activate(names[-1], x)
        return x + (x.clamp(0, 1) - x).detach()

    def _features(self, points: Tensor) -> Tensor:
        if self.header.features == "raw":
            half = self.get_buffer("half_size")
            return points * half + (half + 0.5)
        if self.header.features == "fourier":
            phase = points @ self.get_buffer("waves")
            return torch.cat([phase.sin(), phase.cos()], dim=-1)
        return points


def _bound(inputs: int, outputs: int, activation: str, *, first: bool, after_sine: bool) -> float:
    """Half-width of the uniform distribution that a matrix starts from."""
    if activation == "sine":  # SIREN, with OMEGA taken out
        return 1 / inputs if first else math.sqrt(6 / inputs) / OMEGA
    if after_sine:
        return math.sqrt(6 / inputs) / OMEGA
    return math.sqrt(6 / (inputs + outputs))  # Glorot & Bengio 2010, the default of Keras


def _activate(name: str, x: Tensor) -> Tensor:
    if name == "sine":
        return x.sin()
    if name == "relu":
        return F.relu(x)
    if name == "gelu":
        return F.gelu(x)
    if name == "relu1":
        return x.clamp(0, 1)
    if name == "linear":
        return x
    return x.tanh() if name == "tanh" else x.sigmoid()

"""From a fitted network to small integers: step search, fine-tuning, rounding.

value = step * integer, |integer| <= half. Each tensor's step is searched on the picture's own
error, tensor after tensor from the input, with the tensors before it already rounded. Then weights
and steps are trained on together through the rounding (straight-through for the weights, Bengio et
al. 2013; the step's gradient is that of "Learned Step Size Quantization", Esser et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from imcodec.fit import Monitor, Target, render, train
from imcodec.mlp import CoordinateNetwork
from imcodec.mlp_settings import MlpSettings

#: candidate steps: the largest weight lands on this share of the half range (below 1: clipped)
RANGES = (1.0, 0.9, 0.8, 0.72, 0.64, 0.57, 0.5, 0.44, 0.38, 0.32, 0.26, 0.2)
#: pixels on which steps are searched
SAMPLE = 2**14


@dataclass(frozen=True)
class Quantised:
    """Integers and steps of a network, tensor after tensor in file order."""

    #: int64 [n], all tensors joined
    weights: NDArray[np.int64]
    #: float32 [tensors]
    steps: NDArray[np.float32]


def quantise(
    network: CoordinateNetwork,
    target: Target,
    settings: MlpSettings,
    monitor: Monitor,
    half: int,
    epochs: int,
) -> Quantised:
    """Round a fitted network to integers of magnitude `half` at most, losing as little as possible.

    `epochs` of fine-tuning follow the search for the steps; if they did not help, what there was
    before them is kept.
    """
    log_steps = [
        step.log().requires_grad_() for step in _search_steps(network, target, half, settings.seed)
    ]

    def rounded() -> list[Tensor]:
        pairs = zip(network.tensors(), log_steps, strict=True)
        return [_round(value, step.exp(), half) for value, step in pairs]

    before = _integers(network, log_steps, half), _error(network, target, rounded())
    train(
        network,
        target,
        settings,
        monitor,
        phase="quantise",
        epochs=epochs,
        parameters=[*network.parameters(), *log_steps],
        lr=settings.lr,
        schedule="cosine",
        weights=rounded,
    )
    after = _integers(network, log_steps, half), _error(network, target, rounded())
    return min(before, after, key=lambda candidate: candidate[1])[0]


@torch.no_grad()
def _integers(network: CoordinateNetwork, log_steps: list[Tensor], half: int) -> Quantised:
    steps = [step.exp() for step in log_steps]
    integers = [
        (value / step).clamp(-half, half).round()
        for value, step in zip(network.tensors(), steps, strict=True)
    ]
    return Quantised(
        weights=torch.cat([q.flatten() for q in integers]).cpu().numpy().astype(np.int64),
        steps=torch.stack(steps).cpu().numpy().astype(np.float32),
    )


@torch.no_grad()
def _error(network: CoordinateNetwork, target: Target, tensors: list[Tensor]) -> float:
    """Mean squared error over the whole picture after rounding to 8 bits."""
    shown = render(network, target.points, tensors).float() / 255
    return float(F.mse_loss(shown, target.colours.cpu()))


def _round(value: Tensor, step: Tensor, half: int) -> Tensor:
    """Rounded to the grid of `step`, differentiable in both."""
    ratio = (value / step).clamp(-half, half)
    return step * (ratio + (ratio.round() - ratio).detach())


@torch.no_grad()
def _search_steps(
    network: CoordinateNetwork,
    target: Target,
    half: int,
    seed: int,
) -> list[Tensor]:
    """The best step of each tensor, scalars."""
    generator = torch.Generator().manual_seed(seed)
    count = len(target.points)
    chosen = torch.randperm(count, generator=generator)[:SAMPLE].to(target.points.device)
    points, wanted = target.points[chosen], target.colours[chosen]
    tried = network.tensors()
    steps = []
    for index, value in enumerate(list(tried)):
        largest = value.abs().max().clamp_min(1e-8)
        candidates = [largest * share / half for share in RANGES]
        errors = []
        for step in candidates:
            tried[index] = _round(value, step, half)
            errors.append(float(F.mse_loss(network(points, tried), wanted)))
        best = candidates[int(np.argmin(errors))]
        tried[index] = _round(value, best, half)
        steps.append(best)
    return steps

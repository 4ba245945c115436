"""Squared error of the drawn colours, with its gradients, written out by hand.

GPUs run this; CPUs run the same as a compiled loop (imcodec.pyramid.distortion_kernel).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imcodec.pyramid.outer import outer


def distortion(
    features: Tensor, wanted: Tensor, weights: Sequence[Tensor], step: float, scale: float
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """The sum of squared errors, and gradients of `scale` times it.

    features [levels, n], latents at n places; wanted [channels, n], 0 .. 255; weights W1 [units,
    levels], T [units, 1], W2 [channels, units], integers; `step` the table's. Returns the sum, the
    gradient by the features [levels, n], and those by the weights. The clamp of colours to 0 .. 255
    has gradient 1: a plain one stops learning in bright pictures.
    """
    first, threshold, second = weights
    slope = step / 64
    sums = first @ features
    sums.mul_(slope)
    floor = threshold / 64
    hidden = torch.maximum(sums, floor)
    error = (second @ hidden).clamp_(0, 255).sub_(wanted)
    total = error.square().sum()
    error.mul_(2 * scale)
    gradient = second.T @ error
    live = torch.ops.aten.threshold_backward(gradient, sums.sub_(floor), 0)
    by_threshold = (gradient.sum(1, keepdim=True) - live.sum(1, keepdim=True)) / 64
    by_first = outer(live, features) * slope
    by_features = (first.T * slope) @ live
    return total, by_features, [by_first, by_threshold, outer(error, hidden)]


def draw(features: Tensor, weights: Sequence[Tensor], step: float) -> Tensor:
    """Colours [channels, n], not yet clamped or rounded; arguments as in distortion()."""
    first, threshold, second = weights
    return second @ torch.maximum((first * (step / 64)) @ features, threshold / 64)

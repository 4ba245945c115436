"""The squared error of imcodec.pyramid.distortion for CPUs, as a compiled loop over blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.products import ZERO, Floats, outer, product, sums, transposed

#: places that are worked on together
BLOCK = 512
WHITE = np.float32(255)

#: W1 [units, levels], floor [units], W2 [channels, units], or gradients by them
Arrays = tuple[Floats, Floats, Floats]


def distortion_in_place(
    features: Tensor,
    wanted: Tensor,
    integers: Sequence[Tensor],
    step: float,
    scale: float,
    part: slice,
) -> tuple[Tensor, list[Tensor]]:
    """As distortion.distortion() for a part of the places, start and stop; tensors on the CPU.

    There `features` become their gradient.
    """
    first, threshold, second = integers
    slope = step / 64
    weights = ((first * slope).numpy(), (threshold[:, 0] / 64).numpy(), second.numpy())
    grads = (np.zeros_like(weights[0]), np.zeros_like(weights[1]), np.zeros_like(weights[2]))
    stop = min(part.stop, features.shape[1])
    # whole arrays and a range, as the compiler knows of a part of them only that it has strides
    arrays = features.numpy(), wanted.numpy()
    total = _blocks(*arrays, part.start, stop, weights, grads, np.float32(scale))
    by_first, by_threshold, by_second = map(torch.from_numpy, grads)
    rest = [by_first * slope, by_threshold[:, None] / 64, by_second]
    return torch.tensor(total, dtype=torch.float64), rest


@compiled
def _blocks(
    features: Floats,
    wanted: Floats,
    begin: int,
    end: int,
    weights: Arrays,
    grads: Arrays,
    scale: np.float32,
) -> float:
    first, floor, second = weights
    levels, units, channels = len(features), len(first), len(second)
    x, gx = np.empty((levels, BLOCK), np.float32), np.empty((levels, BLOCK), np.float32)
    hidden, g = np.empty((units, BLOCK), np.float32), np.empty((units, BLOCK), np.float32)
    error = np.empty((channels, BLOCK), np.float32)
    no_bias = np.zeros(max(units, channels), np.float32)
    total = 0.0
    for start in range(begin, end, BLOCK):
        n = min(BLOCK, end - start)
        for level in range(levels):
            source = features[level, start:]
            for j in range(n):
                x[level, j] = source[j]
        product(hidden, first, no_bias, x, n)
        for u in range(units):
            for j in range(n):
                hidden[u, j] = max(hidden[u, j], floor[u])
        product(error, second, no_bias, hidden, n)
        for c in range(channels):
            squares, colour = ZERO, wanted[c, start:]
            for j in range(n):
                e = min(max(error[c, j], ZERO), WHITE) - colour[j]
                squares += e * e
                error[c, j] = e * scale * 2
            total += squares
        _backwards(gx, grads, error, hidden, g, x, weights, n)
        for level in range(levels):
            target = features[level, start:]
            for j in range(n):
                target[j] = gx[level, j]
    return total


@compiled
def _backwards(
    gx: Floats,
    grads: Arrays,
    error: Floats,
    hidden: Floats,
    g: Floats,
    x: Floats,
    weights: Arrays,
    n: int,
) -> None:
    """Gradients from `error`, that by the colours; g [units, n] is space to work in.

    gx is replaced, the others are added to.
    """
    first, floor, second = weights
    by_first, by_floor, by_second = grads
    outer(by_second, error, hidden, n)
    transposed(g, second, error, n)
    sums(by_floor, g, n)
    for u in range(len(first)):
        live = ZERO
        for j in range(n):
            g[u, j] = g[u, j] if hidden[u, j] > floor[u] else ZERO
            live += g[u, j]
        by_floor[u] -= live
    outer(by_first, g, x, n)
    transposed(gx, first, g, n)

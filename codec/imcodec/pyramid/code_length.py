"""Code length of a block of latents with its gradients, as a compiled loop.

The same as Pass._code_length of imcodec.pyramid.rate, for CPUs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.products import ZERO, Floats

#: (centre, step, bulk, tail, size, widest) of rate.Distribution, and MEAN_UNIT: numbers of float32
Law = tuple[np.float32, ...]

ONE = np.float32(1)
LOG2E = np.float32(math.log2(math.e))
#: exponents of two are kept within this
MOST = np.float32(60)
# 2**f for |f| <= 1/2, least squares of the relative error, below 1e-7
P6, P5, P4 = np.float32(1.535336188e-4), np.float32(1.339887440e-3), np.float32(9.618437357e-3)
P3, P2, P1 = np.float32(5.550332471e-2), np.float32(2.402264791e-1), np.float32(6.931472029e-1)


@compiled
def sigmoid(x: Floats, bits: NDArray[np.int32], power: Floats, n: int) -> None:
    """x = 1 / (1 + exp(-x)). `power` is a view of `bits` as float32: scratch space."""
    for j in range(n):
        y = min(max(x[j] * -LOG2E, -MOST), MOST)
        k = np.rint(y)
        bits[j] = (np.int32(k) + 127) << 23  # the float 2**k
        f = y - k
        x[j] = (((((P6 * f + P5) * f + P4) * f + P3) * f + P2) * f + P1) * f + ONE
    for j in range(n):
        x[j] = ONE / (ONE + x[j] * power[j])


@compiled
def code_length(
    output: Floats,
    value: Floats,
    law: Law,
    scale: np.float32,
    beyond: np.float32,
    gradient: Floats,
    by_value: Floats,
    space: Floats,
    bits: NDArray[np.int32],
    power: Floats,
    n: int,
) -> float:
    """Nats of n values under (mean, width) = output [2, n]; gradients of `scale` times them.

    By output into `gradient` [2, n], by value into `by_value`. `space` [6, n] is scratch space, as
    are `bits` and `power` (see sigmoid).
    """
    centre, step, bulk, tail, size, widest, unit = law
    mean, width, edge, low, high, p = space
    raw_mean, raw_width, by_mean, by_width = output[0], output[1], gradient[0], gradient[1]
    for j in range(n):
        m = np.trunc(raw_mean[j])
        k = min(max(np.trunc(raw_width[j]), ONE), widest)
        e = centre - np.trunc(k * m / unit)
        mean[j], width[j], edge[j] = m, k, e
        low[j] = (centre - e - k * (value[j] + ONE)) * step
        high[j] = low[j] + k * step
    sigmoid(low, bits, power, n)
    sigmoid(high, bits, power, n)
    outside = ZERO
    for j in range(n):
        a, b, k, v = low[j], high[j], width[j], value[j]
        p[j] = (b - a) * bulk + k * tail
        first = edge[j] + k * v
        under = min(first, ZERO)
        over = max(first + k - (size - ONE), ZERO)
        outside += over - under
        ratio = -scale / p[j]
        d_low = (a - a * a) * ratio * bulk * step
        d_high = (b - b * b) * ratio * bulk * step
        leaves_above = beyond * scale if over > 0 else ZERO
        leaves_below = beyond * scale if under < 0 else ZERO
        g_edge = d_low - d_high + leaves_above - leaves_below
        g_width = d_low + g_edge * (v - mean[j] / unit) + ratio * tail + leaves_above
        # where the width is clipped, only gradients that lead back
        back = (np.trunc(raw_width[j]) - k) * g_width >= 0
        by_width[j] = g_width if back else ZERO
        by_value[j] = k * g_edge
        by_mean[j] = -by_value[j] / unit
    nats, together = 0.0, 1.0
    for j in range(n):
        together *= p[j]
        if j % 32 == 31:  # 32 probabilities are a double that is not yet 0
            nats -= math.log(together)
            together = 1.0
    return nats - math.log(together) + float(beyond * outside)

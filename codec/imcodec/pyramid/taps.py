"""Rows of latents through five taps and back, as compiled loops: layer 0 of the context network.

x is a row of at least n + 4 numbers: column j sees x[j] to x[j + 4]. Gradients g have
four zeros before and after their n columns (widen()). Weights are [hidden, channels, 5].
"""

from __future__ import annotations

import numpy as np

from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.products import ZERO, Floats
from imcodec.pyramid.table import Ints

#: columns that are worked on together
BLOCK = 384


@compiled
def beside_zeros(above: Floats | Ints, start: int, stop: int) -> Floats:
    """Rows of a plane [R, width], two zeros on both sides: [stop - start, width + 4].

    Beyond the plane its outer rows are repeated; of a plane without rows there are none.
    """
    rows, width = above.shape
    found = np.zeros((stop - start if rows else 0, width + 4), np.float32)
    for i in range(len(found)):
        found[i, 2:-2] = above[min(max(start + i, 0), rows - 1)]
    return found


@compiled
def forwards(h: Floats, x: Floats, w: Floats, c: int, n: int) -> None:
    """h [hidden, n] += channel c of the layer."""
    hidden = len(h)
    o = 0
    while o + 4 <= hidden:
        a0, a1, a2, a3, a4 = w[o, c, 0], w[o, c, 1], w[o, c, 2], w[o, c, 3], w[o, c, 4]
        p, q, r = o + 1, o + 2, o + 3
        b0, b1, b2, b3, b4 = w[p, c, 0], w[p, c, 1], w[p, c, 2], w[p, c, 3], w[p, c, 4]
        c0, c1, c2, c3, c4 = w[q, c, 0], w[q, c, 1], w[q, c, 2], w[q, c, 3], w[q, c, 4]
        d0, d1, d2, d3, d4 = w[r, c, 0], w[r, c, 1], w[r, c, 2], w[r, c, 3], w[r, c, 4]
        for j in range(n):
            x0, x1, x2, x3, x4 = x[j], x[j + 1], x[j + 2], x[j + 3], x[j + 4]
            h[o, j] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3 + a4 * x4
            h[p, j] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3 + b4 * x4
            h[q, j] += c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3 + c4 * x4
            h[r, j] += d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3 + d4 * x4
        o += 4
    while o < hidden:
        a0, a1, a2, a3, a4 = w[o, c, 0], w[o, c, 1], w[o, c, 2], w[o, c, 3], w[o, c, 4]
        for j in range(n):
            h[o, j] += a0 * x[j] + a1 * x[j + 1] + a2 * x[j + 2] + a3 * x[j + 3] + a4 * x[j + 4]
        o += 1


@compiled
def widen(wide: Floats, g: Floats, n: int) -> None:
    """g [hidden, n] with four zeros before and after: wide [hidden, 4 + n + 4]."""
    for o in range(len(g)):
        for j in range(n):
            wide[o, j + 4] = g[o, j]
        for j in range(n + 4, n + 8):
            wide[o, j] = 0


@compiled
def back_to_row(gx: Floats, g: Floats, w: Floats, c: int, n: int) -> None:
    """gx [n + 4] += gradients by channel c's row."""
    hidden = len(g)
    twos = hidden - hidden % 2
    for o in range(0, twos, 2):
        p = o + 1
        a0, a1, a2, a3, a4 = w[o, c, 0], w[o, c, 1], w[o, c, 2], w[o, c, 3], w[o, c, 4]
        b0, b1, b2, b3, b4 = w[p, c, 0], w[p, c, 1], w[p, c, 2], w[p, c, 3], w[p, c, 4]
        for i in range(n + 4):
            s = a4 * g[o, i] + a3 * g[o, i + 1] + a2 * g[o, i + 2] + a1 * g[o, i + 3]
            t = b4 * g[p, i] + b3 * g[p, i + 1] + b2 * g[p, i + 2] + b1 * g[p, i + 3]
            gx[i] += s + t + a0 * g[o, i + 4] + b0 * g[p, i + 4]
    for o in range(twos, hidden):
        a0, a1, a2, a3, a4 = w[o, c, 0], w[o, c, 1], w[o, c, 2], w[o, c, 3], w[o, c, 4]
        for i in range(n + 4):
            s = a4 * g[o, i] + a3 * g[o, i + 1] + a2 * g[o, i + 2] + a1 * g[o, i + 3]
            gx[i] += s + a0 * g[o, i + 4]


@compiled
def back_to_weights(gw: Floats, g: Floats, x: Floats, c: int, n: int) -> None:
    """gw [hidden, channels, 5] += gradients by channel c's weights."""
    hidden = len(g)
    twos = hidden - hidden % 2
    for o in range(0, twos, 2):
        p = o + 1
        s0 = s1 = s2 = s3 = s4 = t0 = t1 = t2 = t3 = t4 = ZERO
        for j in range(n):
            x0, x1, x2, x3, x4 = x[j], x[j + 1], x[j + 2], x[j + 3], x[j + 4]
            a, b = g[o, j + 4], g[p, j + 4]
            s0 += a * x0
            s1 += a * x1
            s2 += a * x2
            s3 += a * x3
            s4 += a * x4
            t0 += b * x0
            t1 += b * x1
            t2 += b * x2
            t3 += b * x3
            t4 += b * x4
        row, other = gw[o, c], gw[p, c]
        row[0] += s0
        row[1] += s1
        row[2] += s2
        row[3] += s3
        row[4] += s4
        other[0] += t0
        other[1] += t1
        other[2] += t2
        other[3] += t3
        other[4] += t4
    for o in range(twos, hidden):
        for tap in range(5):
            s0 = ZERO
            for j in range(n):
                s0 += g[o, j + 4] * x[j + tap]
            gw[o, c, tap] += s0

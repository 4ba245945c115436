"""A plane through a filter of 3x3 and back, as compiled loops (imcodec.pyramid.filters)."""

from __future__ import annotations

from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.products import ZERO, Floats


@compiled
def filtered(out: Floats, padded: Floats, w: Floats) -> None:
    """out [h, w] = the plane, with a zero on all sides of it in `padded`, through w [3, 3]."""
    a0, a1, a2 = w[0, 0], w[0, 1], w[0, 2]
    b0, b1, b2 = w[1, 0], w[1, 1], w[1, 2]
    c0, c1, c2 = w[2, 0], w[2, 1], w[2, 2]
    height, width = out.shape
    for i in range(height):
        p, q, r, o = padded[i], padded[i + 1], padded[i + 2], out[i]
        for j in range(width):
            s = a0 * p[j] + a1 * p[j + 1] + a2 * p[j + 2]
            t = b0 * q[j] + b1 * q[j + 1] + b2 * q[j + 2]
            o[j] = s + t + c0 * r[j] + c1 * r[j + 1] + c2 * r[j + 2]


@compiled
def by_filter(total: Floats, grad: Floats, padded: Floats) -> None:
    """total [3, 3] = gradient by the filter, from that by the filtered plane."""
    height, width = grad.shape
    for i in range(height):
        p, q, r, g = padded[i], padded[i + 1], padded[i + 2], grad[i]
        a0 = a1 = a2 = b0 = b1 = b2 = c0 = c1 = c2 = ZERO
        for j in range(width):
            a0 += g[j] * p[j]
            a1 += g[j] * p[j + 1]
            a2 += g[j] * p[j + 2]
            b0 += g[j] * q[j]
            b1 += g[j] * q[j + 1]
            b2 += g[j] * q[j + 2]
            c0 += g[j] * r[j]
            c1 += g[j] * r[j + 1]
            c2 += g[j] * r[j + 2]
        total[0, 0] += a0
        total[0, 1] += a1
        total[0, 2] += a2
        total[1, 0] += b0
        total[1, 1] += b1
        total[1, 2] += b2
        total[2, 0] += c0
        total[2, 1] += c1
        total[2, 2] += c2

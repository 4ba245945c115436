"""The synthesis of a photo, forwards and backwards, as compiled loops: six levels, three channels.

Most pictures are of this shape. Units go four (backwards two) at a time through everything that is
done with them, so each number is loaded once; products one after another
(imcodec.pyramid.products) take 1.6 times as long. The number of units must be divisible by four.
"""

from __future__ import annotations

from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.products import ZERO, Floats

LEVELS, CHANNELS, TOGETHER = 6, 3, 4


@compiled
def forwards(
    colour: Floats, hidden: Floats, x: Floats, first: Floats, floor: Floats, second: Floats, n: int
) -> None:
    """hidden = max(first x, floor) and colour = second hidden, the first n columns.

    colour [3, n], hidden [units, n], x [6, n]; first [units, 6], floor [units], second [3, units].
    """
    x0, x1, x2, x3, x4, x5 = x[0], x[1], x[2], x[3], x[4], x[5]
    r, g, b = colour[0], colour[1], colour[2]
    for j in range(n):
        r[j] = g[j] = b[j] = ZERO
    for u in range(0, len(first), 4):
        w, h, f = first[u], hidden[u], floor[u]
        a0, a1, a2, a3, a4, a5 = w[0], w[1], w[2], w[3], w[4], w[5]
        ar, ag, ab = second[0, u], second[1, u], second[2, u]
        w, h1, f1 = first[u + 1], hidden[u + 1], floor[u + 1]
        b0, b1, b2, b3, b4, b5 = w[0], w[1], w[2], w[3], w[4], w[5]
        br, bg, bb = second[0, u + 1], second[1, u + 1], second[2, u + 1]
        w, h2, f2 = first[u + 2], hidden[u + 2], floor[u + 2]
        c0, c1, c2, c3, c4, c5 = w[0], w[1], w[2], w[3], w[4], w[5]
        cr, cg, cb = second[0, u + 2], second[1, u + 2], second[2, u + 2]
        w, h3, f3 = first[u + 3], hidden[u + 3], floor[u + 3]
        d0, d1, d2, d3, d4, d5 = w[0], w[1], w[2], w[3], w[4], w[5]
        dr, dg, db = second[0, u + 3], second[1, u + 3], second[2, u + 3]
        for j in range(n):
            v0, v1, v2, v3, v4, v5 = x0[j], x1[j], x2[j], x3[j], x4[j], x5[j]
            p = max(a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3 + a4 * v4 + a5 * v5, f)
            q = max(b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3 + b4 * v4 + b5 * v5, f1)
            s = max(c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3 + c4 * v4 + c5 * v5, f2)
            t = max(d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3 + d4 * v4 + d5 * v5, f3)
            h[j], h1[j], h2[j], h3[j] = p, q, s, t
            r[j] += ar * p + br * q + cr * s + dr * t
            g[j] += ag * p + bg * q + cg * s + dg * t
            b[j] += ab * p + bb * q + cb * s + db * t


@compiled
def backwards(
    by_x: Floats,
    by_first: Floats,
    by_floor: Floats,
    by_second: Floats,
    error: Floats,
    hidden: Floats,
    x: Floats,
    first: Floats,
    floor: Floats,
    second: Floats,
    n: int,
) -> None:
    """Gradients from `error`, that by the colours; by_x [6, n] is replaced, the others added to."""
    x0, x1, x2, x3, x4, x5 = x[0], x[1], x[2], x[3], x[4], x[5]
    g0, g1, g2, g3, g4, g5 = by_x[0], by_x[1], by_x[2], by_x[3], by_x[4], by_x[5]
    r, g, b = error[0], error[1], error[2]
    for j in range(n):
        g0[j] = g1[j] = g2[j] = g3[j] = g4[j] = g5[j] = ZERO
    for u in range(0, len(first), 2):
        w, h, f = first[u], hidden[u], floor[u]
        a0, a1, a2, a3, a4, a5 = w[0], w[1], w[2], w[3], w[4], w[5]
        ar, ag, ab = second[0, u], second[1, u], second[2, u]
        w, h1, f1 = first[u + 1], hidden[u + 1], floor[u + 1]
        b0, b1, b2, b3, b4, b5 = w[0], w[1], w[2], w[3], w[4], w[5]
        br, bg, bb = second[0, u + 1], second[1, u + 1], second[2, u + 1]
        sr = sg = sb = tr = tg = tb = s = t = ZERO
        s0 = s1 = s2 = s3 = s4 = s5 = t0 = t1 = t2 = t3 = t4 = t5 = ZERO
        for j in range(n):
            er, eg, eb, p, q = r[j], g[j], b[j], h[j], h1[j]
            sr += er * p
            sg += eg * p
            sb += eb * p
            tr += er * q
            tg += eg * q
            tb += eb * q
            whole, other = ar * er + ag * eg + ab * eb, br * er + bg * eg + bb * eb
            live, alive = whole if p > f else ZERO, other if q > f1 else ZERO
            s += whole - live
            t += other - alive
            v0, v1, v2, v3, v4, v5 = x0[j], x1[j], x2[j], x3[j], x4[j], x5[j]
            s0 += live * v0
            s1 += live * v1
            s2 += live * v2
            s3 += live * v3
            s4 += live * v4
            s5 += live * v5
            t0 += alive * v0
            t1 += alive * v1
            t2 += alive * v2
            t3 += alive * v3
            t4 += alive * v4
            t5 += alive * v5
            g0[j] += a0 * live + b0 * alive
            g1[j] += a1 * live + b1 * alive
            g2[j] += a2 * live + b2 * alive
            g3[j] += a3 * live + b3 * alive
            g4[j] += a4 * live + b4 * alive
            g5[j] += a5 * live + b5 * alive
        by_floor[u] += s
        by_floor[u + 1] += t
        by_second[0, u] += sr
        by_second[1, u] += sg
        by_second[2, u] += sb
        by_second[0, u + 1] += tr
        by_second[1, u + 1] += tg
        by_second[2, u + 1] += tb
        w = by_first[u]
        w[0] += s0
        w[1] += s1
        w[2] += s2
        w[3] += s3
        w[4] += s4
        w[5] += s5
        w = by_first[u + 1]
        w[0] += t0
        w[1] += t1
        w[2] += t2
        w[3] += t3
        w[4] += t4
        w[5] += t5

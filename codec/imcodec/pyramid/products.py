"""Products of small matrices with blocks of columns, and their transposes, as compiled loops.

A block is [rows, n] float32 with n in the hundreds, so that it stays in the nearest cache. Two rows
of the result and four of the operand go together: each loaded number is used several times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.compiled import compiled

Floats = NDArray[np.float32]
ZERO = np.float32(0)
#: numbers in a cache line
LINE = 16


@compiled
def aligned(rows: int, n: int) -> Floats:
    """Room for a block: its rows start with a cache line each if n is a multiple of LINE.

    NumPy's may start anywhere, so that every vector lies in two lines: up to a tenth more time.
    """
    room = np.empty(rows * n + LINE, np.float32)
    skip = (LINE - room.ctypes.data // room.itemsize % LINE) % LINE
    return room[skip : skip + rows * n].reshape(rows, n)


@compiled
def product(out: Floats, weight: Floats, bias: Floats, x: Floats, n: int) -> None:
    """out = weight x + bias, the first n columns. weight [rows, inputs], bias [rows]."""
    rows, inputs = weight.shape
    for o in range(rows):
        for j in range(n):
            out[o, j] = bias[o]
    whole, fours = rows - rows % 2, inputs - inputs % 4
    for o in range(0, whole, 2):
        for i in range(0, fours, 4):
            a0, a1, a2, a3 = weight[o, i], weight[o, i + 1], weight[o, i + 2], weight[o, i + 3]
            p = o + 1
            b0, b1, b2, b3 = weight[p, i], weight[p, i + 1], weight[p, i + 2], weight[p, i + 3]
            for j in range(n):
                x0, x1, x2, x3 = x[i, j], x[i + 1, j], x[i + 2, j], x[i + 3, j]
                out[o, j] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                out[p, j] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
        for i in range(fours, inputs):
            a0, b0 = weight[o, i], weight[o + 1, i]
            for j in range(n):
                out[o, j] += a0 * x[i, j]
                out[o + 1, j] += b0 * x[i, j]
    for o in range(whole, rows):
        for i in range(inputs):
            a0 = weight[o, i]
            for j in range(n):
                out[o, j] += a0 * x[i, j]


@compiled
def transposed(out: Floats, weight: Floats, g: Floats, n: int) -> None:
    """out = weight' g, the first n columns. weight [rows, inputs], g [rows, n]."""
    rows, inputs = weight.shape
    for i in range(inputs):
        for j in range(n):
            out[i, j] = 0
    whole, fours = inputs - inputs % 2, rows - rows % 4
    for i in range(0, whole, 2):
        k = i + 1
        for o in range(0, fours, 4):
            a0, a1, a2, a3 = weight[o, i], weight[o + 1, i], weight[o + 2, i], weight[o + 3, i]
            b0, b1, b2, b3 = weight[o, k], weight[o + 1, k], weight[o + 2, k], weight[o + 3, k]
            for j in range(n):
                g0, g1, g2, g3 = g[o, j], g[o + 1, j], g[o + 2, j], g[o + 3, j]
                out[i, j] += a0 * g0 + a1 * g1 + a2 * g2 + a3 * g3
                out[k, j] += b0 * g0 + b1 * g1 + b2 * g2 + b3 * g3
        for o in range(fours, rows):
            a0, b0 = weight[o, i], weight[o, k]
            for j in range(n):
                out[i, j] += a0 * g[o, j]
                out[k, j] += b0 * g[o, j]
    for i in range(whole, inputs):
        for o in range(rows):
            a0 = weight[o, i]
            for j in range(n):
                out[i, j] += a0 * g[o, j]


@compiled
def outer(out: Floats, g: Floats, x: Floats, n: int) -> None:
    """out += g x' over n columns. out [rows, inputs]."""
    rows, inputs = out.shape
    whole, fours = rows - rows % 2, inputs - inputs % 4
    for o in range(0, whole, 2):
        p = o + 1
        for i in range(0, fours, 4):
            s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = ZERO
            for j in range(n):
                x0, x1, x2, x3 = x[i, j], x[i + 1, j], x[i + 2, j], x[i + 3, j]
                a, b = g[o, j], g[p, j]
                s0 += a * x0
                s1 += a * x1
                s2 += a * x2
                s3 += a * x3
                t0 += b * x0
                t1 += b * x1
                t2 += b * x2
                t3 += b * x3
            out[o, i] += s0
            out[o, i + 1] += s1
            out[o, i + 2] += s2
            out[o, i + 3] += s3
            out[p, i] += t0
            out[p, i + 1] += t1
            out[p, i + 2] += t2
            out[p, i + 3] += t3
        for i in range(fours, inputs):
            s0 = t0 = ZERO
            for j in range(n):
                s0 += g[o, j] * x[i, j]
                t0 += g[p, j] * x[i, j]
            out[o, i] += s0
            out[p, i] += t0
    for o in range(whole, rows):
        for i in range(inputs):
            s0 = ZERO
            for j in range(n):
                s0 += g[o, j] * x[i, j]
            out[o, i] += s0


@compiled
def sums(out: Floats, g: Floats, n: int) -> None:
    """out [rows] += the sum of each row's n columns."""
    for o in range(len(out)):
        total = ZERO
        for j in range(n):
            total += g[o, j]
        out[o] += total


@compiled
def fill(out: Floats, value: np.float32, n: int) -> None:
    """Everything in the first n columns = value."""
    for o in range(len(out)):
        for j in range(n):
            out[o, j] = value

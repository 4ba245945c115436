"""The encoder's walk of imcodec.pyramid.walk, and its rANS coder, as compiled loops.

Strips do not see each other, so threads go through one each. All sums are whole numbers below 2**24
in float32, exact in any order: what comes out is what the walk in NumPy gives, integer for integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid import taps
from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.context import LARGEST_LATENT, LARGEST_WIDTH, PARENTS, Context
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.products import ZERO, Floats, fill, product
from imcodec.pyramid.rans import START, WORD_BITS, Payload
from imcodec.pyramid.table import MEAN_UNIT, Ints, Table
from imcodec.pyramid.taps import BLOCK

LOWEST, HIGHEST = np.float32(-128), np.float32(127)

Slots = NDArray[np.uint16]
#: layer 0 [2, hidden, channels, taps]; inner layers [2, layers, hidden, hidden]; the last one
#: [2, 2, hidden]; and of each layer its multiplier and its zero point
Network = tuple[Floats, Floats, Floats, Floats, Floats]


def encode_latents(
    context: Context, geometry: Geometry, table: Table, latents: Sequence[Ints], threads: int = 1
) -> tuple[Payload, list[Ints]]:
    """As walk.encode_latents(), with `threads` threads."""
    network, cdf = _network(context), table.cdf
    planes = [np.zeros(geometry.plane(level), np.int64) for level in range(geometry.levels + 1)]
    lows, counts = (np.empty(geometry.symbols, np.uint16) for _ in range(2))
    ends = np.cumsum([plane.size for plane in planes[1:]])
    shapes = [
        (2 * geometry.rows(level), geometry.strips, geometry.columns(level) // 2)
        for level in range(1, geometry.levels + 1)
    ]

    def strip(number: int) -> None:
        for level in range(1, geometry.levels + 1):
            part = slice(ends[level - 1] - planes[level].size, ends[level - 1])
            rows, above = geometry.rows(level), geometry.rows(level - 1)
            _level(
                latents[level - 1][number * rows : (number + 1) * rows],
                planes[level - 1][number * above : (number + 1) * above],
                planes[level][number * rows : (number + 1) * rows],
                level - 1 if geometry.row_factor == 2 else 0,
                geometry.row_factor,
                network,
                cdf,
                lows[part].reshape(shapes[level - 1]),
                counts[part].reshape(shapes[level - 1]),
                number,
            )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(strip, range(geometry.strips)))
    return encode(lows, counts, geometry.lanes, table.total), planes[1:]


def _network(context: Context) -> Network:
    first, *inner, last = (weight.astype(np.float32)[:, :, :, 0] for weight in context.weights)
    if first.shape[2:] != (QUEUE + PARENTS, TAPS):
        raise ValueError(f"a network sees {QUEUE + PARENTS} rows of {TAPS} columns")
    hidden, numbers = first.shape[1], range(len(context.weights))
    stacked = np.empty((2, len(inner), hidden, hidden), np.float32)
    for index, weight in enumerate(inner):
        stacked[:, index] = weight[..., 0]
    multipliers = np.array([context.multiplier(index) for index in numbers], np.float32)
    zeros = np.array([context.zero(index) for index in numbers], np.float32)
    return first, stacked, np.ascontiguousarray(last[..., 0]), multipliers, zeros


@compiled
def _bytes(h: Floats, multiplier: np.float32, zero: np.float32, n: int) -> None:
    """Sums to bytes, as QLinearConv does it."""
    for o in range(len(h)):
        for j in range(n):
            h[o, j] = min(max(np.rint(h[o, j] * multiplier) + zero, LOWEST), HIGHEST)


@compiled
def _level(
    wanted: Ints,
    above: Ints,
    coded: Ints,
    filler: int,
    factor: int,
    network: Network,
    cdf: Ints,
    lows: Slots,
    counts: Slots,
    strip: int,
) -> None:
    """One strip's plane [R, 2 w] under the coarser one [R / factor, w]: values, and their slots.

    Writes `coded` [R, 2 w], and `lows` and `counts` [2 R, strips, w] at `strip`.
    """
    w0, inner, last, multipliers, zeros = network
    rows, width, size = wanted.shape[0], wanted.shape[1] // 2, len(cdf)
    hidden, depth, centre = w0.shape[1], inner.shape[1], len(cdf) // 2
    repeat = factor - 1
    stack = np.zeros((QUEUE + 2 * rows, width + TAPS - 1), np.float32)
    parents = taps.beside_zeros(above, -repeat, len(above) + repeat)
    for q in range(QUEUE):
        stack[q, 2:-2] = above[filler]
    units, others = np.empty((hidden, BLOCK), np.float32), np.empty((hidden, BLOCK), np.float32)
    output, no_bias = np.empty((2, BLOCK), np.float32), np.zeros(max(hidden, 2), np.float32)
    for half_row in range(2 * rows):
        row, phase = half_row // 2, half_row % 2
        near = (row + repeat) // factor  # in parents, and the one below it where rows halve
        for start in range(0, width, BLOCK):
            n = min(BLOCK, width - start)
            fill(units, ZERO, n)
            for c in range(QUEUE):
                taps.forwards(units, stack[half_row + c, start:], w0[phase], c, n)
            taps.forwards(units, parents[near, start:], w0[phase], QUEUE, n)
            taps.forwards(units, parents[near + repeat, start:], w0[phase], QUEUE + 1, n)
            _bytes(units, multipliers[0], zeros[0], n)
            for d in range(depth):
                product(others, inner[phase, d], no_bias, units, n)
                _bytes(others, multipliers[d + 1], zeros[d + 1], n)
                units, others = others, units
            product(output, last[phase], no_bias, units, n)
            _bytes(output, multipliers[depth + 1], zeros[depth + 1], n)
            for j in range(n):
                mean, k = np.int64(output[0, j]), np.int64(output[1, j])
                k = min(max(k, 1), LARGEST_WIDTH)
                shift = abs(mean) * k // MEAN_UNIT
                edge = centre + shift if mean > 0 else centre - shift
                value = wanted[row, 2 * (start + j) + phase]
                value = min(max(value, -LARGEST_LATENT), LARGEST_LATENT)
                # Table.clamp(): into the table, then towards its centre until there is a slot
                value = max(value, -((size - 1 - edge) // k))
                value = min(value, edge // k - 1)
                middle = (edge - centre) // k
                upper = edge - k * value
                while cdf[upper] <= cdf[upper - k]:
                    upper += -k if middle > value else k
                    value += 1 if middle > value else -1
                coded[row, 2 * (start + j) + phase] = value
                stack[QUEUE + half_row, start + j + 2] = value
                lows[half_row, strip, start + j] = cdf[upper - k]
                counts[half_row, strip, start + j] = cdf[upper] - cdf[upper - k]


def encode(lows: Slots, counts: Slots, lanes: int, total: int) -> Payload:
    """As rans.encode(), for slot intervals [steps * lanes] of which none is empty."""
    states = np.full(lanes, START, np.int64)
    words = np.empty(len(lows) + lanes, np.uint16)  # a symbol takes one word at most, a lane one
    numbers = np.zeros(total, np.int64)
    used = _encode(lows, counts, states, words, numbers)
    sizes = np.flatnonzero(numbers)
    bits = -float((numbers[sizes] * np.log2(sizes / total)).sum())
    return Payload(words[len(words) - used :].copy(), states, bits)


@compiled
def _encode(lows: Slots, counts: Slots, states: Ints, words: Slots, numbers: Ints) -> int:
    """The last step first, words from the end on; returns how many. Counts every count."""
    total = len(numbers)
    lanes, used = len(states), 0
    for step in range(len(lows) // lanes - 1, -1, -1):
        for lane in range(lanes - 1, -1, -1):
            symbol = step * lanes + lane
            count, state = np.int64(counts[symbol]), states[lane]
            numbers[count] += 1
            if state >= count * (START // total) << WORD_BITS:
                used += 1
                words[len(words) - used] = state & (START - 1)
                state >>= WORD_BITS
            quotient = state // count
            states[lane] = quotient * total + (state - quotient * count) + lows[symbol]
    for lane in range(lanes - 1, -1, -1):
        used += 1
        words[len(words) - used] = states[lane] & (START - 1)
        states[lane] >>= WORD_BITS
    return used

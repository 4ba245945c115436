"""The encoder's walk of imcodec.pyramid.walk, and its rANS coder, as compiled loops.

Strips do not see each other, so threads go through one each. All sums are exact in float32, in any
order, which is checked: what comes out is what the walk in NumPy gives, integer for integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid import taps
from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.context import (
    FIRST,
    LARGEST_LATENT,
    LARGEST_WIDTH,
    LATER,
    PARENTS,
    PHASES,
    Context,
)
from imcodec.pyramid.context_kernel import Arrays, room, say
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.products import Floats
from imcodec.pyramid.rans import START, WORD_BITS, Payload
from imcodec.pyramid.table import MEAN_UNIT, CodingError, Ints, Table
from imcodec.pyramid.taps import BLOCK

Slots = NDArray[np.uint16]

#: float32 holds all whole numbers below
EXACT = 2**24


def encode_latents(
    context: Context, geometry: Geometry, table: Table, latents: Sequence[Ints], threads: int = 1
) -> tuple[Payload, list[Ints]]:
    """As walk.encode_latents(), with `threads` threads.

    Raises CodingError, too, where sums of the context network may not be exact.
    """
    (first, inner, outer, biases), cdf = _network(context), table.cdf
    # the largest numbers that filters and units say, of each strip and phase
    loudest, largest = (
        np.zeros((geometry.strips, PHASES, count), np.float32)
        for count in (context.hidden // 2, context.hidden)
    )
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
                (first, inner, outer, biases[level - 1]),
                cdf,
                lows[part].reshape(shapes[level - 1]),
                counts[part].reshape(shapes[level - 1]),
                number,
                loudest[number],
                largest[number],
            )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(strip, range(geometry.strips)))
    if _largest_sum(context, loudest.max(0), largest.max(0)) >= EXACT:
        raise CodingError("sums of the context network are not exact")
    if max(int(np.abs(plane).max()) for plane in planes) > LARGEST_LATENT:
        raise CodingError("a distribution lies where no latent is")
    return encode(lows, counts, geometry.lanes, table.total), planes[1:]


def _network(context: Context) -> Arrays:
    first = context.first.astype(np.float32) * np.float32(FIRST)
    if first.shape[2:] != (QUEUE + PARENTS, TAPS):
        raise ValueError(f"a network sees {QUEUE + PARENTS} rows of {TAPS} columns")
    inner, outer = (
        np.ascontiguousarray(each[..., 0] * LATER, np.float32)
        for each in (context.inner, context.outer)
    )
    return first, inner, outer, context.biases.astype(np.float32)


def _largest_sum(context: Context, seen: Floats, units: Floats) -> float:
    """What a sum of absolute products of integers can be at most.

    seen [2, filters] and units [2, hidden] are the largest numbers that filters and units said.
    """
    inner, outer, biases = (
        np.abs(each.astype(np.float64)) for each in (context.inner, context.outer, context.biases)
    )
    both = np.tile(seen / FIRST, 2)  # absolute values are as large
    by_inner = np.einsum("poia,pi->po", inner, both) + biases.max(0) / (FIRST * LATER)
    return float(max(by_inner.max(), np.einsum("poia,pi->po", outer, units).max()))


@compiled
def _keep_largest(largest: Floats, x: Floats, n: int) -> None:
    """largest [rows] = the larger of itself and the first n columns of x."""
    for o in range(len(x)):
        found = largest[o]
        for j in range(n):
            found = max(found, abs(x[o, j]))
        largest[o] = found


@compiled
def _level(
    wanted: Ints,
    above: Ints,
    coded: Ints,
    filler: int,
    factor: int,
    network: Arrays,
    cdf: Ints,
    lows: Slots,
    counts: Slots,
    strip: int,
    loudest: Floats,
    largest: Floats,
) -> None:
    """One strip's plane [R, 2 w] under the coarser one [R / factor, w]: values, and their slots.

    Writes `coded` [R, 2 w], `lows` and `counts` [2 R, strips, w] at `strip`; and what filters and
    units said, if it is more, to `loudest` [2, filters] and `largest` [2, hidden].
    """
    rows, width, size = wanted.shape[0], wanted.shape[1] // 2, len(cdf)
    centre, repeat = len(cdf) // 2, factor - 1
    stack = np.zeros((QUEUE + 2 * rows, width + TAPS - 1), np.float32)
    parents = taps.beside_zeros(above, -repeat, len(above) + repeat)
    for q in range(QUEUE):
        stack[q, 2:-2] = above[filler]
    said = room(network[0].shape[1], network[1].shape[1])
    seen, _, units, output = said
    for half_row in range(2 * rows):
        row, phase = half_row // 2, half_row % 2
        near = (row + repeat) // factor  # in parents, and the one below it where rows halve
        for start in range(0, width, BLOCK):
            n = min(BLOCK, width - start)
            say(said, network, phase, stack, half_row, parents, near, repeat, start, n)
            _keep_largest(loudest[phase], seen, n)
            _keep_largest(largest[phase], units, n)
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

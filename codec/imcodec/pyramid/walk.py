"""The context network in exact integers, and the walk over the latents that both directions share.

The order of all latents: level 1 to `levels`; in a level rows from the top, in all strips at once;
in a row the even columns, then the odd ones. Such a half-row has strips * columns / 2 symbols,
strip after strip and from the left. They are decoded in steps of `lanes` symbols: symbol i of the
half-row in step i // lanes, in lane i % lanes.

When a level k begins, each half-row of the queue is row k - 1 of the strips of the coarser plane,
or row 0 where `row_factor` is 1. Level 0 is all zeros.

`walk` goes through a picture's planes in this order. For every half-row it computes (mean, width)
from what is already known and asks `code` for the values; so the encoder, a reference decoder and a
test of the graph all run the same lines. The tests hold them equal to onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.context import FIRST, LARGEST_LATENT, LARGEST_WIDTH, LATER, PHASES, Context
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.rans import Decoder, Payload, encode
from imcodec.pyramid.table import Ints, Table

Floats = NDArray[np.float32]
#: (mean, width) of the symbols of one half-row, each [strips, columns], and where they are: (level,
#: row, phase); returns their values
Code = Callable[[Ints, Ints, tuple[int, int, int]], Ints]


def convolved(inputs: Floats, weight: NDArray[np.float32]) -> Floats:
    """A convolution of each row by itself, stride 1, same size, exact sums in any order.

    [in, H, W] by weight [out, in, taps] -> [out, H, W].
    """
    out, channels, taps = weight.shape
    padded = np.pad(inputs, ((0, 0), (0, 0), (taps // 2, (taps - 1) // 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, taps, 2)  # [in, H, W, taps]
    columns = windows.transpose(1, 2, 0, 3).reshape(-1, channels * taps)
    sums = columns @ weight.reshape(out, -1).T  # [H*W, out]
    return np.ascontiguousarray(sums.T).reshape(out, *inputs.shape[1:])


def network(context: Context, level: int, phase: int, known: Floats) -> tuple[Ints, Ints]:
    """(mean, width), each [H, W], from what is known [queue + 2, H, W]."""
    first = context.first[phase] * np.float32(FIRST)
    inner, outer = (each[phase] * np.float32(LATER) for each in (context.inner, context.outer))
    biases = context.biases[level - 1, phase].astype(np.float32)[:, None, None]
    seen = convolved(known, first)
    both = np.concatenate([seen, abs(seen)])
    hidden = np.maximum(np.rint(convolved(both, inner) + biases), 0)
    outputs = convolved(hidden, outer)
    mean, width = np.trunc(outputs).astype(np.int64)
    return mean, np.clip(width, 1, LARGEST_WIDTH)


def walk_level(context: Context, geometry: Geometry, level: int, parent: Ints, code: Code) -> Ints:
    """One level. parent [rows, strips, columns] -> plane [factor * rows, strips, 2 * columns]."""
    rows, strips, columns = parent.shape
    factor = geometry.row_factor
    parent = parent.astype(np.float32)
    # the loop counter picks the row that fills the queue: any will do, and this costs no bytes
    filler = parent[level - 1 if factor == 2 else 0]
    queue = np.repeat(filler[None], context.queue, 0)  # [queue, strips, columns]
    plane = np.empty((rows * factor, strips, columns, PHASES), np.int64)
    for row in range(len(plane)):
        near = ((row - 1) // 2, (row + 1) // 2) if factor == 2 else (row, row)
        above = parent[np.clip(near, 0, rows - 1)]
        for phase in range(PHASES):
            known = np.concatenate([queue, above])
            value = code(*network(context, level, phase, known), (level, row, phase))
            plane[row, :, :, phase] = value
            queue = np.concatenate([queue[1:], value[None].astype(np.float32)])
    return plane.reshape(len(plane), strips, 2 * columns)


def walk(context: Context, geometry: Geometry, code: Code) -> list[Ints]:
    """All planes, coarse to fine, each [height, width] in picture order."""
    planes = [np.zeros(geometry.plane(0), np.int64)]
    for level in range(1, geometry.levels + 1):
        _height, width = planes[-1].shape
        parent = planes[-1].reshape(geometry.strips, -1, width).swapaxes(0, 1)
        plane = walk_level(context, geometry, level, parent, code)
        planes.append(plane.swapaxes(0, 1).reshape(geometry.plane(level)))
    return planes[1:]


def part_of(geometry: Geometry, plane: Ints, row: int, phase: int) -> Ints:
    """The values of one half-row [strips, columns] of a plane [H, W]."""
    return plane.reshape(geometry.strips, -1, plane.shape[1])[:, row, phase::PHASES]


def encode_latents(
    context: Context, geometry: Geometry, table: Table, latents: Sequence[Ints]
) -> tuple[Payload, list[Ints]]:
    """The payload, and the planes as coded: values out of the table's reach are clamped.

    latents: one [height, width] integer plane per level, coarse to fine, of
    `geometry.plane(level)`. Raises CodingError where the network leaves the table.
    """
    lows: list[Ints] = []
    counts: list[Ints] = []

    def code(mean: Ints, width: Ints, where: tuple[int, int, int]) -> Ints:
        level, row, phase = where
        edge = table.edge(mean, width)
        value = part_of(geometry, latents[level - 1], row, phase)
        value = table.clamp(edge, width, np.clip(value, -LARGEST_LATENT, LARGEST_LATENT))
        low, count = table.frequencies(edge, width, value)
        lows.append(low.reshape(-1, geometry.lanes))
        counts.append(count.reshape(-1, geometry.lanes))
        return value

    planes = walk(context, geometry, code)
    return encode(np.concatenate(lows), np.concatenate(counts), table.total), planes


def decode_latents(
    context: Context, geometry: Geometry, table: Table, payload: Payload
) -> tuple[list[Ints], Decoder]:
    """The planes again, by the reference decoder; it must end in the start state."""
    decoder = Decoder(table, payload.words, payload.states)

    def code(mean: Ints, width: Ints, where: tuple[int, int, int]) -> Ints:
        lanes, edge = geometry.lanes, table.edge(mean, width)
        steps = zip(edge.reshape(-1, lanes), width.reshape(-1, lanes), strict=True)
        return np.stack([decoder.step(e, w) for e, w in steps]).reshape(mean.shape)

    return walk(context, geometry, code), decoder

"""Bits of every latent as the file's own table codes it, for integers that are all known.

What imcodec.pyramid.walk_kernel computes on its way, without its order: where nothing has to be
moved into the table, a row need not wait for those above, and threads share the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np

from imcodec.pyramid import taps
from imcodec.pyramid.bands import Band, pieces
from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.context import LARGEST_WIDTH
from imcodec.pyramid.context_kernel import REACH, Arrays, half_rows, room, say
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.header import QUEUE
from imcodec.pyramid.products import Floats
from imcodec.pyramid.rate_kernel import with_above
from imcodec.pyramid.table import MEAN_UNIT, Ints, Table
from imcodec.pyramid.taps import BLOCK

#: what a latent that the table cannot code is said to take: more than any change could save
UNCODABLE = 1e6


class ExactRate:
    """The table's code lengths for a picture's latents under any context network."""

    def __init__(self, geometry: Geometry, piece: int) -> None:
        self._geometry = geometry
        table = Table()
        self._cdf = table.cdf
        counts = np.arange(table.total + 1, dtype=np.float64)
        counts[0] = 1
        #: bits by the number of slots
        self._lengths = np.float32(-np.log2(counts / table.total))
        self._lengths[0] = UNCODABLE
        self._bands = [band for shared in pieces(geometry, piece) for band in shared]

    def bits(
        self,
        network: Arrays,
        planes: Sequence[Floats],
        levels: Collection[int],
        each: Callable[..., Iterable[object]] = map,
    ) -> dict[int, Floats]:
        """Bits [height, width] of the latents of some levels, counted from 1.

        planes: whole numbers as floats [height, width], coarse to fine; network: the layers times
        their multipliers, first [2, filters, rows, taps], inner, outer, biases [levels, 2, hidden].
        `each` is map, or that of a pool of threads.
        """
        g = self._geometry
        found = {level: np.empty(g.plane(level), np.float32) for level in levels}
        first, inner, outer, biases = network
        stacks = [plane.reshape(g.strips, -1, plane.shape[1]) for plane in planes]

        def work(band: Band) -> None:
            level, rows = band.level, g.rows(band.level)
            _band_bits(
                *with_above(stacks, band),
                band.start,
                band.stop,
                level - 1 if g.row_factor == 2 else 0,
                g.row_factor,
                (first, inner, outer, biases[level - 1]),
                self._cdf,
                self._lengths,
                found[level][band.strip * rows : (band.strip + 1) * rows],
            )

        list(each(work, [band for band in self._bands if band.level in levels]))
        return found


@compiled
def _band_bits(
    plane: Floats,
    above: Floats,
    start: int,
    stop: int,
    filler: int,
    factor: int,
    network: Arrays,
    cdf: Ints,
    lengths: Floats,
    bits: Floats,
) -> None:
    """Rows of one strip's plane [R, 2 w] under the coarser one [R / factor, w] or none [0, w]."""
    width, size, centre = plane.shape[1] // 2, len(cdf), len(cdf) // 2
    said = room(network[0].shape[1], network[1].shape[1])
    output = said[3]
    repeat = factor - 1
    stack = half_rows(plane, above, filler, start, stop)
    top = (start - repeat) // factor  # -1: the row beyond the plane
    parents = taps.beside_zeros(above, top, (stop - 1 - repeat) // factor + repeat + 1)
    for half_row in range(2 * (stop - start)):
        row, phase = start + half_row // 2, half_row % 2
        queue = 2 * REACH - QUEUE + half_row
        near = (row - repeat) // factor - top
        for left in range(0, width, BLOCK):
            n = min(BLOCK, width - left)
            say(said, network, phase, stack, queue, parents, near, repeat, left, n)
            for j in range(n):
                mean, k = np.int64(output[0, j]), np.int64(output[1, j])
                k = min(max(k, 1), LARGEST_WIDTH)
                shift = abs(mean) * k // MEAN_UNIT
                value = np.int64(stack[2 * REACH + half_row, left + j + 2])
                upper = (centre + shift if mean > 0 else centre - shift) - k * value
                count = 0
                if upper >= k and upper < size:
                    count = cdf[upper] - cdf[upper - k]
                bits[row, 2 * (left + j) + phase] = lengths[count]

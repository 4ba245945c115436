"""The context network over a block of a half-row, as a compiled loop: forwards.

Contexts are never laid out: the first layer adds shifted rows, so that all that belongs to a block
stays in the nearest caches. The fit's pass (imcodec.pyramid.rate_kernel), exact costs (.exact_rate)
and the encoder's walk (.walk_kernel) begin with this.
"""

from __future__ import annotations

import numpy as np

from imcodec.pyramid import taps
from imcodec.pyramid.compiled import compiled
from imcodec.pyramid.context import PARENTS
from imcodec.pyramid.header import QUEUE
from imcodec.pyramid.products import ZERO, Floats, aligned, fill, product
from imcodec.pyramid.taps import BLOCK

#: rows above that the queue of a row's first half goes back to
REACH = (QUEUE + 1) // 2
#: of the outer layer
NO_BIAS = np.zeros(2, np.float32)

#: the first layer [2, filters, channels, taps], the inner one [2, hidden, hidden], the outer one
#: [2, 2, hidden], each times its multiplier, and the inner one's biases, of all levels
#: [levels, 2, hidden] or of one [2, hidden]
Arrays = tuple[Floats, Floats, Floats, Floats]
#: what the layers say of a block: the first one [filters, BLOCK], that and its absolute values, the
#: units of the inner one, and the outer one [2, BLOCK], mean and width
Said = tuple[Floats, Floats, Floats, Floats]


@compiled
def room(filters: int, hidden: int) -> Said:
    """For what is said of a block."""
    return (
        aligned(filters, BLOCK),
        aligned(hidden, BLOCK),
        aligned(hidden, BLOCK),
        aligned(2, BLOCK),
    )


@compiled
def say(
    said: Said,
    network: Arrays,
    phase: int,
    stack: Floats,
    queue: int,
    parents: Floats,
    near: int,
    repeat: int,
    left: int,
    n: int,
) -> None:
    """What a level's network says of columns `left` to `left + n` of a half-row.

    Its queue begins with row `queue` of `stack`, its parents are rows `near` and `near + repeat`.
    """
    seen, both, units, output = said
    first, inner, outer, biases = network
    fill(seen, ZERO, n)
    for c in range(QUEUE + PARENTS if len(parents) else QUEUE):
        x = stack[queue + c, left:] if c < QUEUE else parents[near + (c - QUEUE) * repeat, left:]
        taps.forwards(seen, x, first[phase], c, n)
    _with_absolutes(both, seen, n)
    product(units, inner[phase], biases[phase], both, n)
    _rectify(units, n)
    product(output, outer[phase], NO_BIAS, units, n)


@compiled
def _with_absolutes(both: Floats, seen: Floats, n: int) -> None:
    """Numbers, and then their absolute values."""
    filters = len(seen)
    for o in range(filters):
        for j in range(n):
            both[o, j] = seen[o, j]
            both[filters + o, j] = abs(seen[o, j])


@compiled
def _rectify(h: Floats, n: int) -> None:
    """Whole numbers from 0 on."""
    for o in range(len(h)):
        for j in range(n):
            h[o, j] = max(np.rint(h[o, j]), ZERO)


@compiled
def half_rows(plane: Floats, above: Floats, filler: int, start: int, stop: int) -> Floats:
    """Half-rows of rows and of those that their queues reach, zeros beside: [2 rows, w + 4].

    The queue of the plane's first row begins with row `filler` of the coarser one, if there is any.
    """
    width = plane.shape[1] // 2
    stack = np.zeros((2 * (stop - start + REACH), width + 4), np.float32)
    for i in range(stop - start + REACH):
        row, even, odd = start - REACH + i, stack[2 * i], stack[2 * i + 1]
        if row >= 0:
            for j in range(width):
                even[j + 2] = plane[row, 2 * j]
                odd[j + 2] = plane[row, 2 * j + 1]
        elif len(above):
            even[2:-2] = odd[2:-2] = above[filler]
    return stack

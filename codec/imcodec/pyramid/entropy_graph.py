"""The entropy decoder's part of the graph: table, rANS step, context network, one half-row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imcodec.pyramid.context import LARGEST_WIDTH
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.table import MEAN_UNIT, Table
from imcodec.pyramid.writer import Graph

FLOAT, INT64 = 1, 7  # Cast targets


@dataclass(frozen=True)
class Constants:
    """Names of what every body uses."""

    total: str  # M, rank 0
    start: str  # 2**16 as [1]
    zero: str  # 0 as [1]
    one: str  # 1 as [1]
    words: str  # the last one first
    cdf: str  # [J]
    entry: str  # first entry with cdf > slot, [M-1, 1]
    scale: str  # 1/64
    sizes: str  # rows of the later layers: hidden units, and mean and width


def tables(graph: Graph, table: Table) -> tuple[str, str, str]:
    """(cdf, entries by slot, M); see imcodec.pyramid.table.Table."""
    total, one = graph.constant(table.total, np.int64), graph.constant(1, np.int64)
    start, end, step, scale = (
        graph.constant(value, np.float32)
        for value in (table.start, table.end, table.step, table.scale)
    )
    places = graph.op("Range", start, end, step)
    exact = graph.op("Sum", graph.op("Mul", graph.op("Sigmoid", places), scale), places, end)
    cdf = graph.op("Cast", exact, to=INT64)
    # the smaller of cdf and slot + 1 is largest where cdf > slot: the first such entry is wanted.
    # TopK, as ArgMax of int64 is missing in runtimes before 1.20
    slots = graph.op("Flatten", graph.op("Range", one, total, one))
    entry = graph.node("TopK", graph.op("Min", cdf, slots), graph.ints(1), outputs=2)[1]
    return cdf, entry, total


def step_body(parent: Graph, c: Constants) -> Graph:
    """Scan body, one symbol a lane: states, position | edge, width -> states, position | last.

    States are [N]; edge, width and entries are [N, 1], as TopK hands the table out: GatherND takes
    the last axis away, and costs less than a Squeeze of the table.
    """
    g = Graph(parent)
    states, position, edge, width = (g.input() for _ in range(4))
    need = g.op("Less", states, c.start)
    taken = g.op("CumSum", g.op("Where", need, c.one, c.zero), c.zero)
    index = g.op("Sub", position, taken)  # from the end: -1 is the first word
    word = g.op("Gather", c.words, index)
    refilled = g.op("Add", g.op("Mul", states, c.start), word)
    full = g.op("Where", need, refilled, states)
    slot = g.op("Mod", full, c.total)
    entry = g.op("Gather", c.entry, slot)
    last = g.op("Add", g.op("Mod", g.op("Sub", edge, entry), width), entry)
    low = g.op("GatherND", c.cdf, g.op("Sub", last, width))
    count = g.op("Sub", g.op("GatherND", c.cdf, last), low)
    left = g.op("Mul", count, g.op("Div", full, c.total))
    g.output(g.op("Add", left, g.op("Sub", slot, low)))
    g.output(g.op("ReduceMin", index))
    g.output(last)
    return g


def network(g: Graph, c: Constants, taps: int, layers: list[str], known: str) -> str:
    """The context network, float32 [S, queue + 2, W] -> [S, 2, W], not yet whole numbers."""
    first, later, biases = layers
    pads = [taps // 2, (taps - 1) // 2]
    seen = g.op("Conv", known, first, pads=pads)
    both = g.op("Concat", seen, g.op("Abs", seen), axis=1)
    inner, outer = g.node("Split", later, c.sizes, outputs=2)
    hidden = g.op("Relu", g.op("Round", g.op("Conv", both, inner, biases)))
    return g.op("Conv", hidden, outer)


def decode_symbols(
    g: Graph,
    c: Constants,
    geometry: Geometry,
    parameters: str,
    states: str,
    position: str,
    shape: str,
) -> tuple[str, str, str]:
    """(states, position, values float32 of `shape`) from [S, 2, W] (mean, width)."""
    if geometry.strips > 1:  # all means, then all widths
        parameters = g.op("Transpose", parameters, perm=[1, 0, 2])
    rows = g.op("Reshape", g.op("Cast", parameters, to=INT64), g.ints(-1, geometry.lanes, 1))
    mean, width = g.node("Split", rows, outputs=2)  # each [steps, lanes, 1]
    # every mean has a symbol inside the table then, and no forged network divides by zero
    one, centre, unit = (g.constant(value, np.int64) for value in (1, LARGEST_WIDTH, MEAN_UNIT))
    width = g.op("Clip", width, one, centre)
    edge = g.op("Add", centre, g.op("Div", g.op("Mul", mean, width), unit))  # towards zero
    body = step_body(g, c).proto
    states, position, last = g.node(
        "Scan", states, position, edge, width, outputs=3, body=body, num_scan_inputs=2
    )
    values = g.op("Div", g.op("Sub", edge, last), width)  # exact; outside the steps, all at once
    return states, position, g.op("Cast", g.op("Reshape", values, shape), to=FLOAT)


def push(g: Graph, c: Constants, queue: str, newest: str) -> str:
    """Queue [S, Q, W] without its oldest half-rows, with `newest` [S, 1, W] at the end."""
    return g.op("Concat", g.op("Slice", queue, c.one, c.start, c.one), newest, axis=1)

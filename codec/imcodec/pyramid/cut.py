"""The decoder's own graphs: a file's, cut in two, and made for speed instead of few bytes.

A file's graph decodes all latents whenever it draws a point, and draws all points at once. Here the
latents are decoded once, and then drawn as often as needed, chunk by chunk. Both graphs stay in
memory. The latents are the same integers; colours differ by 1 at most. The tests hold them to that.

    latents     no input; outputs `planes`, all levels one after another, row by row, int8
                [symbols], and where the decoder stands at the end: `states` int64 [lanes],
                `position` int64 [1], the number of words read
    synthesis   inputs `grid` and, per level, `p1`, `p2`, ... float32 [1, 1, H, W], the filtered
                latents times the table's step; output `rgb`, as that of the file

What is faster: the table is a constant; the context network computes in float32, which holds all of
its integers exactly (imcodec.pyramid.walk) and takes a third of the time of bytes; the phases of a
row are written out; colours are made by products of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from imcodec.pyramid.context import LARGEST_WIDTH, PARENTS, PHASES, Context
from imcodec.pyramid.graph import Picture, parent_rows, place, serialised
from imcodec.pyramid.rans import START, Payload
from imcodec.pyramid.table import MEAN_UNIT, Table
from imcodec.pyramid.writer import Graph

LATENTS_OUTPUTS = ("planes", "states", "position")

INT8, INT64, FLOAT = TensorProto.INT8, TensorProto.INT64, TensorProto.FLOAT


def plane_name(level: int) -> str:
    """The input of the synthesis that takes the plane of a level, 1 and up."""
    return f"p{level}"


@dataclass(frozen=True)
class _Tables:
    """Names of the constants of the entropy decoder."""

    cdf: str  # [J]
    entry: str  # first entry with cdf <= slot, [M-1]
    words: str  # int64, a 0 before them: the position counts words read
    total: str
    start: str
    zero: str


def build_latents(picture: Picture, payload: Payload) -> bytes:
    """The part that decodes the latents."""
    geometry, graph = picture.geometry, Graph()
    tables = _tables(graph, picture.table, payload)
    states = graph.constant(payload.states, np.int64)
    sizes = (geometry.base_rows, 1, 1, geometry.strips, geometry.base_columns)
    plane = graph.op("Expand", graph.constant(0, np.int8), graph.ints(*sizes))
    body = _level_body(graph, picture, tables, _layers(graph, picture.context))
    _, states, position, planes = graph.node(
        "Loop",
        *(graph.ints(geometry.levels), ""),
        *(plane, states, tables.zero, graph.constant([], np.int8)),
        outputs=[graph.name(), "states", "position", "planes"],
        body=body.proto,
    )
    graph.output(planes, np.int8, 1)
    graph.output(states, np.int64, 1)
    graph.output(position, np.int64, 1)
    return b"".join(serialised(graph, "", frozenset(LATENTS_OUTPUTS)))


def _tables(graph: Graph, table: Table, payload: Payload) -> _Tables:
    return _Tables(
        cdf=graph.constant(table.cdf, np.int64),
        entry=graph.constant(table.first_at_most, np.int64),
        words=graph.constant(np.concatenate([[0], payload.words]), np.int64),
        total=graph.constant(table.total, np.int64),
        start=graph.ints(START),
        zero=graph.ints(0),
    )


def _layers(graph: Graph, context: Context) -> list[list[tuple[str, str]]]:
    """(weight, bias) of every layer, for each phase, the multipliers in them.

    Hidden units are 0 .. 255 here and not stored less 128, which makes the biases.
    """
    phases = []
    for phase in range(PHASES):
        layers = []
        for index, weight in enumerate(context.of_phase(phase)):
            scaled = weight * np.float32(context.multiplier(index))
            bias = context.floor * scaled.sum(axis=(1, 2, 3)) if index else np.zeros(len(weight))
            layers.append(
                (graph.constant(scaled, np.float32), graph.constant(bias, np.float32)),
            )
        phases.append(layers)
    return phases


def _level_body(
    main: Graph, picture: Picture, tables: _Tables, layers: list[list[tuple[str, str]]]
) -> Graph:
    """Loop body: level, on, plane, states, position, planes -> on, the same four.

    A plane is int8 [rows, 1, 1, strips, columns], as in imcodec.pyramid.graph.
    """
    g, factor = Graph(main), picture.geometry.row_factor
    level, on = g.input(np.int64, 0), g.input(np.bool_, 0)
    plane, states, position = g.input(np.int8, 5), g.input(np.int64, 1), g.input(np.int64, 1)
    planes = g.input(np.int8, 1)
    g.output(on)
    filler = g.op("Gather", plane, level if factor == 2 else g.constant(0, np.int64))
    sizes = g.ints(1, picture.context.queue, 1, 1)
    queue = g.op("Expand", g.op("Cast", filler, to=FLOAT), sizes)
    rows = parent_rows(g, picture.geometry, plane)
    body = _row_body(g, picture, tables, layers).proto
    states, position, _, plane = g.node(
        "Scan", states, position, queue, *rows, outputs=4, body=body, num_scan_inputs=PARENTS
    )
    for name in (plane, states, position):
        g.output(name)
    drawn = g.op("Transpose", plane, perm=[1, 2, 3, 0, 4])  # strip after strip
    g.output(g.op("Concat", planes, g.op("Reshape", drawn, g.ints(-1)), axis=0))
    return g


def _row_body(
    parent: Graph, picture: Picture, tables: _Tables, layers: list[list[tuple[str, str]]]
) -> Graph:
    """Scan body: states, position, queue | parent rows -> states, position, queue | row.

    The queue is float32 [1, queue, strips, columns], rows are int8 [1, 1, strips, columns].
    """
    g = Graph(parent)
    states, position = g.input(np.int64, 1), g.input(np.int64, 1)
    queue, *rows = g.input(np.float32, 4), *(g.input(np.int8, 4) for _ in range(PARENTS))
    shape = g.ints(1, 1, picture.geometry.strips, -1)
    above = g.op("Cast", g.op("Concat", *rows, axis=1), to=FLOAT)
    halves = []
    for phase in range(PHASES):
        known = g.op("Concat", queue, above, axis=1)
        edge, width = _network(g, picture, layers[phase], known)
        body = _step_body(g, tables).proto
        states, position, first = g.node(
            "Scan", states, position, edge, width, outputs=3, body=body, num_scan_inputs=2
        )
        values = g.op("Reshape", g.op("Div", g.op("Sub", first, edge), width), shape)
        halves.append(g.op("Unsqueeze", g.op("Cast", values, to=INT8), g.ints(4)))
        rest = g.op("Slice", queue, g.ints(1), g.ints(START), g.ints(1))
        queue = g.op("Concat", rest, g.op("Cast", values, to=FLOAT), axis=1)
    for name in (states, position, queue):
        g.output(name)
    g.output(g.op("Reshape", g.op("Concat", *halves, axis=4), shape))
    return g


def _network(
    g: Graph, picture: Picture, layers: list[tuple[str, str]], known: str
) -> tuple[str, str]:
    """(edge, width), each int64 [steps, lanes], from float32 [1, queue + 2, strips, columns]."""
    taps = picture.context.taps
    values = known
    for index, (weight, bias) in enumerate(layers):
        pads = {"pads": [0, taps // 2, 0, (taps - 1) // 2]} if index == 0 else {}
        values = g.op("Round", g.op("Conv", values, weight, bias, **pads))  # halves to even
        if index < len(layers) - 1:
            ends = (g.constant(value, np.float32) for value in (0, 255))
            values = g.op("Clip", values, *ends)
    least = g.constant([[[[-128]], [[1]]]], np.float32)  # of mean, of width
    largest = g.constant([[[[127]], [[LARGEST_WIDTH]]]], np.float32)
    values = g.op("Min", g.op("Max", values, least), largest)
    rows = g.op("Reshape", g.op("Cast", values, to=INT64), g.ints(-1, picture.geometry.lanes))
    mean, width = g.node("Split", rows, outputs=2)
    centre, unit = (g.constant(value, np.int64) for value in (picture.table.centre, MEAN_UNIT))
    edge = g.op("Sub", centre, g.op("Div", g.op("Mul", mean, width), unit))
    return edge, width


def _step_body(parent: Graph, t: _Tables) -> Graph:
    """Scan body, one symbol a lane: states, position | edge, width -> states, position | first."""
    g = Graph(parent)
    states, position, edge, width = (g.input(np.int64, 1) for _ in range(4))
    slot = g.op("Mod", states, t.total)
    entry = g.op("Gather", t.entry, slot)
    last = g.op("Add", g.op("Mod", g.op("Sub", edge, entry), width), entry)
    first = g.op("Sub", last, width)
    low = g.op("Gather", t.cdf, last)
    count = g.op("Sub", g.op("Gather", t.cdf, first), low)
    left = g.op("Mul", count, g.op("Div", states, t.total))
    left = g.op("Add", left, g.op("Sub", slot, low))
    need = g.op("Less", left, t.start)
    index = g.op("Add", g.op("CumSum", g.op("Cast", need, to=INT64), t.zero), position)
    refilled = g.op("Add", g.op("Mul", left, t.start), g.op("Gather", t.words, index))
    g.output(g.op("Where", need, refilled, left))
    g.output(g.op("ReduceMax", index))
    g.output(first)
    return g


def build_synthesis(picture: Picture) -> bytes:
    """The part that draws the latents, P points of a grid [1, 1, P, 2]."""
    graph = Graph()
    levels = picture.geometry.levels
    scale = np.float32(picture.context.scale)
    weights = picture.synthesis[:, :, 0, 0] * scale
    first, threshold, second = np.split(weights, [levels, levels + 1])
    grid = place(graph, picture.geometry, graph.input(np.float32, 4, "grid"))
    names = [plane_name(level + 1) for level in range(levels)]
    planes = [graph.input(np.float32, 4, name) for name in names]
    sampled = [graph.op("GridSample", plane, grid, padding_mode="border") for plane in planes]
    features = graph.op("Reshape", graph.op("Concat", *sampled, axis=1), graph.ints(levels, -1))
    hidden = graph.op("MatMul", graph.constant(first.T, np.float32), features)  # [units, P]
    hidden = graph.op("Max", hidden, graph.constant(threshold.T, np.float32))
    colour = graph.op("MatMul", graph.constant(second, np.float32), hidden)  # [C, P]
    bytes_ = graph.op("QuantizeLinear", colour, graph.constant(scale, np.float32))
    shape = graph.ints(1, 1, -1, picture.channels)
    rows = graph.op("Transpose", bytes_, perm=[1, 0])
    graph.output(graph.node("Reshape", rows, shape, outputs=["rgb"])[0], np.uint8, 4)
    return b"".join(serialised(graph, "", frozenset({"grid", "rgb", *names})))

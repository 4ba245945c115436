"""The decoder's own graphs: a file's, cut in two, and made for speed and little memory.

A file's graph decodes all latents whenever it draws a point, and draws all points at once. Here the
latents are decoded once, some rows at a time, and drawn chunk by chunk. Between the two is NumPy's
part, filters and interpolation (imcodec.pyramid.sampling). The latents are the same integers;
colours differ by 1 at most. The tests hold them to that.

    rows        the next rows of a level, of all strips. Inputs: `states` int64 [lanes]; `words`
                int64, any number, and then those that come next; `queue` float32
                [1, queue, strips, columns / 2], the half-rows before; `above` float32
                [rows, 1, 2, strips, columns / 2], the two nearest rows of the coarser plane of each
                row; `biases` float32 [2, hidden], those of the level. Outputs: `latents` int8
                [rows, 1, 1, strips, columns]; `states_after`, `queue_after`, and `count` int64 [1],
                the number of words read
    synthesis   input `features` float32 [levels, points], the filtered latents at each point times
                the table's step; output `rgb` uint8 [points, channels]

What is faster: the table is a constant; the phases of a row are written out; colours are made by
products of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from imcodec.pyramid.context import FIRST, LARGEST_WIDTH, LATER, PHASES, Context
from imcodec.pyramid.graph import Picture, serialised
from imcodec.pyramid.rans import START
from imcodec.pyramid.table import MEAN_UNIT, Table
from imcodec.pyramid.writer import Graph

ROWS_OUTPUTS = ("latents", "states_after", "queue_after", "count")

#: numbers that a layer of the context network may have at a time; beyond, strip after strip
LAYER_NUMBERS = 2**20

INT8, INT64, FLOAT = TensorProto.INT8, TensorProto.INT64, TensorProto.FLOAT


@dataclass(frozen=True)
class _Layers:
    """Names of a phase's weights, and of the inner layer's biases."""

    first: str
    inner: str
    outer: str
    biases: str


@dataclass(frozen=True)
class _Tables:
    """Names of the constants of the entropy decoder."""

    cdf: str  # [J]
    entry: str  # first entry with cdf > slot, [M-1]
    words: str  # int64, one before them: the position counts words read
    total: str
    start: str
    zero: str


def build_rows(picture: Picture) -> bytes:
    """The part that decodes latents."""
    graph = Graph()
    states, words = (graph.input(np.int64, 1, name) for name in ("states", "words"))
    queue, above = graph.input(np.float32, 4, "queue"), graph.input(np.float32, 5, "above")
    biases = graph.input(np.float32, 2, "biases")
    tables = _tables(graph, picture.table, words)
    body = _row_body(graph, picture, tables, _layers(graph, picture.context, biases)).proto
    _, states_after, queue_after, count = ROWS_OUTPUTS
    graph.node(
        "Scan",
        *(states, tables.zero, queue, above),
        outputs=[states_after, count, queue_after, "latents"],
        body=body,
        num_scan_inputs=1,
    )
    graph.output("latents", np.int8, 5)
    graph.output(states_after, np.int64, 1)
    graph.output(queue_after, np.float32, 4)
    graph.output(count, np.int64, 1)
    names = frozenset({states, words, queue, above, biases, *ROWS_OUTPUTS})
    return b"".join(serialised(graph, "", names))


def _tables(graph: Graph, table: Table, words: str) -> _Tables:
    return _Tables(
        cdf=graph.constant(table.cdf, np.int64),
        entry=graph.constant(table.first_above, np.int64),
        words=words,
        total=graph.constant(table.total, np.int64),
        start=graph.ints(START),
        zero=graph.ints(0),
    )


def _layers(graph: Graph, context: Context, biases: str) -> list[_Layers]:
    """The layers of each phase, the multipliers in them."""
    both = graph.node("Split", biases, outputs=PHASES)
    phases = []
    for phase in range(PHASES):
        phases.append(
            _Layers(
                graph.constant(context.first[phase][:, :, None] * FIRST, np.float32),
                graph.constant(context.inner[phase][..., None] * LATER, np.float32),
                graph.constant(context.outer[phase][..., None] * LATER, np.float32),
                graph.op("Squeeze", both[phase], graph.ints(0)),
            )
        )
    return phases


def _row_body(parent: Graph, picture: Picture, tables: _Tables, layers: list[_Layers]) -> Graph:
    """Scan body: states, position, queue | above -> states, position, queue | row.

    The queue is float32 [1, queue, strips, columns], above [1, 2, strips, columns], the row int8
    [1, 1, strips, 2 * columns].
    """
    g = Graph(parent)
    states, position = g.input(np.int64, 1), g.input(np.int64, 1)
    queue, above = g.input(np.float32, 4), g.input(np.float32, 4)
    shape = g.ints(1, 1, picture.geometry.strips, -1)
    halves = []
    for phase in range(PHASES):
        known = g.op("Concat", queue, above, axis=1)
        edge, width = _parameters(g, picture, layers[phase], known)
        body = _step_body(g, tables).proto
        states, position, last = g.node(
            "Scan", states, position, edge, width, outputs=3, body=body, num_scan_inputs=2
        )
        values = g.op("Reshape", g.op("Div", g.op("Sub", edge, last), width), shape)
        halves.append(g.op("Unsqueeze", g.op("Cast", values, to=INT8), g.ints(4)))
        rest = g.op("Slice", queue, g.ints(1), g.ints(START), g.ints(1))
        queue = g.op("Concat", rest, g.op("Cast", values, to=FLOAT), axis=1)
    for name in (states, position, queue):
        g.output(name)
    g.output(g.op("Reshape", g.op("Concat", *halves, axis=4), shape))
    return g


def _parameters(g: Graph, picture: Picture, layers: _Layers, known: str) -> tuple[str, str]:
    """(edge, width), each int64 [steps, lanes], from float32 [1, queue + 2, strips, columns]."""
    geometry = picture.geometry
    halfrow = geometry.strips * geometry.columns(geometry.levels) // PHASES
    if picture.context.hidden * halfrow > LAYER_NUMBERS:
        body = Graph(g)
        strip = body.op("Unsqueeze", body.input(np.float32, 3), body.ints(2))
        out = body.op("Squeeze", _network(body, picture, layers, strip), body.ints(2))
        body.output(out)
        values = g.op(
            "Scan",
            known,
            body=body.proto,
            num_scan_inputs=1,
            scan_input_axes=[2],
            scan_output_axes=[2],
        )
    else:
        values = _network(g, picture, layers, known)
    rows = g.op("Reshape", g.op("Cast", values, to=INT64), g.ints(-1, geometry.lanes))
    mean, width = g.node("Split", rows, outputs=2)
    centre, unit, one = (
        g.constant(value, np.int64) for value in (picture.table.centre, MEAN_UNIT, 1)
    )
    width = g.op("Clip", width, one, g.constant(LARGEST_WIDTH, np.int64))
    edge = g.op("Add", centre, g.op("Div", g.op("Mul", mean, width), unit))
    return edge, width


def _network(g: Graph, picture: Picture, layers: _Layers, known: str) -> str:
    """Mean and width, float32 [1, 2, strips, columns], from [1, queue + 2, strips, columns]."""
    taps = picture.context.taps
    seen = g.op("Conv", known, layers.first, pads=[0, taps // 2, 0, (taps - 1) // 2])
    both = g.op("Concat", seen, g.op("Abs", seen), axis=1)
    units = g.op("Relu", g.op("Round", g.op("Conv", both, layers.inner, layers.biases)))
    return g.op("Conv", units, layers.outer)


def _step_body(parent: Graph, t: _Tables) -> Graph:
    """Scan body, one symbol a lane: states, position | edge, width -> states, position | last."""
    g = Graph(parent)
    states, position, edge, width = (g.input(np.int64, 1) for _ in range(4))
    need = g.op("Less", states, t.start)
    index = g.op("Add", g.op("CumSum", g.op("Cast", need, to=INT64), t.zero), position)
    refilled = g.op("Add", g.op("Mul", states, t.start), g.op("Gather", t.words, index))
    full = g.op("Where", need, refilled, states)
    slot = g.op("Mod", full, t.total)
    entry = g.op("Gather", t.entry, slot)
    last = g.op("Add", g.op("Mod", g.op("Sub", edge, entry), width), entry)
    low = g.op("Gather", t.cdf, g.op("Sub", last, width))
    count = g.op("Sub", g.op("Gather", t.cdf, last), low)
    left = g.op("Mul", count, g.op("Div", full, t.total))
    g.output(g.op("Add", left, g.op("Sub", slot, low)))
    g.output(g.op("ReduceMax", index))
    g.output(last)
    return g


def build_synthesis(picture: Picture) -> bytes:
    """The part that makes colours."""
    graph = Graph()
    levels = picture.geometry.levels
    scale = np.float32(LATER)
    weights = picture.synthesis[:, :, 0, 0] * scale
    first, threshold, second = np.split(weights, [levels, levels + 1])
    features = graph.input(np.float32, 2, "features")
    hidden = graph.op("MatMul", graph.constant(first.T, np.float32), features)  # [units, P]
    hidden = graph.op("Max", hidden, graph.constant(threshold.T, np.float32))
    colour = graph.op("MatMul", graph.constant(second, np.float32), hidden)  # [C, P]
    bytes_ = graph.op("QuantizeLinear", colour, graph.constant(scale, np.float32))
    rgb = graph.node("Transpose", bytes_, perm=[1, 0], outputs=["rgb"])[0]
    graph.output(rgb, np.uint8, 2)
    return b"".join(serialised(graph, "", frozenset({"features", "rgb"})))

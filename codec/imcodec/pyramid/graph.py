"""Builds the graph of a file: it decodes its own latents and draws them at any grid.

    main             table of probabilities; words; Loop over levels; synthesis at the grid
    Loop   a level   parent rows, twice -> Scan over rows -> plane, filter, GridSample
    Scan   a row     Scan over the two column phases -> interleave their columns
    Scan   a phase   context network -> (edge, width) -> Scan over steps -> values -> push them
    Scan   a step    one symbol per lane

Planes are float32 [rows, strips, 1, columns] inside the Loop: a Scan over rows hands out
[strips, 1, columns], one channel of a convolution along the columns, whose batch are the strips.
Only forms are used that decode bit for bit alike in every runtime tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from imcodec.graph import IR_VERSION, METADATA_KEY, OPSET, PRODUCER
from imcodec.pyramid import wire
from imcodec.pyramid.context import FIRST, LATER, PARENTS, Context
from imcodec.pyramid.entropy_graph import (
    FLOAT,
    INT64,
    Constants,
    decode_symbols,
    network,
    push,
    tables,
)
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.rans import START, Payload
from imcodec.pyramid.table import Table
from imcodec.pyramid.writer import Graph, shorten


@dataclass(frozen=True)
class Picture:
    """All that a file says, besides its payload."""

    geometry: Geometry
    context: Context
    table: Table
    #: int8 [levels + 1 + channels, hidden, 1, 1]: W1, thresholds, W2 (see `synthesis`)
    synthesis: NDArray[np.int8]
    #: int8 [levels, 3, 3] (imcodec.pyramid.filters)
    filters: NDArray[np.int8]
    header: str = ""

    @property
    def channels(self) -> int:
        """Channels of the picture."""
        return int(self.synthesis.shape[0]) - self.geometry.levels - 1

    @property
    def weight_bytes(self) -> int:
        """Bytes of both networks' weights, and of the filters."""
        return self.context.size + self.synthesis.size + self.filters.size


def phase_body(
    parent: Graph, c: Constants, picture: Picture, layers: int, shape: str, above: list[str]
) -> Graph:
    """Scan body: states, position, queue | weights -> states, position, queue | values."""
    g = Graph(parent)
    states, position, queue = (g.input() for _ in range(3))
    weights = [g.input() for _ in range(layers)]
    known = g.op("Concat", queue, *above, axis=1)
    parameters = network(g, c, picture.context.taps, weights, known)
    states, position, values = decode_symbols(
        g, c, picture.geometry, parameters, states, position, shape
    )
    g.output(states)
    g.output(position)
    # one tensor, not a state per half-row: onnxruntime (1.17 .. 1.32) goes wrong where a body hands
    # one state's input on as another state, or gives one name as a state and a scan output
    g.output(push(g, c, queue, values), np.float32, 3)
    g.output(values)
    return g


def phases(
    g: Graph,
    c: Constants,
    picture: Picture,
    weights: list[str],
    shape: str,
    carried: list[str],
    above: list[str],
) -> list[str]:
    """Scan over the phases: carried is states, position, queue; returns those and the values."""
    body = phase_body(g, c, picture, len(weights), shape, above).proto
    # columns of both phases interleave when the scan's axis is the last: [strips, 1, columns, 2]
    return g.node(
        "Scan",
        *carried,
        *weights,
        outputs=len(carried) + 1,
        body=body,
        num_scan_inputs=len(weights),
        scan_output_axes=[3],
    )


def row_body(parent: Graph, c: Constants, picture: Picture, weights: list[str]) -> Graph:
    """Scan body: (states, position, queue | parent rows) -> (states, position, queue | row)."""
    g = Graph(parent)
    states, position, queue, *above = (g.input() for _ in range(3 + PARENTS))
    shape = g.ints(picture.geometry.strips, 1, -1)
    *carried, values = phases(g, c, picture, weights, shape, [states, position, queue], above)
    for name in carried:
        g.output(name)
    g.output(g.op("Reshape", values, shape))
    return g


def parent_rows(g: Graph, geometry: Geometry, plane: str) -> list[str]:
    """The rows (r - 1) // 2 and (r + 1) // 2 of a plane for each row r of the next one.

    Row r lies at r / 2 - 1/4 of the plane (half-pixel centres); outside, edges are repeated.
    """
    if geometry.row_factor == 1:
        return [plane] * PARENTS
    scales = g.constant([2, 1, 1, 1], np.float32)
    return [g.op("Resize", plane, "", scales, nearest_mode=mode) for mode in ("floor", "ceil")]


def decode_level(
    g: Graph, c: Constants, picture: Picture, weights: list[str], level: str, carried: list[str]
) -> tuple[list[str], str]:
    """One level: plane, states, position -> the same; and the plane as [1, 1, H, W]."""
    geometry, context = picture.geometry, picture.context
    plane, states, position = carried
    rows = parent_rows(g, geometry, plane)
    row = level if geometry.row_factor == 2 else g.constant(0, np.int64)
    filler = g.op("Gather", plane, row)  # any row of the parent; the level's number is a free index
    queue = g.op("Tile", filler, g.ints(1, context.queue, 1))
    body = row_body(g, c, picture, weights).proto
    states, position, _, plane = g.node(
        "Scan", states, position, queue, *rows, outputs=4, body=body, num_scan_inputs=PARENTS
    )
    drawn = g.op("Transpose", plane, perm=[2, 1, 0, 3])  # [1, strips, rows, columns]
    if geometry.strips > 1:
        drawn = g.op("Reshape", drawn, g.ints(1, 1, -1, 0))
    return [plane, states, position], drawn


def sample(g: Graph, plane: str, grid: str) -> str:
    """A plane float32 [1, 1, H, W] at the grid, bilinear, edges repeated: [1, 1, H', W']."""
    return g.op("GridSample", plane, grid, padding_mode="border")


def through_filter(g: Graph, scale: float, plane: str, filters: str, level: str) -> str:
    """A plane float32 [1, 1, H, W] times the table's step, through its level's filter."""
    weights = dequantised(g, g.op("Gather", filters, level), scale)  # [1, 1, 3, 3]
    return g.op("Conv", plane, weights, pads=[1, 1, 1, 1])


def level_body(main: Graph, c: Constants, picture: Picture, stored: list[str], grid: str) -> Graph:
    """Loop body: level, on, plane, states, position -> on, plane, states, position | drawn."""
    g = Graph(main)
    level, on = g.input(np.int64, 0), g.input(np.bool_, 0)
    # types of the states, said here once, reach every body inside: Scan outputs need a known rank
    carried = [g.input(), g.input(np.int64, 1), g.input(np.int64, 1)]
    g.output(on)
    first, later, biases, filters = stored
    biases = g.op("Cast", g.op("Gather", biases, level), to=FLOAT)  # [2, hidden]
    carried, drawn = decode_level(g, c, picture, [first, later, biases], level, carried)
    for name in carried:
        g.output(name)
    filtered = through_filter(g, picture.table.step * LATER, drawn, filters, level)
    g.output(sample(g, filtered, grid))
    return g


def synthesis(graph: Graph, scale: str, picture: Picture, stored: str, features: str) -> None:
    """Features [L, 1, 1, H', W'] -> output `rgb` uint8 [1, H', W', C].

    With F = step * latents at the grid, W1, T, W2 the int8 weights / 64:
        rgb = clip(round(64 * W2 . max(W1 . F, T)), 0, 255)
    A threshold of 0 makes a rectified unit, one far below a linear unit, one above a constant.
    """
    counts = graph.ints(picture.geometry.levels, 1, picture.channels)
    weights = graph.op("DequantizeLinear", stored, scale)
    first, threshold, second = graph.node("Split", weights, counts, outputs=3)
    # units last: faster by a tenth of the file's time than before height and width
    hidden = graph.op("Einsum", first, features, equation="zu,zyabc->abcu")  # [1, H', W', units]
    hidden = graph.op("Max", hidden, threshold)
    colour = graph.op("MatMul", hidden, graph.op("Transpose", second))  # [1, H', W', C]
    graph.output(graph.op("QuantizeLinear", colour, scale, outputs=["rgb"]), np.uint8, 4)


def place(graph: Graph, geometry: Geometry, grid: str) -> str:
    """The grid in the planes' coordinates (see `Geometry.affine`)."""
    scale, offset = geometry.affine()
    if any(v != 1 for v in scale):
        grid = graph.op("Mul", grid, graph.constant([float(v) for v in scale], np.float32))
    if any(offset):
        grid = graph.op("Add", grid, graph.constant([float(v) for v in offset], np.float32))
    return grid


def dequantised(graph: Graph, stored: str, scale: float) -> str:
    """Weights as real numbers."""
    return graph.op("DequantizeLinear", stored, graph.constant(scale, np.float32))


def stored_filters(graph: Graph, picture: Picture) -> str:
    """Stored tensor: the filters, int8 [levels, 1, 1, 3, 3]."""
    return graph.stored(picture.filters[:, None, None])


def stored_payload(graph: Graph, payload: Payload) -> tuple[str, str]:
    """Stored tensors: states int64 [lanes], and words uint16 [count], the last one first.

    The position is minus the number of words read, and so the index of the last one read.
    """
    states = graph.stored(payload.states, varints=True)
    return states, graph.stored_outside(payload.words[::-1])


def constants(graph: Graph, picture: Picture, words: str) -> Constants:
    """What all bodies share; `words` are the stored ones."""
    cdf, entry, total = tables(graph, picture.table)
    one, zero = graph.ints(1), graph.ints(0)
    return Constants(
        total,
        graph.ints(START),
        zero,
        one,
        graph.op("Cast", words, to=INT64),
        cdf,
        entry,
        graph.constant(LATER, np.float32),
        graph.ints(picture.context.hidden, 2),
    )


def first_plane(graph: Graph, geometry: Geometry) -> str:
    """Level 0: zeros."""
    sizes = (geometry.base_rows, geometry.strips, 1, geometry.base_columns)
    return graph.op("ConstantOfShape", graph.ints(*sizes))


def serialised(graph: Graph, header: str, keep: frozenset[str]) -> list[wire.Part]:
    """The model's bytes, in parts, all names but those to keep shortened."""
    shorten(graph.proto, keep)
    model = ModelProto(ir_version=IR_VERSION, producer_name=PRODUCER, graph=graph.proto)
    model.opset_import.add(version=OPSET)
    if header:
        model.metadata_props.add(key=METADATA_KEY, value=header)
    tensors = model.graph.initializer
    outside = {tensors[index].name: numbers for index, numbers in graph.outside.items()}
    return wire.serialised(model, outside)


def build(picture: Picture, payload: Payload, debug: bool = False) -> bytes:
    """The file's bytes, as build_parts() makes them."""
    return b"".join(build_parts(picture, payload, debug))


def build_parts(picture: Picture, payload: Payload, debug: bool = False) -> list[wire.Part]:
    """The file's bytes, in parts: the words are not copied.

    `debug` adds outputs: features [L, 1, 1, H', W'], states, position. The stored tensors are the
    first initializers, in the order in which they are made here.
    """
    geometry = picture.geometry
    graph = Graph()
    first, later, biases = map(graph.stored, picture.context.stored)
    second = graph.stored(picture.synthesis[:, :, 0, 0])
    filters = stored_filters(graph, picture)
    states, words = stored_payload(graph, payload)
    grid = place(graph, geometry, graph.input(np.float32, 4, "grid"))
    c = constants(graph, picture, words)
    first, later = dequantised(graph, first, FIRST), dequantised(graph, later, LATER)
    body = level_body(graph, c, picture, [first, later, biases, filters], grid)
    plane = first_plane(graph, geometry)
    # a Loop whose outputs are omitted ('') crashes onnxruntime 1.32: all are named
    _, states, position, features = graph.node(
        "Loop",
        graph.constant(geometry.levels, np.int64),
        "",
        plane,
        states,
        c.zero,
        outputs=4,
        body=body.proto,
    )
    synthesis(graph, c.scale, picture, second, features)
    if debug:
        graph.output(features, np.float32, 5)
        graph.output(states, np.int64, 1)
        graph.output(position, np.int64, 1)
    return serialised(graph, picture.header, frozenset({"grid", "rgb"}))

"""The graph of a file cut in two, for decoding in little memory; both parts stay in memory.

A file's graph decodes all latents whenever it draws a point, and draws all points at once. Here the
latents are decoded once, and then drawn as often as needed, chunk by chunk. The nodes are those of
imcodec.pyramid.graph, made by the same functions.

    latents     no input; outputs `planes`, all levels one after another, row by row, int8
                [symbols], and where the decoder stands at the end: `states` int64 [lanes],
                `position` int64 [1], the number of words read
    synthesis   inputs `grid` and, per level, `p1`, `p2`, ... float32 [1, 1, H, W], each MINUS the
                table's step times the latents; output `rgb`, as that of the file

The first trusts nobody: a width below 1 is taken as 1, so that no forged file makes a runtime
divide by 0. What it decodes after that is wrong, which the end shows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imcodec.pyramid.entropy_graph import Constants
from imcodec.pyramid.graph import (
    Picture,
    constants,
    decode_level,
    first_plane,
    place,
    sample,
    serialised,
    stored_layers,
    stored_payload,
    stored_synthesis,
    synthesis,
)
from imcodec.pyramid.rans import Payload
from imcodec.pyramid.table import Table
from imcodec.pyramid.writer import Graph

LATENTS_OUTPUTS = ("planes", "states", "position")


def plane_name(level: int) -> str:
    """The input of the synthesis that takes the plane of a level, 1 and up."""
    return f"p{level}"


def build_latents(picture: Picture, payload: Payload) -> bytes:
    """The part that decodes the latents."""
    graph = Graph()
    weights = stored_layers(graph, picture)
    states, words = stored_payload(graph, payload)
    c = constants(graph, picture, words, _table(graph, picture.table))
    c = replace(c, least=graph.constant([[[[-128]], [[1]]]], np.int8))
    body = _latents_body(graph, c, picture, weights)
    plane = first_plane(graph, c, picture.geometry)
    none = graph.constant([], np.int8)
    _, states, position, planes = graph.node(
        "Loop",
        graph.ints(picture.geometry.levels),
        "",
        *(plane, states, c.zero, none),
        outputs=4,
        body=body.proto,
    )
    for name, value, dtype in zip(
        LATENTS_OUTPUTS, (planes, states, position), (np.int8, np.int64, np.int64), strict=True
    ):
        graph.output(graph.node("Identity", value, outputs=[name])[0], dtype, 1)
    return serialised(graph, "", frozenset(LATENTS_OUTPUTS))


def _table(graph: Graph, table: Table) -> tuple[str, str, str]:
    """What entropy_graph.tables() computes, as constants: 30 ms less."""
    cdf, entry = graph.constant(-table.cdf, np.int64), graph.constant(table.first_at_most, np.int64)
    return cdf, entry, graph.constant(table.total, np.int64)


def _latents_body(main: Graph, c: Constants, picture: Picture, weights: list[str]) -> Graph:
    """Loop body: level, on, plane, states, position, planes -> on, the same four."""
    g = Graph(main)
    level, on = g.input(np.int64, 0), g.input(np.bool_, 0)
    carried = [g.input(), g.input(np.int64, 1), g.input(np.int64, 1)]
    planes = g.input(np.int8, 1)
    g.output(on)
    carried, drawn = decode_level(g, c, picture, weights, level, carried)
    for name in carried:
        g.output(name)
    g.output(g.op("Concat", planes, g.op("Reshape", drawn, g.ints(-1)), axis=0))
    return g


def build_synthesis(picture: Picture) -> bytes:
    """The part that draws the latents."""
    graph = Graph()
    stored = stored_synthesis(graph, picture)
    levels = range(1, picture.geometry.levels + 1)
    grid = place(graph, picture.geometry, graph.input(np.float32, 4, "grid"))
    planes = [graph.input(np.float32, 4, plane_name(level)) for level in levels]
    sampled = [sample(graph, plane, grid) for plane in planes]  # each [1, 1, H', W']
    stack = graph.op("Concat", *sampled, axis=0)
    features = graph.op("Unsqueeze", stack, graph.ints(1))
    scale = graph.constant(picture.context.scale, np.float32)
    synthesis(graph, scale, picture, stored, features)
    return serialised(graph, "", frozenset({"grid", "rgb", *map(plane_name, levels)}))

"""What is drawn of a plane: as the operators of a file's graph draw it, bit for bit."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from imcodec.pyramid.file import TABLE
from imcodec.pyramid.filters import filtered
from imcodec.pyramid.graph import serialised
from imcodec.pyramid.sampling import Places, interpolated, interpolated_at, smooth
from imcodec.pyramid.writer import Graph


def grid_sample(plane: NDArray[np.float32], grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """A plane [H, W] at a grid [1, h, w, 2], by the runtime: [h, w]."""
    graph = Graph()
    inputs = [graph.input(np.float32, 4, name) for name in ("plane", "grid")]
    found = graph.op("GridSample", *inputs, padding_mode="border")
    graph.output(found, np.float32, 4)
    model = b"".join(serialised(graph, "", frozenset(inputs)))
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    (values,) = session.run(None, {"plane": plane[None, None], "grid": grid})
    return np.asarray(values[0, 0])


@pytest.mark.parametrize("seed", range(12))
def test_interpolation_is_that_of_the_graph(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 200, 2)
    plane = (random.integers(-5000, 5000, (height, width)) * (65 / 256 / 64)).astype(np.float32)
    x, y = (random.uniform(-1, 1, count).astype(np.float32) for count in (150, 70))
    x[:2], y[:2] = (-1, 1), (1, -1)
    grid = np.stack(np.meshgrid(x, y), -1)
    places = Places.of(x, width), Places.of(y, height)
    found = interpolated(plane, *places)
    assert np.array_equal(found, grid_sample(plane, grid[None]))
    points = grid.reshape(-1, 2)
    at = Places.of(points[:, 0], width), Places.of(points[:, 1], height)
    assert np.array_equal(interpolated_at(plane, *at), found.ravel())


def test_edges_are_repeated_outside() -> None:
    plane = np.arange(12, dtype=np.float32).reshape(3, 4)
    places = [Places.of(np.array([-7, 1.5], np.float32), size) for size in (4, 3)]
    assert interpolated(plane, *places).tolist() == [[0, 3], [8, 11]]


@pytest.mark.parametrize("part", [((0, 9), (0, 7)), ((2, 5), (0, 7)), ((3, 4), (6, 7))])
@pytest.mark.parametrize("top", [0, 1])
def test_parts_are_filtered_as_the_whole(part: tuple[tuple[int, int], ...], top: int) -> None:
    random = np.random.default_rng(3)
    plane = random.integers(-127, 128, (9, 7)).astype(np.int8)
    weights = random.integers(-127, 128, (3, 3)).astype(np.int8)
    down, across = part
    if down[0] == 0:
        top = 0
    expected = filtered(plane, weights) * np.float32(TABLE.step)
    found = smooth(plane[top:], top, down, across, weights)
    assert np.array_equal(found, expected[slice(*down), slice(*across)])

"""The graph in a bare onnxruntime: every latent, every pixel, and the two halves of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from imcodec.pyramid import cut, graph
from imcodec.pyramid.file import TABLE, PyramidFile, Stored, build, picture_of
from imcodec.pyramid.filters import identity
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.header import PyramidHeader
from imcodec.pyramid.latent_decoder import LatentDecoder
from imcodec.pyramid.rans import START
from imcodec.pyramid.table import Ints
from pyramids import damaged_word, made_pyramid, pixel_grid, reference_picture

#: height, width, channels, layers of the context network, pitch
CASES = [
    (1, 1, 3, 2, 1),
    (1, 1, 1, 3, 2),
    (1, 4000, 3, 2, 1),
    (4000, 1, 1, 3, 1),
    (37, 53, 3, 2, 1),
    (37, 53, 4, 3, 1),
    (37, 53, 2, 4, 2),
    (2049, 13, 2, 2, 1),
    (64, 96, 1, 3, 1),
    (64, 96, 3, 2, 2),
    (129, 5, 4, 2, 1),
    (3, 70, 2, 3, 1),
]

Case = tuple[PyramidHeader, Stored, list[Ints]]


def run(model: bytes, grid: np.ndarray | None = None) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {} if grid is None else {"grid": grid}))


def lattice_grid(geometry: Geometry) -> tuple[np.ndarray, list[slice]]:
    """A grid [1, P, 1, 2] that visits every cell of every level, and each level's part of it."""
    (scale_x, scale_y), (offset_x, offset_y) = geometry.affine()
    points, parts, start = [], [], 0
    for level in range(1, geometry.levels + 1):
        height, width = geometry.plane(level)
        cells = pixel_grid(height, width).astype(np.float64).reshape(-1, 2)
        cells = (cells - [float(offset_x), float(offset_y)]) / [float(scale_x), float(scale_y)]
        points.append(cells)
        parts.append(slice(start, start + len(cells)))
        start += len(cells)
    return np.concatenate(points).astype(np.float32)[None, :, None], parts


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "x".join(map(str, case)))
def case(request: pytest.FixtureRequest) -> Case:
    height, width, channels, filters, pitch = request.param
    return made_pyramid(width, height, channels, filters=filters, pitch=pitch)


def test_the_file_decodes_every_latent(case: Case) -> None:
    header, stored, planes = case
    grid, parts = lattice_grid(header.geometry)
    plain = replace(stored, filters=identity(header.levels))  # features are the latents then
    picture = picture_of(header, plain)
    _, features, states, position = run(graph.build(picture, stored.payload, debug=True), grid)
    for plane, level, part in zip(planes, features.reshape(len(planes), -1), parts, strict=True):
        assert (np.rint(level[part] / TABLE.step) == plane.ravel()).all()
    assert (states == START).all()
    assert position == -len(stored.words)


def test_the_first_half_decodes_every_latent(case: Case) -> None:
    header, stored, planes = case
    found = LatentDecoder(PyramidFile(header, stored)).planes()
    for plane, decoded in zip(planes, found, strict=True):
        assert np.array_equal(plane, decoded)
        assert decoded.dtype == np.int8


def test_the_picture_is_what_the_latents_say(case: Case) -> None:
    header, stored, planes = case
    grid = pixel_grid(header.height, header.width)
    (rgb,) = run(build(header, stored), grid)
    assert rgb.shape == (1, header.height, header.width, header.channels)
    assert rgb.dtype == np.uint8
    expected = reference_picture(header, stored, planes, grid)
    assert np.abs(rgb[0].astype(int) - expected).max() <= 1


def test_a_damaged_word_shows_in_the_states() -> None:
    header, stored, _ = made_pyramid()
    picture = picture_of(header, damaged_word(stored))
    states, message = None, ""
    try:
        states = run(graph.build(picture, damaged_word(stored).payload, True), pixel_grid(1, 1))[2]
    except Exception as error:  # the lanes may run out of words
        message = str(error)
    assert "out of data bounds" in message if states is None else (states != START).any()


def test_bytes_are_deterministic_and_pass_the_checker() -> None:
    for pitch, filters in ((1, 2), (2, 4)):
        header, stored, _ = made_pyramid(filters=filters, pitch=pitch)
        picture = picture_of(header, stored)
        for model in (
            build(header, stored),
            cut.build_rows(picture),
            cut.build_synthesis(picture),
        ):
            onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
        assert build(header, stored) == build(header, stored)


def test_the_graph_is_small() -> None:
    header, stored, _ = made_pyramid(96, 64)
    networks = picture_of(header, stored).weight_bytes
    text = len(header.text(*stored.parts)) + 14
    assert len(build(header, stored)) - stored.payload.size - networks - text <= 2750


def test_stored_tensors_are_never_shared() -> None:
    """Neither with each other nor with constants that happen to be equal."""
    header, stored, _ = made_pyramid(1, 1, filters=2)
    stored.states[:] = 1
    tensors = onnx.load_from_string(build(header, stored)).graph.initializer
    shapes = [tuple(tensor.dims) for tensor in tensors[:7]]
    lanes, words = (header.geometry.lanes,), (len(stored.words),)
    weights = [*header.context_shapes, header.synthesis_shape[:2], header.filters_shape]
    assert shapes == [*weights, lanes, words]
    assert len({tensor.name for tensor in tensors}) == len(tensors)


#: channels, filters; height, width, levels, strips, row factor, pitch; the first 16 digits of the
#: file's SHA-256. A released version's never change: other bytes are another format version, with a
#: builder of its own
FROZEN = {
    (3, 3, 37, 53, 3, 1, 2, 1): "7da3768635db58f7",
    (1, 2, 1, 1, 1, 1, 1, 1): "58715e13c5ff2075",
    (4, 2, 3, 70, 5, 1, 1, 1): "fe79f8974f95aa39",
    (2, 4, 64, 96, 4, 2, 2, 2): "68f52f1c63272f40",
    (3, 3, 2049, 13, 4, 26, 2, 1): "4a7a625ea4607feb",
}


@pytest.mark.parametrize("case", FROZEN, ids=str)
def test_golden_bytes(case: tuple[int, ...]) -> None:
    channels, filters, *sizes = case
    geometry = Geometry.derived(*sizes)
    header, stored, _ = made_pyramid(channels=channels, filters=filters, geometry=geometry)
    data = build(header, stored)
    assert hashlib.sha256(data).hexdigest()[:16] == FROZEN[case]
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)

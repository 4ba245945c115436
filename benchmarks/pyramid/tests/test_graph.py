from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from context_int import decode_latents, encode_latents
from geometry import choose_geometry
from graph_pyramid import Picture, build
from rans import START, Payload
from reference import draw, lattice_grid, pixel_grid
from samples import laplace_latents, random_context, random_synthesis
from tables import Ints, Table


def sample(
    height: int, width: int, channels: int, kind: str
) -> tuple[Picture, Payload, list[Ints]]:
    table = Table()
    geometry = choose_geometry(height, width, lattice=kind == "fourphase")
    if kind == "fresh":
        context = random_context("halfrow", table=table, queue=3, taps=5, fresh=True)
    else:
        context = random_context(kind, table=table)
    payload, planes = encode_latents(context, geometry, table, laplace_latents(geometry))
    return (
        Picture(geometry, context, table, random_synthesis(geometry.levels, channels), "1"),
        payload,
        planes,
    )


def run(data: bytes, grid: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {"grid": grid}))


@pytest.mark.parametrize("kind", ["halfrow", "fresh", "fourphase"])
@pytest.mark.parametrize("size", [(1, 1), (37, 53), (64, 96), (129, 5), (3, 70)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_graph_decodes_every_latent(size: tuple[int, int], channels: int, kind: str) -> None:
    picture, payload, planes = sample(*size, channels, kind)
    grid, parts = lattice_grid(picture.geometry)
    _, features, states, position = run(build(picture, payload, debug=True), grid)
    for plane, level, part in zip(planes, features.reshape(len(planes), -1), parts, strict=True):
        assert (np.rint(level[part] / -picture.table.step) == plane.ravel()).all()
    assert (states == START).all()
    assert position == len(payload.words)
    pixels = pixel_grid(*size)
    rgb = run(build(picture, payload), pixels)[0]
    assert rgb.shape == (1, *size, channels)
    assert rgb.dtype == np.uint8
    assert np.abs(rgb.astype(int) - draw(picture, planes, pixels)).max() <= 1


def test_reference_decoder_agrees() -> None:
    picture, payload, planes = sample(37, 53, 3, "halfrow")
    again, decoder = decode_latents(picture.context, picture.geometry, picture.table, payload)
    assert all((a == b).all() for a, b in zip(again, planes, strict=True))
    assert (decoder.states == START).all()


def test_a_damaged_word_shows_in_the_states() -> None:
    picture, payload, _ = sample(37, 53, 3, "halfrow")
    words = payload.words.copy()
    words[len(words) // 2] ^= 1
    data = build(picture, replace(payload, words=words), debug=True)
    states, message = None, ""
    try:
        states = run(data, pixel_grid(1, 1))[2]
    except Exception as error:  # the lanes may run out of words
        message = str(error)
    assert "out of data bounds" in message if states is None else (states != START).any()


def test_bytes_are_deterministic_and_pass_the_checker() -> None:
    for kind in ("halfrow", "fresh", "fourphase"):
        picture, payload, _ = sample(64, 96, 3, kind)
        data = build(picture, payload)
        assert data == build(picture, payload)
        onnx.checker.check_model(onnx.load_from_string(data), full_check=True)


def test_graph_is_small() -> None:
    picture, payload, _ = sample(64, 96, 3, "fresh")
    graph = len(build(replace(picture, header=""), payload)) - payload.size - picture.weight_bytes
    assert graph <= 2330

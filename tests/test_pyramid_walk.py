"""The integer arithmetic against onnxruntime's QLinearConv, and both directions of the walk."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from imcodec.pyramid.context import Context
from imcodec.pyramid.file import TABLE
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.rans import START
from imcodec.pyramid.walk import decode_latents, encode_latents, layer
from pyramids import random_context, random_latents


def qlinear(inputs: np.ndarray, weight: np.ndarray, multiplier: float, zero: int) -> np.ndarray:
    constants = {
        "s": np.float32(1 / 64),
        "m": np.float32(multiplier),
        "z": np.int8(0),
        "b": np.int8(zero),
        "w": weight,
    }
    pads = [weight.shape[2] // 2, weight.shape[3] // 2] * 2
    node = helper.make_node(
        "QLinearConv", ["x", "m", "z", "w", "s", "z", "s", "b"], ["y"], pads=pads
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.INT8, [1, *inputs.shape])],
        [helper.make_tensor_value_info("y", TensorProto.INT8, [1, len(weight), *inputs.shape[1:]])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": inputs.astype(np.int8)[None]})[0][0])


@pytest.mark.parametrize("multiplier", [1 / 64, 7 / 16])
@pytest.mark.parametrize("shape", [(4, 1, 1), (4, 1, 5), (4, 4, 48), (14, 3, 200), (7, 9, 31)])
@pytest.mark.parametrize("spread", [3, 127])
def test_layer_is_qlinearconv(multiplier: float, shape: tuple[int, int, int], spread: int) -> None:
    random = np.random.default_rng(0)
    inputs = random.integers(-spread, spread + 1, shape).astype(np.float32)
    for size in ((1, 1), (1, 3), (1, 5), (3, 3)):
        weight = random.integers(-63, 64, (13, shape[0], *size)).astype(np.int8)
        for zero in (-128, 0, 80):
            expected = qlinear(inputs, weight, multiplier, zero)
            assert (layer(inputs, weight, multiplier, zero) == expected).all()


def test_halves_round_to_even() -> None:
    inputs = np.array([[[32, 96, -32, -96, 31, 33]]], np.float32)
    weight = np.ones((1, 1, 1, 1), np.int8)
    assert layer(inputs, weight, 1 / 64, 0).ravel().tolist() == [0, 2, 0, -2, 0, 1]
    assert qlinear(inputs, weight, 1 / 64, 0).ravel().tolist() == [0, 2, 0, -2, 0, 1]


def weights(*shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.ones(shape, np.int8) for shape in shapes)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (weights((2, 6, 7, 1, 5)), "two layers"),
        (weights((2, 6, 7, 1, 5), (2, 3, 6, 1, 1)), "two outputs"),
        (weights((2, 6, 7, 1, 5), (2, 6, 1, 1)), "phases, out"),
        (weights((2, 6, 7, 3, 5), (2, 2, 6, 1, 1)), "phases, out"),
        (weights((3, 6, 7, 1, 5), (2, 2, 6, 1, 1)), "2 phases"),
        ((np.full((2, 6, 7, 1, 5), 64, np.int8), *weights((2, 2, 6, 1, 1))), "63"),
        ((np.full((2, 6, 7, 1, 5), -128, np.int8), *weights((2, 2, 6, 1, 1))), "63"),
        ((np.ones((2, 6, 7, 1, 5), np.int16), *weights((2, 2, 6, 1, 1))), "int8"),
    ],
)
def test_other_networks_are_refused(layers: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Context(layers)


def test_queue_and_taps_follow_from_the_weights() -> None:
    context = Context(weights((2, 6, 8, 1, 3), (2, 2, 6, 1, 1)))
    assert (context.queue, context.taps, context.size) == (6, 3, 2 * 6 * 8 * 3 + 24)


@pytest.mark.parametrize("size", [(1, 1), (37, 53), (129, 5), (3, 70), (64, 96)])
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_decoding_undoes_encoding(size: tuple[int, int], depth: int) -> None:
    geometry, context = choose_geometry(*size), random_context(depth=depth)
    payload, planes = encode_latents(context, geometry, TABLE, random_latents(geometry))
    again, decoder = decode_latents(context, geometry, TABLE, payload)
    assert all((a == b).all() for a, b in zip(again, planes, strict=True))
    assert (decoder.states == START).all()
    assert decoder.position == len(payload.words)


def test_values_out_of_reach_are_clamped() -> None:
    geometry, context = choose_geometry(24, 32), random_context()
    wild = [1000 * plane for plane in random_latents(geometry)]
    payload, planes = encode_latents(context, geometry, TABLE, wild)
    assert max(np.abs(plane).max() for plane in planes) < 127
    again, _ = decode_latents(context, geometry, TABLE, payload)
    assert all((a == b).all() for a, b in zip(again, planes, strict=True))

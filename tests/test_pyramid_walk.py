"""The network against whole numbers and onnxruntime, and both directions of the walk."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from imcodec.pyramid.context import FIRST, LARGEST_WIDTH, LATER, PARENTS, Context
from imcodec.pyramid.file import TABLE
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.rans import START
from imcodec.pyramid.walk import convolved, decode_latents, encode_latents, network
from pyramids import random_context, random_latents


def conv(inputs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """As in a file's graph: rows are a batch."""
    rows = inputs.swapaxes(0, 1)
    taps = weight.shape[-1]
    pads = [taps // 2, (taps - 1) // 2]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=pads)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, rows.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": rows})[0]).swapaxes(0, 1)


@pytest.mark.parametrize("multiplier", [FIRST, LATER])
@pytest.mark.parametrize("shape", [(4, 1, 1), (4, 1, 5), (4, 4, 48), (14, 3, 200), (7, 9, 31)])
@pytest.mark.parametrize("spread", [3, 127])
def test_convolutions_of_whole_numbers_are_exact(
    multiplier: float, shape: tuple[int, int, int], spread: int
) -> None:
    random = np.random.default_rng(0)
    inputs = random.integers(-spread, spread + 1, shape).astype(np.float32)
    for taps in (1, 3, 4, 5):
        weight = random.integers(-127, 128, (13, shape[0], taps)).astype(np.float32)
        weight *= np.float32(multiplier)
        np.testing.assert_array_equal(convolved(inputs, weight), conv(inputs, weight))


def test_the_arithmetic_is_that_of_the_definition() -> None:
    """Sum by sum, in whole numbers."""
    random = np.random.default_rng(0)
    context = random_context(4, 3, seed=5)
    known = random.integers(-3, 4, (context.queue + PARENTS, 3, 9))
    padded = np.pad(known, ((0, 0), (0, 0), (2, 2)))
    for level, phase in ((1, 0), (3, 1)):
        means, widths = network(context, level, phase, known.astype(np.float32))
        first, later = context.first[phase].astype(int), context.later[phase, ..., 0]
        for row, column in np.ndindex(3, 9):
            z = (first * padded[:, row, column : column + 5]).sum((1, 2))
            both = np.concatenate([z, abs(z)])
            sums = later[: context.hidden].astype(int) @ both + 1024 * context.biases[
                level - 1, phase
            ].astype(int)
            units = [max(round(Fraction(int(total), 1024)), 0) for total in sums]
            outputs = later[context.hidden :].astype(int) @ np.array(units)
            mean, width = (math.trunc(Fraction(int(total), 64)) for total in outputs)
            assert means[row, column] == mean
            assert widths[row, column] == min(max(width, 1), LARGEST_WIDTH)


def weights(*shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.ones(shape, np.int8) for shape in shapes)


FITTING = ((2, 3, 7, 5), (2, 8, 6, 1), (4, 2, 6))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (weights((2, 3, 7, 1, 5), *FITTING[1:]), "first layer"),
        (weights((3, 3, 7, 5), *FITTING[1:]), "first layer"),
        (weights((2, 3, 35), *FITTING[1:]), "first layer"),
        (weights(FITTING[0], (2, 6, 6, 1), FITTING[2]), "later layers"),
        (weights(*FITTING[:2], (4, 2, 8)), "biases"),
        ((np.full(FITTING[0], -128, np.int8), *weights(*FITTING[1:])), "127"),
        ((np.ones(FITTING[0], np.int16), *weights(*FITTING[1:])), "int8"),
    ],
)
def test_other_networks_are_refused(numbers: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Context(*numbers)


def test_queue_and_taps_follow_from_the_weights() -> None:
    context = Context(*weights((2, 3, 8, 3), *FITTING[1:]))
    assert (context.queue, context.taps, context.hidden) == (6, 3, 6)
    assert context.size == 2 * 3 * 8 * 3 + 2 * 8 * 6 + 4 * 2 * 6


@pytest.mark.parametrize("size", [(1, 1), (37, 53), (129, 5), (3, 70), (64, 96)])
@pytest.mark.parametrize("filters", [1, 3, 9])
def test_decoding_undoes_encoding(size: tuple[int, int], filters: int) -> None:
    geometry, context = choose_geometry(*size), random_context(filters)
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

"""The integer simulation against onnxruntime's QLinearConv."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from context import Context
from context_int import layer
from onnx import TensorProto as T
from onnx import helper, numpy_helper


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
        [helper.make_tensor_value_info("x", T.INT8, [1, *inputs.shape])],
        [helper.make_tensor_value_info("y", T.INT8, [1, len(weight), *inputs.shape[1:]])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"x": inputs.astype(np.int8)[None]})[0][0])


@pytest.mark.parametrize("multiplier", [1 / 64, 65 / 256])
@pytest.mark.parametrize("shape", [(7, 1, 1), (7, 1, 5), (7, 4, 48), (14, 3, 200), (4, 9, 31)])
@pytest.mark.parametrize("spread", [3, 127])
def test_layer_is_qlinearconv(multiplier: float, shape: tuple[int, int, int], spread: int) -> None:
    random = np.random.default_rng(0)
    inputs = random.integers(-spread, spread + 1, shape).astype(np.float32)
    for size in ((1, 1), (1, 3), (1, 5), (3, 3)):
        weight = random.integers(-63, 64, (13, shape[0], *size)).astype(np.int8)
        expected = qlinear(inputs, weight, multiplier, 80)
        assert (layer(inputs, weight, multiplier, 80) == expected).all()


def test_halves_round_to_even() -> None:
    inputs = np.array([[[32, 96, -32, -96, 31, 33]]], np.float32)
    weight = np.ones((1, 1, 1, 1), np.int8)
    assert layer(inputs, weight, 1 / 64, 0).ravel().tolist() == [0, 2, 0, -2, 0, 1]
    assert qlinear(inputs, weight, 1 / 64, 0).ravel().tolist() == [0, 2, 0, -2, 0, 1]


def test_large_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="63"):
        Context("halfrow", (np.full((2, 2, 7, 1, 3), 64, np.int8),))

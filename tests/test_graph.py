from __future__ import annotations

import hashlib

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from imcodec.container import open_container
from imcodec.features import plane_waves
from imcodec.graph import build
from imcodec.mlp_file import dequantise
from imcodec.mlp_settings import ACTIVATIONS
from imcodec.packing import PLAIN
from pictures import made_header, made_weights

#: the builder of format version 1 is frozen: a change here is a new format version
GOLDEN = {
    "small": ({}, "553c6abe7aa1c963"),
    "plain": (
        {"digits": PLAIN, "features": "raw", "output_activation": "relu1"},
        "fc1dcfc842099d72",
    ),
    "fourier": (
        {
            "features": "fourier",
            "frequencies": 16,
            "activations": ("gelu", "relu"),
            "channels": 4,
            "output_activation": "sigmoid",
        },
        "94cce15da3fa0244",
    ),
    "one layer": (
        {"widths": (), "activations": (), "channels": 1, "digits": PLAIN, "features": "raw"},
        "c73e20b500e7ec9e",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_bytes(name: str) -> None:
    changes, expected = GOLDEN[name]
    header = made_header(**changes)
    data = build(header, made_weights(header))
    assert hashlib.sha256(data).hexdigest()[:16] == expected
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)


@pytest.mark.parametrize("features", ["raw", "normalised", "fourier"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bare_onnxruntime_computes_what_the_specification_says(
    activation: str, features: str
) -> None:
    header = made_header(
        features=features,
        frequencies=8 if features == "fourier" else 0,
        activations=(activation, activation),
        output_activation=activation,
    )
    stored = made_weights(header)
    session = ort.InferenceSession(build(header, stored), providers=["CPUExecutionProvider"])
    grid = np.random.default_rng(1).uniform(-1, 1, (1, 9, 11, 2)).astype(np.float32)
    colours = session.run(None, {"grid": grid})[0]
    assert colours.shape == (1, 9, 11, 3)
    assert colours.dtype == np.uint8
    expected = _reference(header, dequantise(header, stored), grid.astype(np.float64))
    assert np.abs(colours.astype(int) - expected).max() <= 1


def _reference(header, values, x):  # type: ignore[no-untyped-def]
    """The specification in float64 NumPy."""
    from math import erf

    if header.features == "raw":
        size = np.array([header.width, header.height])
        x = (x + 1) * size / 2 + 0.5
    if header.features == "fourier":
        phase = x @ (plane_waves(header.frequencies) * (np.pi / 2))
        x = np.concatenate([np.sin(phase), np.cos(phase)], axis=-1)
    functions = {
        "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
        "tanh": np.tanh,
        "relu": lambda v: np.maximum(v, 0),
        "relu1": lambda v: np.clip(v, 0, 1),
        "sine": np.sin,
        "gelu": lambda v: v / 2 * (1 + np.vectorize(erf)(v / 2**0.5)),
        "linear": lambda v: v,
    }
    for name, matrix, bias in zip(header.layer_activations, values[::2], values[1::2], strict=True):
        x = functions[name](x @ matrix.astype(np.float64) + bias)
    return np.clip(np.rint(x * 255), 0, 255)


@pytest.mark.parametrize("digits", [PLAIN, 9, 10, 16, 32])
def test_weights_unpack_the_same_in_the_graph(digits: int) -> None:
    # one layer: the matrix shows in the colours
    header = made_header(widths=(), activations=(), digits=digits)
    stored = made_weights(header, seed=5)
    matrix, bias = dequantise(header, stored)
    session = ort.InferenceSession(build(header, stored), providers=["CPUExecutionProvider"])
    grid = np.array([[[[0, 0], [1, 0], [0, 1]]]], np.float32)
    colours = session.run(None, {"grid": grid})[0][0, 0]
    rows = [bias, bias + matrix[0], bias + matrix[1]]
    expected = np.clip(np.rint(np.array(rows, np.float64) * 255), 0, 255)
    assert np.abs(colours - expected).max() <= 1


def test_plane_waves_do_not_sit_on_a_rounding_edge() -> None:
    # otherwise another libm could give another table
    from imcodec.features import GOLDEN_ANGLE, MAX_HALF_WAVES

    for count in range(1, 513):
        i = np.arange(count)
        radius = 1 + (MAX_HALF_WAVES - 1) * (i / count) ** 1.5
        for value in (radius * np.cos(i * GOLDEN_ANGLE), radius * np.sin(i * GOLDEN_ANGLE)):
            distance = np.abs(np.abs(value - np.floor(value)) - 0.5)
            assert distance.min() > 1e-9


def test_graph_is_made_for_every_layer_count() -> None:
    for layers in (0, 1, 7, 30):
        header = made_header(widths=(3,) * layers, activations=("relu",) * layers)
        data = build(header, made_weights(header))
        assert open_container(data).header == header

"""The ONNX graph of the mlp model, built from a header and its stored weights.

This is the one place where the graph is made. The encoder writes what build() returns; the decoder
runs a file only if build() returns the same bytes (imcodec.container). For a released format
version this module is therefore frozen: tests/test_graph.py holds golden bytes.

Every byte of a picture's file counts, so values have one-letter names, nodes have none, and
attributes that equal their defaults are left out. The table of names:

    grid   input, float32 [1, h, w, 2], x then y in [-1, 1]
    rgb    output, uint8 [1, h, w, channels]
    w      stored weights: int8 [n], or int64 [words, 1] (imcodec.packing)
    s      quantisation steps, float32 [2 * layers], one for each matrix and each bias
    a b ... z A ... Z aa ab ...   all others, in the order in which they are made (without w, s)

In order:

    unpack     w / powers -> mod base -> - half -> cast -> flat, or just a cast; then Split
    steps      s -> Split, one scalar for each tensor
    features   raw: grid * (W/2, H/2) + ((W+1)/2, (H+1)/2); fourier: sin and cos of grid @ waves
    layer      x @ Reshape(weights * step) + bias * step, then the activation
    output     QuantizeLinear with step 1/255: rounds to even, clamps to 0..255

`Cast -> Mul -> MatMul` is used instead of DequantizeLinear -> MatMul because onnxruntime 1.25 and
later rewrite the latter into a kernel with 8-bit activations, which changes pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count, product
from string import ascii_letters
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto, helper

from imcodec.features import plane_waves
from imcodec.header import Header
from imcodec.packing import PLAIN, half_range, powers, words_for

OPSET = 16
IR_VERSION = 8
PRODUCER = "imcodec"
METADATA_KEY = "imcodec"
WEIGHTS, STEPS = "w", "s"

_DTYPES = {
    "float32": TensorProto.FLOAT,
    "int64": TensorProto.INT64,
    "int8": TensorProto.INT8,
}


@dataclass(frozen=True)
class StoredWeights:
    """The numbers of the networks as they lie in the file."""

    #: float32 little-endian, one for each tensor
    steps: bytes
    #: as imcodec.packing.pack() makes them
    weights: bytes

    @property
    def joined(self) -> bytes:
        """What the header's CRC covers beside its own text."""
        return self.steps + self.weights


def build(header: Header, stored: StoredWeights) -> bytes:
    """The complete file. The same arguments give the same bytes on every machine."""
    graph = _Builder()
    tensors = _tensors(graph, header, stored)
    x = _features(graph, header, "grid")
    for (_, outputs), activation, (matrix, bias) in zip(
        header.shapes, header.layer_activations, tensors, strict=True
    ):
        weight = graph.node("Reshape", matrix, graph.integers([-1, outputs]))
        x = graph.node("Add", graph.node("MatMul", x, weight), bias)
        x = _activate(graph, activation, x)
    graph.node("QuantizeLinear", x, graph.scalar(1 / 255), output="rgb")
    return graph.model(header.channels, header.text(stored.joined))


def _tensors(graph: _Builder, header: Header, stored: StoredWeights) -> list[tuple[str, str]]:
    """(matrix, bias) of each layer, dequantised, both flat."""
    sizes = list(header.tensor_sizes)
    total = sum(sizes)
    if header.digits == PLAIN:
        graph.stored(WEIGHTS, stored.weights, "int8", [total])
        values = graph.node("Cast", WEIGHTS, to=TensorProto.FLOAT)
    else:
        words = words_for(total, header.digits)
        graph.stored(WEIGHTS, stored.weights, "int64", [words, 1])
        half = half_range(header.digits)
        digits = graph.node("Div", WEIGHTS, graph.integers(powers(header.digits)))
        digits = graph.node("Mod", digits, graph.integers([2 * half + 1]))
        digits = graph.node("Sub", digits, graph.integers([half]))
        values = graph.node("Cast", digits, to=TensorProto.FLOAT)
        values = graph.node("Reshape", values, graph.integers([-1]))
        if words * header.digits > total:  # digits that pad the last word
            sizes.append(words * header.digits - total)
    graph.stored(STEPS, stored.steps, "float32", [len(header.tensor_sizes)])
    steps = graph.split(STEPS, len(header.tensor_sizes))
    parts = graph.split(values, len(sizes), graph.integers(sizes))
    scaled = [graph.node("Mul", part, step) for part, step in zip(parts, steps, strict=False)]
    return list(zip(scaled[::2], scaled[1::2], strict=True))


def _features(graph: _Builder, header: Header, grid: str) -> str:
    if header.features == "raw":
        half = [header.width / 2, header.height / 2]
        x = graph.node("Mul", grid, graph.floats(half))
        return graph.node("Add", x, graph.floats([value + 0.5 for value in half]))
    if header.features == "fourier":
        table = plane_waves(header.frequencies)
        waves = graph.node("Cast", graph.constant(table), to=TensorProto.FLOAT)
        phase = graph.node("MatMul", graph.node("Mul", grid, graph.scalar(np.pi / 2)), waves)
        parts = graph.node("Sin", phase), graph.node("Cos", phase)
        return graph.node("Concat", *parts, axis=-1)
    return grid


def _activate(graph: _Builder, activation: str, x: str) -> str:
    simple = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "sine": "Sin"}
    if activation in simple:
        return graph.node(simple[activation], x)
    if activation == "relu1":
        return graph.node("Clip", x, graph.scalar(0), graph.scalar(1))
    if activation == "gelu":  # x/2 (1 + erf(x / sqrt 2)); the operator Gelu came with opset 20
        erf = graph.node("Erf", graph.node("Mul", x, graph.scalar(0.5**0.5)))
        gate = graph.node("Mul", graph.node("Add", erf, graph.scalar(1)), graph.scalar(0.5))
        return graph.node("Mul", x, gate)
    return x


class _Builder:
    """Collects nodes and constants; hands out names; shares equal constants."""

    def __init__(self) -> None:
        self._graph = GraphProto()
        self._graph.name = "g"  # the checker wants one
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        words = chain.from_iterable(product(ascii_letters, repeat=n) for n in count(1))
        names = ("".join(letters) for letters in words)
        self._names = (name for name in names if name not in (WEIGHTS, STEPS))

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or next(self._names)
        self._graph.node.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def split(self, value: str, parts: int, sizes: str | None = None) -> list[str]:
        """`parts` pieces along axis 0, equal ones unless `sizes` are given."""
        names = [next(self._names) for _ in range(parts)]
        inputs = [value] if sizes is None else [value, sizes]
        self._graph.node.append(helper.make_node("Split", inputs, names))
        return names

    def stored(self, name: str, raw: bytes, dtype: str, shape: list[int]) -> None:
        tensor = self._graph.initializer.add()
        tensor.dims.extend(shape)
        tensor.data_type = _DTYPES[dtype]
        tensor.raw_data = raw
        tensor.name = name

    def constant(self, values: np.ndarray[Any, Any]) -> str:
        key = (str(values.dtype), values.shape, values.tobytes())
        if key not in self._constants:
            name = self._constants[key] = next(self._names)
            little = values.astype(values.dtype.newbyteorder("<"))
            self.stored(name, little.tobytes(), str(values.dtype), list(values.shape))
            if values.dtype == np.int64:  # small integers are shorter as varints than as 8 bytes
                tensor = self._graph.initializer[-1]
                tensor.ClearField("raw_data")
                tensor.int64_data.extend(values.tolist())
        return self._constants[key]

    def integers(self, values: list[int]) -> str:
        return self.constant(np.array(values, np.int64))

    def floats(self, values: list[float]) -> str:
        return self.constant(np.array(values, np.float32))

    def scalar(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def model(self, channels: int, header: str) -> bytes:
        """Serialised model with this graph, the two ends of it, and the header line."""
        self._graph.input.append(
            helper.make_tensor_value_info("grid", TensorProto.FLOAT, [1, "h", "w", 2])
        )
        self._graph.output.append(
            helper.make_tensor_value_info("rgb", TensorProto.UINT8, [1, "h", "w", channels])
        )
        model = ModelProto(ir_version=IR_VERSION, producer_name=PRODUCER)
        model.graph.CopyFrom(self._graph)
        model.opset_import.add().version = OPSET
        model.metadata_props.add(key=METADATA_KEY, value=header)
        data: bytes = model.SerializeToString(deterministic=True)
        return data

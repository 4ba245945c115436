"""A file of the pyramid model: what it stores, and what it says about itself.

The header line (imcodec.pyramid.header) is the metadata `imcodec`. The graph's first initializers
are what is stored, in this order, whatever their names; the rest of the graph follows from the
header, and imcodec.pyramid.graph is its definition.

    context    three tensors, int8 in raw_data, -127 to 127. The first layer
               [2, filters, 7, 5]: phase, output, input (the last two are parent rows), column.
               The later layers [2, hidden + 2, hidden, 1], hidden = 2 * filters: the inner one's
               units, then mean and width. Biases of the inner layer [levels, 2, hidden], coarse to
               fine
    synthesis  int8 [levels + 1 + channels, units] in raw_data, -127 to 127: a row W1 for each
               level, coarse to fine; a row of thresholds T; a row W2 for each channel
    filters    int8 [levels, 1, 1, 3, 3] in raw_data, -127 to 127 (imcodec.pyramid.filters), coarse
               to fine
    states     int64 [lanes] in int64_data, 1 to 2**16 - 1: where the lanes begin
    words      uint16 [count] in raw_data, little-endian: the words, the last one read first

What it means: imcodec.pyramid.walk and .context say in which order the latents are decoded and what
predicts each of them, .table and .rans how they are decoded, .geometry where they lie, .filters
what is done to each plane then. With F_l the bilinear value of the filtered level l at a point,
times 7/16, the colour is

    hidden = max(sum over l of W1_l F_l, T)      all weights divided by 64
    colour = sum over units of W2 hidden, times 64, rounded (half to even), clamped to 0 .. 255
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from imcodec.contents import LayerInfo
from imcodec.errors import InvalidFileError
from imcodec.outline import Tensor
from imcodec.pyramid import filters as planes_filters
from imcodec.pyramid import graph, wire
from imcodec.pyramid.context import FIRST, LATER, Context, Weights
from imcodec.pyramid.header import PyramidHeader
from imcodec.pyramid.rans import START, Payload
from imcodec.pyramid.table import Ints, Table

LARGEST_SYNTHESIS = 127
#: three of the context network, synthesis, filters, states, words
TENSORS = 7
TABLE = Table()


@dataclass(frozen=True)
class Stored:
    """The numbers of a file."""

    #: first layer, later layers and biases of the context network (imcodec.pyramid.context)
    context: tuple[Weights, Weights, Weights]
    #: int8 [levels + 1 + channels, units, 1, 1]: W1, thresholds, W2
    synthesis: NDArray[np.int8]
    #: int8 [levels, 3, 3]
    filters: NDArray[np.int8]
    #: uint16 [count], in reading order
    words: NDArray[np.uint16]
    #: int64 [lanes]
    states: Ints

    @property
    def parts(self) -> tuple[memoryview, ...]:
        """What the header's CRC covers beside its own text.

        The context network's weights, the synthesis, the filters, the states (8 bytes each) and the
        words as they are stored, one after another, little-endian.
        """
        arrays = (
            *self.context,
            self.synthesis,
            self.filters,
            self.states.astype("<i8"),
            self.words[::-1].astype("<u2", copy=False),
        )
        return tuple(np.ascontiguousarray(array).data for array in arrays)

    @property
    def payload(self) -> Payload:
        """Words and states as the entropy coder has them."""
        return Payload(self.words, self.states, 0.0)


@dataclass(frozen=True)
class PyramidFile:
    """The header and the numbers of a file. read() checks them, the constructor does not."""

    header: PyramidHeader
    stored: Stored

    model = "pyramid"
    #: bits a weight takes
    bits = 8.0

    @classmethod
    def read(cls, header: PyramidHeader, initializers: Iterator[Tensor]) -> PyramidFile:
        """The contents of a model with this header; the words stay where they are.

        Raises InvalidFileError.
        """
        tensors = list(islice(initializers, TENSORS))
        if len(tensors) < TENSORS:
            raise InvalidFileError("the file is damaged: networks or latents are missing")
        *context, second, third, states, words = tensors
        first, later, biases = map(_int8, context, header.context_shapes)
        shape = header.synthesis_shape
        synthesis = _int8(second, shape[:2]).reshape(shape)
        filters = _int8(third, header.filters_shape).reshape(header.levels, 3, 3)
        numbers = Stored(
            (first, later, biases), synthesis, filters, _words(words), _states(states, header)
        )
        return cls(header, numbers)

    def check(self) -> None:
        """Raise InvalidFileError for numbers that no encoder writes."""
        try:
            check(self.header, self.stored)
        except ValueError as error:
            raise InvalidFileError(f"the file is damaged: {error}") from error

    def build(self) -> list[wire.Part]:
        """The file, in parts, so that the words are not copied."""
        return parts(self.header, self.stored)

    @property
    def text(self) -> str:
        """The header line that these contents have."""
        return self.header.text(*self.stored.parts)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights of both networks and of the filters."""
        stored = self.stored
        return sum(x.size for x in (*stored.context, stored.synthesis, stored.filters))

    @property
    def payload_bytes(self) -> int:
        """Bytes of words and lane states."""
        return self.stored.payload.size

    @property
    def features(self) -> str:
        """What the synthesis sees, in words."""
        levels, pitch = self.header.levels, self.header.pitch
        if levels == 1:
            return f"latents at 1 level, 1/{pitch}"
        return f"latents at {levels} levels, 1/{pitch} to 1/{pitch << (levels - 1)}"

    def layers(self) -> tuple[LayerInfo, ...]:
        """The context network's layers for even and odd columns, the filters, the synthesis."""
        return (*self._context_layers(), self._filters_layer(), *self._synthesis_layers())

    def _context_layers(self) -> Iterator[LayerInfo]:
        """In real numbers: inputs are latents, outputs mean and width."""
        context = Context(*self.stored.context)
        for phase, columns in enumerate(("even", "odd")):
            names = [f"context {number}, {columns} columns" for number in (1, 2, 3)]
            yield _context_layer(names[0], "absolute", context.first[phase] * FIRST)
            biases = context.biases[:, phase]
            yield _context_layer(names[1], "relu", context.inner[phase] * LATER, biases)
            yield _context_layer(names[2], "linear", context.outer[phase] * LATER)

    def _filters_layer(self) -> LayerInfo:
        """All filters as one layer: a plane's nine cells to a filtered one, for each level."""
        levels = self.header.levels
        weights = self.stored.filters.reshape(levels, -1).astype(np.float32)
        return LayerInfo(
            name="filters",
            activation="linear",
            inputs=weights.shape[1],
            outputs=levels,
            parameters=weights.size,
            weight=np.ascontiguousarray(weights.T / np.float32(planes_filters.FILTER_UNIT)),
            bias=np.zeros(levels, np.float32),
        )

    def _synthesis_layers(self) -> Iterator[LayerInfo]:
        """In real numbers: inputs are latents, outputs colours in 0 .. 1."""
        levels = self.header.levels
        values = self.stored.synthesis[:, :, 0, 0].astype(np.float32) * np.float32(LATER)
        units = self.header.units
        yield LayerInfo(
            name="synthesis 1",
            activation="threshold",
            inputs=levels,
            outputs=units,
            parameters=(levels + 1) * units,
            weight=values[:levels] * np.float32(TABLE.step),
            bias=values[levels],
        )
        yield LayerInfo(
            name="synthesis 2",
            activation="linear",
            inputs=units,
            outputs=self.header.channels,
            parameters=units * self.header.channels,
            weight=np.ascontiguousarray(values[levels + 1 :].T / np.float32(255 * LATER)),
            bias=np.zeros(self.header.channels, np.float32),
        )


def picture_of(header: PyramidHeader, stored: Stored, text: str = "") -> graph.Picture:
    """The builder's view of a file, less its words and states. Raises ValueError."""
    return graph.Picture(
        header.geometry, Context(*stored.context), TABLE, stored.synthesis, stored.filters, text
    )


def build(header: PyramidHeader, stored: Stored) -> bytes:
    """The complete file. The same arguments give the same bytes on every machine.

    Raises ValueError for numbers that are out of range or do not fit the header.
    """
    return b"".join(parts(header, stored))


def parts(header: PyramidHeader, stored: Stored) -> list[wire.Part]:
    """As build(), in parts: the words are not copied."""
    check(header, stored)
    picture = picture_of(header, stored, header.text(*stored.parts))
    return graph.build_parts(picture, stored.payload)


def check(header: PyramidHeader, stored: Stored) -> None:
    """Raise ValueError for numbers that are out of range or do not fit the header."""
    shapes = tuple(layer.shape for layer in stored.context)
    if shapes != header.context_shapes or stored.synthesis.shape != header.synthesis_shape:
        raise ValueError("the networks do not fit the header")
    Context(*stored.context)  # checks its range
    if stored.synthesis.dtype != np.int8 or (stored.synthesis < -LARGEST_SYNTHESIS).any():
        raise ValueError(f"a weight of the synthesis is below -{LARGEST_SYNTHESIS}")
    planes_filters.check(stored.filters, header.levels)
    if stored.states.shape != (header.geometry.lanes,) or stored.words.dtype != np.uint16:
        raise ValueError("the lanes do not fit the header")
    if (stored.states < 1).any() or (stored.states >= START).any():
        raise ValueError("the state of a lane is out of range")


def _int8(tensor: Tensor, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """A copy of the weights of a tensor that must have this shape."""
    size = math.prod(shape)
    _expect(tensor, TensorProto.INT8, shape, len(tensor.raw) == size)
    weights = np.frombuffer(tensor.raw, np.int8).reshape(shape)
    return np.array(weights)


def _words(tensor: Tensor) -> NDArray[np.uint16]:
    """The words in reading order, where they lie in the file."""
    count, odd = divmod(len(tensor.raw), 2)
    _expect(tensor, TensorProto.UINT16, (count,), not odd)
    return np.frombuffer(tensor.raw, "<u2").astype(np.uint16, copy=False)[::-1]


def _states(tensor: Tensor, header: PyramidHeader) -> Ints:
    lanes = header.geometry.lanes
    _expect(tensor, TensorProto.INT64, (lanes,), len(tensor.proto.int64_data) == lanes)
    return np.array(tensor.proto.int64_data, np.int64)


def _expect(tensor: Tensor, kind: int, shape: tuple[int, ...], whole: bool) -> None:
    """Before anything is allocated: what the header says, no more and no less."""
    if not whole or tensor.proto.data_type != kind or tuple(tensor.proto.dims) != shape:
        raise InvalidFileError("the file is damaged: networks or latents are missing or left over")


def _context_layer(
    name: str, activation: str, weight: NDArray[np.floating], biases: Weights | None = None
) -> LayerInfo:
    """A layer of the context network; its bias is that of the finest level."""
    matrix = np.ascontiguousarray(weight.reshape(len(weight), -1).T, np.float32)
    inputs, outputs = matrix.shape
    return LayerInfo(
        name=name,
        activation=activation,
        inputs=inputs,
        outputs=outputs,
        parameters=weight.size + (0 if biases is None else biases.size),
        weight=matrix,
        bias=np.zeros(outputs, np.float32) if biases is None else biases[-1].astype(np.float32),
    )

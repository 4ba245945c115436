"""The file: how it is read, checked, and accounted for. This is the format's specification.

A file is one ONNX model (protobuf ModelProto, IR version 8, opset 16 of the default domain) with
`producer_name` "imcodec" and one metadata entry under the key `imcodec`, so that it begins with the
eleven bytes 08 08 12 07 "imcodec".

    metadata `imcodec`   the header line (imcodec.header): sizes, layers, checksum
    initializer `w`      the stored weights (imcodec.packing), tensor after tensor: the matrix
                         [inputs, outputs] of the first layer row by row, its bias [outputs], ...
    initializer `s`      float32, one quantisation step for each of these tensors, finite and > 0
    everything else      follows from the header; imcodec.graph is its definition

Meaning: value = integer * step. With x the features of a point (imcodec.graph, imcodec.features),
each layer computes activation(x @ matrix + bias), and the last one gives the colour in [0, 1],
rounded to 8 bits (half to even) and clamped. The point (x, y) = (-1, -1) is the outer corner of the
picture's first pixel, (1, 1) that of its last; pixel centres are at (2 i + 1) / n - 1.

Rule for readers: rebuild the file from its header, `w` and `s`, and refuse it unless the result is
equal to the file, byte for byte. That leaves no room for other operators, external data, trailing
bytes, or a flipped bit. The CRC-32 in the header guards against accidents, not against forgery: a
forger can make a valid file, but only one that shows another picture.

Versions: a change in any byte that build() makes for the same arguments is a new FORMAT.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import ModelProto

from imcodec.contents import ByteCount, Info, LayerInfo
from imcodec.errors import InvalidFileError, LimitError
from imcodec.files import read_bytes
from imcodec.graph import METADATA_KEY, STEPS, WEIGHTS, StoredWeights, build
from imcodec.header import FORMAT, Header, parse
from imcodec.packing import stored_size, unpack

PREFIX = b"\x08\x08\x12\x07imcodec"
MAX_BYTES = 64 * 2**20

Source = bytes | bytearray | memoryview | str | os.PathLike[str]


@dataclass(frozen=True)
class Container:
    """A verified file."""

    data: bytes
    header: Header
    stored: StoredWeights


def looks_like_ours(prefix: bytes) -> bool:
    """Whether a file that begins with these (at least eleven) bytes claims to be ours."""
    return prefix.startswith(PREFIX)


def open_container(source: Source) -> Container:
    """The verified contents of a file or of its bytes.

    Raises InvalidFileError unless `source` is exactly what build() makes of its own header and
    weights; LimitError for more than 64 MiB; OSError's message as InvalidFileError.
    """
    data, name = _read(source)
    try:
        return _open(data)
    except InvalidFileError as error:
        if name:
            raise InvalidFileError(f"{name}: {error}") from error.__cause__
        raise


def verify(source: Source) -> Info:
    """Check that a file is whole and what it claims to be. Raises InvalidFileError otherwise."""
    return describe(open_container(source))


#: What is inside a file. The same as verify(): nothing is reported of a file that is not whole.
info = verify


def describe(container: Container) -> Info:
    """Sizes, layers, quality and where the bytes went."""
    header, stored = container.header, container.stored
    entry = ModelProto()
    entry.metadata_props.add(key=METADATA_KEY, value=header.text(stored.joined))
    header_bytes = entry.ByteSize()
    weight_bytes = len(stored.joined)
    total = len(container.data)
    return Info(
        width=header.width,
        height=header.height,
        channels=header.channels,
        model="mlp",
        version=FORMAT,
        features=_features_in_words(header),
        bits=64 / header.digits,
        psnr=header.psnr / 100,
        bytes=ByteCount(
            total=total,
            graph=total - weight_bytes - header_bytes,
            weights=weight_bytes,
            payload=0,
            header=header_bytes,
        ),
        layers=tuple(_layers(header, stored)),
    )


def dequantise(header: Header, stored: StoredWeights) -> list[NDArray[np.float32]]:
    """Matrices [inputs, outputs] and biases [outputs] in file order, as the graph computes them."""
    weights = unpack(stored.weights, sum(header.tensor_sizes), header.digits)
    steps = np.frombuffer(stored.steps, "<f4")
    parts = np.split(weights.astype(np.float32), np.cumsum(header.tensor_sizes)[:-1])
    values = [part * step for part, step in zip(parts, steps, strict=True)]
    for i, shape in enumerate(header.shapes):
        values[2 * i] = values[2 * i].reshape(shape)
    return values


def _layers(header: Header, stored: StoredWeights) -> list[LayerInfo]:
    values = dequantise(header, stored)
    return [
        LayerInfo(
            name=f"dense {i + 1}",
            activation=activation,
            inputs=inputs,
            outputs=outputs,
            parameters=(inputs + 1) * outputs,
            weight=values[2 * i],
            bias=values[2 * i + 1],
        )
        for i, ((inputs, outputs), activation) in enumerate(
            zip(header.shapes, header.layer_activations, strict=True)
        )
    ]


def _features_in_words(header: Header) -> str:
    if header.features == "fourier":
        return f"sines and cosines of {header.frequencies} plane waves"
    return {"raw": "pixel numbers", "normalised": "coordinates in [-1, 1]"}[header.features]


def _read(source: Source) -> tuple[bytes, str]:
    """The bytes and, for a file, its name."""
    if isinstance(source, bytes | bytearray | memoryview):
        if len(source) > MAX_BYTES:
            raise LimitError(f"{len(source)} bytes are more than the limit of {MAX_BYTES}")
        return bytes(source), ""
    path = Path(source)
    return read_bytes(path, MAX_BYTES), path.name


def _open(data: bytes) -> Container:
    if not looks_like_ours(data):
        raise InvalidFileError(_not_ours(data))
    model = ModelProto()
    try:
        model.ParseFromString(data)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        tensors = {tensor.name: tensor.raw_data for tensor in model.graph.initializer}
    except (DecodeError, UnicodeDecodeError, ValueError) as error:
        raise InvalidFileError("the file is damaged or truncated: it is not a model") from error
    if METADATA_KEY not in metadata or WEIGHTS not in tensors or STEPS not in tensors:
        raise InvalidFileError("the file is damaged: header or weights are missing")
    text = metadata[METADATA_KEY]
    if not isinstance(text, str):  # protobuf hands out bytes where the text is not UTF-8
        raise InvalidFileError("the header is damaged")
    header = parse(text)
    stored = StoredWeights(steps=tensors[STEPS], weights=tensors[WEIGHTS])
    _check_lengths(header, stored)
    if header.text(stored.joined) != text:
        raise InvalidFileError("the checksum does not match; the file is damaged")
    _check_weights(header, stored)
    if build(header, stored) != data:
        raise InvalidFileError("the file was modified since it was encoded, or is damaged")
    return Container(data=data, header=header, stored=stored)


def _check_lengths(header: Header, stored: StoredWeights) -> None:
    """Before anything is allocated: as many weights as the header's layers have."""
    count = sum(header.tensor_sizes)
    expected = stored_size(count, header.digits)
    if len(stored.weights) != expected or len(stored.steps) != 4 * len(header.tensor_sizes):
        raise InvalidFileError("the file is damaged: weights are missing or left over")


def _check_weights(header: Header, stored: StoredWeights) -> None:
    steps = np.frombuffer(stored.steps, "<f4")
    if not (np.isfinite(steps).all() and (steps > 0).all()):
        raise InvalidFileError("the file is damaged: a quantisation step is not a positive number")
    try:
        unpack(stored.weights, sum(header.tensor_sizes), header.digits)
    except ValueError as error:
        raise InvalidFileError("the file is damaged: the weights are not in packed form") from error


def _not_ours(data: bytes) -> str:
    if not data:
        return "the file is empty"
    return "not an imcodec file, or its first bytes are damaged"

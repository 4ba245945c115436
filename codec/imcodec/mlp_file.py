"""A file of the mlp model: what it stores, and what it says about itself.

    metadata `imcodec`   the header line (imcodec.header): sizes, layers, checksum
    initializer `w`      the stored weights (imcodec.packing), tensor after tensor: the matrix
                         [inputs, outputs] of the first layer row by row, its bias [outputs], ...
    initializer `s`      float32, one quantisation step for each of these tensors, finite and > 0
    everything else      follows from the header; imcodec.graph is its definition

Meaning: value = integer * step. With x the features of a point (imcodec.graph, imcodec.features),
each layer computes activation(x @ matrix + bias), and the last one gives the colour in [0, 1],
rounded to 8 bits (half to even) and clamped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imcodec.contents import LayerInfo
from imcodec.errors import InvalidFileError
from imcodec.graph import STEPS, WEIGHTS, StoredWeights, build
from imcodec.header import Header
from imcodec.outline import Tensor
from imcodec.packing import stored_size, unpack


@dataclass(frozen=True)
class MlpFile:
    """The header and the numbers of a file. read() checks them, the constructor does not."""

    header: Header
    stored: StoredWeights

    model = "mlp"

    @classmethod
    def read(cls, header: Header, initializers: Iterator[Tensor]) -> MlpFile:
        """The contents of a model with this header. Raises InvalidFileError."""
        found = {}
        for tensor in initializers:
            if tensor.proto.name in (WEIGHTS, STEPS):
                found[tensor.proto.name] = tensor.raw
        if len(found) < 2:
            raise InvalidFileError("the file is damaged: weights are missing")
        steps, weights = found[STEPS], found[WEIGHTS]
        _check_lengths(header, len(steps), len(weights))
        return cls(header, StoredWeights(bytes(steps), bytes(weights)))

    def check(self) -> None:
        """Raise InvalidFileError for numbers that no encoder writes."""
        steps = np.frombuffer(self.stored.steps, "<f4")
        if not (np.isfinite(steps).all() and (steps > 0).all()):
            raise InvalidFileError(
                "the file is damaged: a quantisation step is not a positive number"
            )
        try:
            unpack(self.stored.weights, sum(self.header.tensor_sizes), self.header.digits)
        except ValueError as error:
            raise InvalidFileError(
                "the file is damaged: the weights are not in packed form"
            ) from error

    def build(self) -> list[bytes]:
        """The file, in one part."""
        return [build(self.header, self.stored)]

    @property
    def text(self) -> str:
        """The header line that these contents have."""
        return self.header.text(self.stored.joined)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights, with their steps."""
        return len(self.stored.joined)

    @property
    def payload_bytes(self) -> int:
        """Bytes of entropy-coded latents: none."""
        return 0

    @property
    def bits(self) -> float:
        """Bits a weight takes."""
        return 64 / self.header.digits

    @property
    def features(self) -> str:
        """What the first layer sees, in words."""
        if self.header.features == "fourier":
            return f"sines and cosines of {self.header.frequencies} plane waves"
        return {"raw": "pixel numbers", "normalised": "coordinates in [-1, 1]"}[
            self.header.features
        ]

    def layers(self) -> tuple[LayerInfo, ...]:
        """Every dense layer."""
        values = dequantise(self.header, self.stored)
        return tuple(
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
                zip(self.header.shapes, self.header.layer_activations, strict=True)
            )
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


def _check_lengths(header: Header, steps: int, weights: int) -> None:
    """Before anything is allocated: as many bytes as the header's layers have."""
    count = sum(header.tensor_sizes)
    if weights != stored_size(count, header.digits) or steps != 4 * len(header.tensor_sizes):
        raise InvalidFileError("the file is damaged: weights are missing or left over")

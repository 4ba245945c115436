"""What a file says about itself: the answer of `info` and `verify`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ByteCount:
    """Where the bytes of a file went. `graph + weights + payload + header == total`.

    graph: nodes, names, and constants that are the same for every picture of this shape of network;
    weights: the numbers of the networks; payload: entropy-coded latents (0 for the mlp model);
    header: the metadata string with its key.
    """

    total: int
    graph: int
    weights: int
    payload: int
    header: int


@dataclass(frozen=True)
class LayerInfo:
    """One dense layer: what goes in, what comes out, and what it costs."""

    name: str
    activation: str
    inputs: int
    outputs: int
    parameters: int
    #: dequantised weights, [inputs, outputs], and biases, [outputs], float32
    weight: NDArray[np.float32] = field(repr=False, compare=False)
    bias: NDArray[np.float32] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Info:
    """Contents of a verified file."""

    width: int
    height: int
    channels: int
    model: str
    #: version of the file format
    version: int
    #: what the first layer sees, in words
    features: str
    #: bits a weight takes in the file
    bits: float
    #: PSNR in dB of the decoded picture, as measured and recorded by the encoder
    psnr: float
    bytes: ByteCount
    layers: tuple[LayerInfo, ...]

    @property
    def bpp(self) -> float:
        """Bits of file per pixel of the picture at scale 1."""
        return 8 * self.bytes.total / (self.width * self.height)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(layer.parameters for layer in self.layers)

    def to_dict(self, *, weights: bool = False) -> dict[str, Any]:
        """Plain values for JSON; `weights` adds every weight and bias."""
        layers = []
        for layer in self.layers:
            row: dict[str, Any] = {
                "name": layer.name,
                "activation": layer.activation,
                "inputs": layer.inputs,
                "outputs": layer.outputs,
                "parameters": layer.parameters,
            }
            if weights:
                row |= {"weight": layer.weight.tolist(), "bias": layer.bias.tolist()}
            layers.append(row)
        return {
            "width": self.width,
            "height": self.height,
            "channels": self.channels,
            "model": self.model,
            "version": self.version,
            "features": self.features,
            "bits": self.bits,
            "psnr": self.psnr,
            "bpp": self.bpp,
            "parameters": self.parameters,
            "bytes": asdict(self.bytes),
            "layers": layers,
        }

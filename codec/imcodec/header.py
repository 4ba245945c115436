"""The header: one short line of text that determines the graph, and the check that it is whole.

Its first word is the FORMAT, a number, and its second the model; what follows depends on the model.
The pyramid's is in imcodec.pyramid.header, this is that of the mlp model:

    FORMAT model width height channels digits features layers psnr crc
    1      mlp   640   480    3        11     n        4x64s,l 3012 9f3c02d1

* FORMAT    version of the file format; this module writes and reads version 1
* model     `mlp`
* width, height   of the picture in pixels, 1 to 65535
* channels  1 grey, 2 grey and alpha, 3 RGB, 4 RGBA
* digits    weights a 64-bit word, 8 to 32; 8 stands for one byte a weight (imcodec.packing)
* features  what the first layer sees: `r` pixel numbers counted from 1, `n` the coordinates
            themselves, `f` and a number of plane waves (imcodec.features)
* layers    hidden layers as width and activation letter, `COUNTx` before a repeated one, then the
            activation letter of the layer that makes the colours:
            s sine, t tanh, r relu, c relu clipped at 1, g sigmoid, e gelu, l linear;
            64 hidden layers, 4096 units each, 1,048,576 weights and biases in all, at most
* psnr      quality of the decoded picture in hundredths of a decibel, 9999 at most
* crc       CRC-32 (ISO-HDLC, as in zlib) of the text before it, with its space, followed by the
            steps and the stored weights as they lie in the file; eight lower-case hex digits

Numbers are decimal without sign or leading zeros, fields are separated by one space. Each header
has exactly one spelling; parse() refuses every other.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from itertools import groupby, pairwise

from imcodec.errors import InvalidFileError, UnknownVersionError
from imcodec.mlp_settings import MAX_FREQUENCIES, MAX_LAYERS, MAX_WEIGHTS, MAX_WIDTH
from imcodec.packing import MAX_DIGITS, PLAIN

FORMAT = 1
MAX_SIDE = 65535
MAX_TEXT = 4096
MAX_PSNR = 9999

MODEL = "mlp"
LETTERS = {
    "sine": "s",
    "tanh": "t",
    "relu": "r",
    "relu1": "c",
    "sigmoid": "g",
    "gelu": "e",
    "linear": "l",
}
_NAMES = {letter: name for name, letter in LETTERS.items()}
_NUMBER = r"(0|[1-9][0-9]{0,9})"
_START = re.compile(r"(0|[1-9][0-9]{0,8}) ([a-z]{1,9})\b", re.ASCII)
_TEXT = re.compile(
    rf"{FORMAT} {MODEL} {_NUMBER} {_NUMBER} {_NUMBER} {_NUMBER} (r|n|f[1-9][0-9]{{0,3}}) "
    rf"([a-z0-9,]+) {_NUMBER} ([0-9a-f]{{8}})",
    re.ASCII,
)
_LAYER = re.compile(r"(?:([1-9][0-9]{0,2})x)?([1-9][0-9]{0,4})([a-z])", re.ASCII)


@dataclass(frozen=True)
class Header:
    """What a file says before its weights. Ranges are checked by parse(), not here."""

    width: int
    height: int
    channels: int
    digits: int
    #: "raw", "normalised" or "fourier"
    features: str
    #: plane waves; 0 unless features == "fourier"
    frequencies: int
    widths: tuple[int, ...]
    activations: tuple[str, ...]
    output_activation: str
    #: hundredths of a decibel
    psnr: int = 0

    @property
    def inputs(self) -> int:
        """Inputs of the first layer."""
        return 2 * self.frequencies if self.features == "fourier" else 2

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of every dense layer."""
        sizes = (self.inputs, *self.widths, self.channels)
        return tuple(pairwise(sizes))

    @property
    def tensor_sizes(self) -> tuple[int, ...]:
        """Number of weights in each tensor, in file order: matrix, bias, matrix, bias, ..."""
        return tuple(n for inputs, outputs in self.shapes for n in (inputs * outputs, outputs))

    @property
    def layer_activations(self) -> tuple[str, ...]:
        """Activation of every dense layer, the last one included."""
        return (*self.activations, self.output_activation)

    def text(self, stored: bytes) -> str:
        """The header line for a file whose steps and weights are `stored`."""
        front = (
            f"{FORMAT} {MODEL} {self.width} {self.height} {self.channels} {self.digits} "
            f"{self._features_text()} {self._layers_text()} {self.psnr} "
        )
        return front + f"{zlib.crc32(front.encode() + stored):08x}"

    def _features_text(self) -> str:
        return f"f{self.frequencies}" if self.features == "fourier" else self.features[0]

    def _layers_text(self) -> str:
        parts = []
        hidden = zip(self.widths, self.activations, strict=True)
        for (width, activation), group in groupby(hidden):
            count = len(list(group))
            repeat = f"{count}x" if count > 1 else ""
            parts.append(f"{repeat}{width}{LETTERS[activation]}")
        return ",".join([*parts, LETTERS[self.output_activation]])


def model_of(text: str) -> str:
    """The model that a header of this format version is of, its second word.

    Raises InvalidFileError for another version, and for what is no header at all.
    """
    match = _START.match(text) if len(text) <= MAX_TEXT else None
    if match is None:
        raise InvalidFileError("the header is damaged")
    if int(match[1]) != FORMAT:
        raise UnknownVersionError(
            f"format version {match[1]} is not known to this release; a newer imcodec may be"
        )
    return match[2]


def parse(text: str) -> Header:
    """The header behind `text`, every number in range. The CRC is checked by the container.

    Raises InvalidFileError.
    """
    if model_of(text) != MODEL or not (match := _TEXT.fullmatch(text)):
        raise InvalidFileError("the header is damaged")
    width, height, channels, digits = (int(match[i]) for i in range(1, 5))
    in_range("width", width, 1, MAX_SIDE)
    in_range("height", height, 1, MAX_SIDE)
    in_range("channels", channels, 1, 4)
    in_range("digits", digits, PLAIN, MAX_DIGITS)
    psnr = int(match[7])
    in_range("psnr", psnr, 0, MAX_PSNR)
    features = {"r": "raw", "n": "normalised", "f": "fourier"}[match[5][0]]
    frequencies = int(match[5][1:] or 0)
    in_range("frequencies", frequencies, 0, MAX_FREQUENCIES)
    hidden, output_activation = _parse_layers(match[6])
    header = Header(
        width=width,
        height=height,
        channels=channels,
        digits=digits,
        features=features,
        frequencies=frequencies,
        widths=tuple(width for width, _ in hidden),
        activations=tuple(activation for _, activation in hidden),
        output_activation=output_activation,
        psnr=psnr,
    )
    if header._layers_text() != match[6]:  # "1x64s", or "64s,64s"
        raise InvalidFileError("the header's list of layers is damaged")
    in_range("number of weights", sum(header.tensor_sizes), 1, MAX_WEIGHTS)
    return header


def _parse_layers(text: str) -> tuple[list[tuple[int, str]], str]:
    """Hidden layers as (width, activation), and the activation of the last layer."""
    *parts, last = text.split(",")
    hidden: list[tuple[int, str]] = []
    for part in parts:
        match = _LAYER.fullmatch(part)
        if match is None or match[3] not in _NAMES:
            raise InvalidFileError("the header's list of layers is damaged")
        count, width = int(match[1] or 1), int(match[2])
        in_range("layers", count + len(hidden), 1, MAX_LAYERS)
        in_range("width of a layer", width, 1, MAX_WIDTH)
        hidden += [(width, _NAMES[match[3]])] * count
    if last not in _NAMES:
        raise InvalidFileError("the header's list of layers is damaged")
    return hidden, _NAMES[last]


def in_range(name: str, value: int, low: int, high: int) -> None:
    """Raise InvalidFileError unless low <= value <= high."""
    if not low <= value <= high:
        raise InvalidFileError(f"the header's {name} is {value}; the range is {low} to {high}")

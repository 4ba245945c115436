"""The file: how it is read, checked, and accounted for. This is the format's specification.

A file is one ONNX model (protobuf ModelProto, IR version 8, opset 16 of the default domain) with
`producer_name` "imcodec" and one metadata entry under the key `imcodec`, so that it begins with the
eleven bytes 08 08 12 07 "imcodec".

The entry is the header: one line of text whose first word is the FORMAT and whose second is the
model. With the numbers that the model stores, it determines every byte of the file:

    mlp   imcodec.mlp_file, imcodec.header, imcodec.packing, imcodec.graph
    pyr   imcodec.pyramid.file and the modules named there

The graph of every model takes `grid`, float32 [1, h, w, 2], and gives `rgb`, uint8
[1, h, w, channels]. The point (x, y) = (-1, -1) is the outer corner of the picture's first pixel,
(1, 1) that of its last; pixel centres are at (2 i + 1) / n - 1.

Rule for readers: rebuild the file from its header and what it stores, and refuse it unless the
result is equal to the file, byte for byte. That leaves no room for other operators, external data,
trailing bytes, or a flipped bit. The CRC-32 in the header guards against accidents, not against
forgery: a forger can make a valid file, but only one that shows another picture, or whose entropy
code ends in the wrong place, which decoding notices.

Versions: a change in any byte that build() makes for the same arguments is a new FORMAT.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnx import ModelProto

from imcodec import header as mlp_header
from imcodec.contents import ByteCount, Info
from imcodec.errors import InvalidFileError, LimitError, UnknownVersionError
from imcodec.files import read_bytes
from imcodec.graph import METADATA_KEY, StoredWeights
from imcodec.header import FORMAT, Header, model_of
from imcodec.mlp_file import MlpFile
from imcodec.outline import Tensor, metadata_of, tensors_of
from imcodec.pyramid import header as pyramid_header
from imcodec.pyramid.file import PyramidFile, Stored
from imcodec.pyramid.header import PyramidHeader
from imcodec.pyramid.wire import Part

PREFIX = b"\x08\x08\x12\x07imcodec"
MAX_BYTES = 64 * 2**20
#: bytes that any file may have, and more of them for each pixel
FREE_BYTES, PIXEL_BYTES = 4 * 2**20, 4

#: the second word of the header, what reads the header, and what reads the rest with its help
MODELS: dict[
    str, tuple[Callable[[str], Any], Callable[[Any, Iterator[Tensor]], MlpFile | PyramidFile]]
] = {
    mlp_header.MODEL: (mlp_header.parse, MlpFile.read),
    pyramid_header.MODEL: (pyramid_header.parse, PyramidFile.read),
}

Source = bytes | bytearray | memoryview | str | os.PathLike[str]


@dataclass(frozen=True)
class Container:
    """A verified file."""

    data: bytes
    contents: MlpFile | PyramidFile

    @property
    def header(self) -> Header | PyramidHeader:
        """What the file says before its numbers; every model has width, height, channels, psnr."""
        return self.contents.header

    @property
    def stored(self) -> StoredWeights | Stored:
        """The numbers of the file."""
        return self.contents.stored


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
            raise type(error)(f"{name}: {error}") from error.__cause__
        raise


def verify(source: Source) -> Info:
    """Check that a file is whole and what it claims to be. Raises InvalidFileError otherwise."""
    return describe(open_container(source))


#: What is inside a file. The same as verify(): nothing is reported of a file that is not whole.
info = verify


def describe(container: Container) -> Info:
    """Sizes, layers, quality and where the bytes went."""
    contents, header = container.contents, container.header
    entry = ModelProto()
    entry.metadata_props.add(key=METADATA_KEY, value=contents.text)
    total, rest = len(container.data), contents.weight_bytes + contents.payload_bytes
    return Info(
        width=header.width,
        height=header.height,
        channels=header.channels,
        model=contents.model,
        version=FORMAT,
        features=contents.features,
        bits=contents.bits,
        psnr=header.psnr / 100,
        bytes=ByteCount(
            total=total,
            graph=total - rest - entry.ByteSize(),
            weights=contents.weight_bytes,
            payload=contents.payload_bytes,
            header=entry.ByteSize(),
        ),
        layers=contents.layers(),
    )


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
    text = metadata_of(data).get(METADATA_KEY)
    if not isinstance(text, str):  # protobuf hands out bytes where the text is not UTF-8
        raise InvalidFileError("the file is damaged: the header is missing or is no text")
    model_name = model_of(text)
    if model_name not in MODELS:
        raise UnknownVersionError(
            f"the model {model_name} is not known to this release; a newer imcodec may be"
        )
    parse, read = MODELS[model_name]
    header = parse(text)
    _check_length(len(data), header)
    contents = read(header, tensors_of(data))
    if contents.text != text:
        raise InvalidFileError("the checksum does not match; the file is damaged")
    contents.check()
    if not _is_made_of(data, contents.build()):
        raise InvalidFileError("the file was modified since it was encoded, or is damaged")
    return Container(data, contents)


def _check_length(length: int, header: Header | PyramidHeader) -> None:
    """Before the numbers are touched: a small picture has no large file."""
    if length > FREE_BYTES + PIXEL_BYTES * header.width * header.height:
        raise InvalidFileError(
            f"the file is damaged: {length} bytes are too many for a picture of "
            f"{header.width}x{header.height}"
        )


def _is_made_of(data: bytes, parts: Iterable[Part]) -> bool:
    """Whether these parts, one after another, are the file: every byte of it, and no more."""
    at = 0
    for part in parts:
        if not data.startswith(part, at):
            return False
        at += len(part)
    return at == len(data)


def _not_ours(data: bytes) -> str:
    if not data:
        return "the file is empty"
    return "not an imcodec file, or its first bytes are damaged"

"""The outline of a file: where its bytes are, and its header, found before anything is parsed.

A parser of protobuf makes an object for every two bytes, if a file is made to say so: 64 MiB become
gigabytes before anything can be checked. So this module walks over the fields first. All that a
file of ours has in any quantity is the raw numbers of its initializers; everything else, the
structure, is small: nodes, names, dimensions, and the states of at most 65536 lanes.

Raw numbers are never copied: what reads a file is handed the place where they lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from onnx import StringStringEntryProto, TensorProto

from imcodec.errors import InvalidFileError

#: bytes of a file that are not raw numbers of its initializers
MAX_STRUCTURE = 2**19

#: numbers of the fields that lead to raw numbers: ModelProto, GraphProto, TensorProto
_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
_METADATA = 14
_PATH = (_GRAPH, _INITIALIZER, _RAW_DATA)
_FRAMED, _FIXED = 2, {1: 8, 5: 4}


@dataclass(frozen=True)
class Tensor:
    """An initializer of a file's graph."""

    #: all of it but its raw numbers
    proto: TensorProto
    #: its raw numbers, within the bytes of the file
    raw: memoryview


def tensors_of(data: bytes) -> Iterator[Tensor]:
    """The initializers of a model's graph, in order.

    Raises InvalidFileError where they end, or are no tensors.
    """
    for first, last in _parts(data, 0, len(data), _GRAPH):
        for begin, end in _parts(data, first, last, _INITIALIZER):
            yield _tensor(data, begin, end)


def _parts(data: bytes, start: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Where the contents of the fields of one number begin and end."""
    for number, wire, first, last in _fields(data, start, end):
        if number == wanted and wire == _FRAMED:
            yield first, last


def _tensor(data: bytes, start: int, end: int) -> Tensor:
    rest, raw, at = bytearray(), memoryview(b""), start
    for number, wire, first, last in _fields(data, start, end):
        if number == _RAW_DATA and wire == _FRAMED:
            raw = memoryview(data)[first:last]  # the last one counts, as for protobuf
        else:
            rest += data[at:last]
        at = last
    try:
        return Tensor(TensorProto.FromString(bytes(rest)), raw)
    except (DecodeError, UnicodeDecodeError) as error:
        raise InvalidFileError("the file is damaged or truncated: it is not a model") from error


def metadata_of(data: bytes) -> dict[str, str]:
    """The metadata of a model, the last entry of each key.

    Raises InvalidFileError for what is no message, or has more structure than a file of ours.
    """
    total = 0
    for size in _structure(data, 0, len(data), _PATH):
        total += size
        if total > MAX_STRUCTURE:
            raise InvalidFileError(
                "no file of ours has so many nodes and names; it is damaged, or made to harm"
            )
    found = {}
    for number, wire, first, last in _fields(data, 0, len(data)):
        if number == _METADATA and wire == _FRAMED:
            try:
                entry = StringStringEntryProto.FromString(data[first:last])
                found[entry.key] = entry.value
            except (DecodeError, UnicodeDecodeError) as error:
                raise InvalidFileError("the file is damaged: the header is no text") from error
    return found


def _structure(data: bytes, start: int, end: int, path: tuple[int, ...]) -> Iterator[int]:
    """Sizes of all parts of a message but the contents of the fields at the end of the path."""
    at = start
    for number, wire, first, last in _fields(data, start, end):
        leads_on = wire == _FRAMED and number == path[0]
        yield (first if leads_on else last) - at
        if leads_on and path[1:]:
            yield from _structure(data, first, last, path[1:])
        at = last


def _fields(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(number, wire type, first byte of the content, byte after it) of the fields of a message."""
    at = start
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if wire == _FRAMED:
            size, at = _varint(data, at, end)
        elif wire == 0:
            size = _varint(data, at, end)[1] - at
        else:
            size = _FIXED.get(wire, end)  # groups do not occur
        if size > end - at:
            raise InvalidFileError("the file is damaged or truncated: it is not a model")
        yield number, wire, at, at + size
        at += size


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number, and the byte after it."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
    raise InvalidFileError("the file is damaged or truncated: it is not a model")

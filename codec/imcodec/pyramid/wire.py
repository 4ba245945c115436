"""Protobuf messages in few bytes: the same fields and values, each list in its shorter form.

Repeated numbers may be packed (one tag and a length before all) or not (a tag before each),
whatever a schema says: a parser must read both (protobuf's encoding guide), so the shorter form is
written. Fields come in the order of their numbers.

A tensor's raw numbers may stay outside of its message, by its name, so that they are never copied.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

VARINT, FIXED32, FRAMED = 0, 5, 2
MASK = (1 << 64) - 1


#: of what a message is made; memoryviews lie outside of it
Part = bytes | bytearray | memoryview
#: raw numbers of tensors, by the tensors' names
Outside = Mapping[str, memoryview]


def serialised(message: Message, outside: Outside | None = None) -> list[Part]:
    """The bytes of a message of ONNX, in parts; deterministic. Doubles and groups do not occur.

    What is `outside` takes the place of the raw numbers of the tensors of these names.
    """
    outside = outside or {}
    found: list[Part] = [bytearray()]
    for field, content in message.ListFields():
        repeated = not isinstance(content, int | float | str | bytes | Message)
        values = content if repeated else [content]
        if field.message_type:
            bodies = [serialised(value, outside) for value in values]
        elif field.name == "raw_data" and getattr(message, "name", None) in outside:
            bodies = [[outside[message.name]]]  # type: ignore[attr-defined]
        elif field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            bodies = [[value.encode() if isinstance(value, str) else value] for value in values]
        else:
            _append(found, [_numbers(field, values, repeated=repeated)])
            continue
        for body in bodies:
            size = sum(memoryview(part).nbytes for part in body)
            _append(found, [_varint(field.number << 3 | FRAMED) + _varint(size), *body])
    return found


def _append(found: list[Part], parts: Iterable[Part]) -> None:
    """Add parts at the end: those that are outside as they are, the others joined."""
    for part in parts:
        last = found[-1]
        if isinstance(part, memoryview):
            found += [part, bytearray()]
        elif isinstance(last, bytearray):
            last += part


def _numbers(field: FieldDescriptor, values: Sequence[float], *, repeated: bool) -> bytes:
    single = field.type == FieldDescriptor.TYPE_FLOAT
    numbers = [struct.pack("<f", v) if single else _varint(int(v)) for v in values]
    tag = _varint(field.number << 3 | (FIXED32 if single else VARINT))
    loose = b"".join(tag + number for number in numbers)
    packed = _framed(field.number, b"".join(numbers))
    return packed if repeated and len(packed) < len(loose) else loose


def _framed(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | FRAMED) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number has ten bytes."""
    value &= MASK
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)

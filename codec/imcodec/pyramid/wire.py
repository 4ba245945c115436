"""Protobuf messages in few bytes: the same fields and values, each list in its shorter form.

Repeated numbers may be packed (one tag and a length before all) or not (a tag before each),
whatever a schema says: a parser must read both (protobuf's encoding guide), so the shorter form is
written. Fields come in the order of their numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

VARINT, FIXED32, FRAMED = 0, 5, 2
MASK = (1 << 64) - 1


def serialised(message: Message) -> bytes:
    """The bytes of a message of ONNX; deterministic. Doubles and groups do not occur in it."""
    found = bytearray()
    for field, content in message.ListFields():
        repeated = not isinstance(content, int | float | str | bytes | Message)
        values = content if repeated else [content]
        if field.message_type:
            parts = [serialised(value) for value in values]
        elif field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            parts = [value.encode() if isinstance(value, str) else value for value in values]
        else:
            found += _numbers(field, values, repeated=repeated)
            continue
        for part in parts:
            found += _framed(field.number, part)
    return bytes(found)


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

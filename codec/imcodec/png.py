"""What a PNG file says about itself that Pillow does not pass on, and whether its chunks are whole.

Pillow reads 16-bit colour as 8 bits without saying so, leaves the transparent grey level of a
2- or 4-bit file in the file's own units, never looks at the checksums of the pixel data, and takes
a palette picture without a palette for a grey one. A single walk over the chunks settles all four.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6

_DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8)}
_DEPTHS |= {GREY_ALPHA: (8, 16), RGB_ALPHA: (8, 16)}

# Pillow keeps 16 bits of these; every other 16-bit form arrives as the high byte alone.
_KEPT_DEEP = GREY

_PIECE = 1 << 20


@dataclass(frozen=True)
class PngFacts:
    """Depth, colour type and transparent colour of a PNG file, and whether its end is there.

    `key` is the colour that counts as transparent, in the units of the samples that Pillow
    delivers: 0..255, or 0..65535 for 16-bit grey.
    """

    bits: int
    colour_type: int
    key: tuple[int, ...] | None
    has_end: bool


def inspect_png(stream: BinaryIO) -> PngFacts:
    """The facts of the PNG in `stream`, which is left at its start.

    Raises ValueError, with the reason, for a damaged or truncated file.
    """
    stream.seek(len(SIGNATURE))
    header: bytes | None = None
    transparent: bytes | None = None
    seen: set[bytes] = set()
    while (chunk := _next_chunk(stream)) is not None:
        kind, start = chunk
        seen.add(kind)
        if kind == b"IHDR":
            header = start
        elif kind == b"tRNS":
            transparent = start
        elif kind == b"IEND":
            break
    stream.seek(0)
    if header is None or len(header) != 13:
        raise ValueError("the header chunk is missing or has the wrong length")
    if b"IDAT" not in seen:
        raise ValueError("it holds no pixel data")
    width, height, bits, colour_type = struct.unpack(">IIBB", header[:10])
    if width == 0 or height == 0:
        raise ValueError(f"its size is {width}x{height}")
    if bits not in _DEPTHS.get(colour_type, ()):
        raise ValueError(f"colour type {colour_type} with {bits} bits does not exist")
    if colour_type == PALETTE and b"PLTE" not in seen:
        raise ValueError("the palette is missing")
    return PngFacts(bits, colour_type, _key(transparent, bits, colour_type), b"IEND" in seen)


def _next_chunk(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """Kind and first bytes of the next chunk, or None where the file ends between two chunks."""
    head = stream.read(8)
    if not head:
        return None
    if len(head) < 8:
        raise ValueError("it is truncated")
    length, kind = struct.unpack(">I4s", head)
    if not kind.isalpha():
        raise ValueError("a chunk header is damaged")
    start = stream.read(min(length, _PIECE))
    checksum = zlib.crc32(start, zlib.crc32(kind))
    left = length - len(start)
    while left > 0 and (piece := stream.read(min(left, _PIECE))):
        checksum = zlib.crc32(piece, checksum)
        left -= len(piece)
    stored = stream.read(4)
    if left > 0 or len(stored) < 4:
        raise ValueError(f"it is truncated inside chunk {kind.decode()}")
    if struct.unpack(">I", stored)[0] != checksum:
        raise ValueError(f"chunk {kind.decode()} fails its checksum")
    return kind, start


def _key(transparent: bytes | None, bits: int, colour_type: int) -> tuple[int, ...] | None:
    samples = {GREY: 1, RGB: 3}.get(colour_type)
    if transparent is None or samples is None:
        return None
    if len(transparent) < 2 * samples:
        raise ValueError("chunk tRNS is too short")
    key = struct.unpack(f">{samples}H", transparent[: 2 * samples])
    if bits == 16:
        return key if colour_type == _KEPT_DEEP else tuple(value >> 8 for value in key)
    full = (1 << bits) - 1
    return tuple((value & full) * 255 // full for value in key)

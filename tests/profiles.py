"""ICC profiles that the tests build byte by byte: small, odd, and with a known effect."""

from __future__ import annotations

import struct

D50 = (0.9642, 1.0, 0.8249)
SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def profile(space: bytes, connection: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A version 2 profile of the given colour spaces (4 letters each), class, and tags."""
    text = b"test " + space.strip() + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    tags = {b"desc": described, b"wtpt": xyz(D50), **tags}
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    header = struct.pack(
        ">I4sI4s4s4s12x4s", size, b"lcms", 0x02400000, kind, space, connection, b"acsp"
    )
    header += bytes(28) + b"".join(fixed(value) for value in D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)


def gamma(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256))


def swapped_rgb_profile() -> bytes:
    """sRGB's primaries with red and green exchanged, gamma 2.2."""
    green, red, blue = SRGB_PRIMARIES
    tags = {b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue)}
    return profile(
        b"RGB ", b"XYZ ", b"mntr", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma(2.2))
    )


def linear_grey_profile() -> bytes:
    """Grey levels in proportion to light."""
    return profile(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": gamma(1.0)})


def black_only_cmyk_profile() -> bytes:
    """Ink in which only black shows: cyan, magenta and yellow leave the paper white."""
    nodes = b"".join(bytes([0 if node & 1 else 255, 128, 128]) for node in range(16))  # Lab of CMYK
    ramp = bytes(range(256))
    identity = b"".join(fixed(float(i == j)) for i in range(3) for j in range(3))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + nodes + ramp * 3
    return profile(b"CMYK", b"Lab ", b"prtr", {b"A2B0": table, b"A2B1": table})

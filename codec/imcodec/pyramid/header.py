"""The header of the pyramid model: one line of text from which the graph follows.

    FORMAT model width height channels levels strips factor pitch filters units psnr crc
    1      pyr   768   512    3        5      1      2      1     8       32    3012 9f3c02d1

* FORMAT    version of the file format, as in imcodec.header
* model     `pyr`
* width, height   of the picture in pixels, 1 to 65535
* channels  1 grey, 2 grey and alpha, 3 RGB, 4 RGBA
* levels    planes of latents, 1 to 12
* strips    parts of equal height that a plane is cut into, 1 to 4096
* factor    rows of a level for each row of the one before, 1 or 2
* pitch     pixels per cell of the finest plane, each way, 1 or 2
* filters   filters of the context network's first layer, 1 to 64
* units     hidden units of the synthesis, 1 to 64
* psnr      quality of the decoded picture in hundredths of a decibel, 9999 at most
* crc       CRC-32 (ISO-HDLC, as in zlib) of the text before it, with its space, followed by what is
            stored (imcodec.pyramid.file.Stored.parts); eight lower-case hex digits

The sizes of all planes follow (imcodec.pyramid.geometry); a strip has at least one row of its own
at level 0 before padding, and the planes are in proportion to the picture.

Numbers are decimal without sign or leading zeros, fields are separated by one space. Each header
has exactly one spelling; parse() refuses every other.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, fields
from functools import cached_property

from imcodec.errors import InvalidFileError
from imcodec.header import FORMAT, MAX_PSNR, MAX_SIDE, in_range, model_of
from imcodec.pyramid.context import OUTPUTS, PARENTS, PHASES
from imcodec.pyramid.geometry import Geometry, ceil_div

MODEL = "pyr"
#: what the context network sees: half-rows before, and columns of each of them and of the parent
QUEUE, TAPS = 5, 5

#: least and largest value of each number, in the order of the text
RANGES = {
    "width": (1, MAX_SIDE),
    "height": (1, MAX_SIDE),
    "channels": (1, 4),
    "levels": (1, 12),
    "strips": (1, 4096),
    "row_factor": (1, 2),
    "pitch": (1, 2),
    "filters": (1, 64),
    "units": (1, 64),
    "psnr": (0, MAX_PSNR),
}
_TEXT = re.compile(
    rf"{FORMAT} {MODEL}" + r" (0|[1-9][0-9]{0,9})" * len(RANGES) + " ([0-9a-f]{8})", re.ASCII
)


@dataclass(frozen=True)
class PyramidHeader:
    """What a file says before its numbers. Ranges are checked by parse(), not here."""

    width: int
    height: int
    channels: int
    levels: int
    strips: int
    row_factor: int
    pitch: int
    #: filters of the context network's first layer
    filters: int
    #: hidden units of the synthesis
    units: int
    #: hundredths of a decibel
    psnr: int = 0

    @classmethod
    def of(cls, geometry: Geometry, channels: int, *, filters: int, units: int) -> PyramidHeader:
        """The header of a picture with these planes and networks; its quality is not known yet."""
        return cls(
            width=geometry.width,
            height=geometry.height,
            channels=channels,
            levels=geometry.levels,
            strips=geometry.strips,
            row_factor=geometry.row_factor,
            pitch=geometry.pitch,
            filters=filters,
            units=units,
        )

    @cached_property
    def geometry(self) -> Geometry:
        """The sizes of all planes."""
        return Geometry.derived(
            self.height, self.width, self.levels, self.strips, self.row_factor, self.pitch
        )

    @property
    def context_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the context network's first layer, of the later ones together, and of the biases."""
        hidden = 2 * self.filters
        return (
            (PHASES, self.filters, QUEUE + PARENTS, TAPS),
            (PHASES, hidden + OUTPUTS, hidden, 1),
            (self.levels, PHASES, hidden),
        )

    @property
    def synthesis_shape(self) -> tuple[int, int, int, int]:
        """[levels + 1 + channels, units, 1, 1]."""
        return (self.levels + 1 + self.channels, self.units, 1, 1)

    @property
    def filters_shape(self) -> tuple[int, int, int, int, int]:
        """[levels, 1, 1, rows, columns]."""
        return (self.levels, 1, 1, 3, 3)

    def text(self, *stored: bytes | memoryview) -> str:
        """The header line for a file that stores these numbers, in parts."""
        numbers = " ".join(str(getattr(self, field.name)) for field in fields(self))
        front = f"{FORMAT} {MODEL} {numbers} "
        crc = zlib.crc32(front.encode())
        for part in stored:
            crc = zlib.crc32(part, crc)
        return front + f"{crc:08x}"


def parse(text: str) -> PyramidHeader:
    """The header behind `text`, every number in range. The CRC is checked by the container.

    Raises InvalidFileError.
    """
    if model_of(text) != MODEL or not (match := _TEXT.fullmatch(text)):
        raise InvalidFileError("the header is damaged")
    header = PyramidHeader(*map(int, match.groups()[:-1]))
    for name, (low, high) in RANGES.items():
        in_range(name, getattr(header, name), low, high)
    rows = ceil_div(header.height, header.pitch)
    in_range("strips", header.strips, 1, ceil_div(rows, header.row_factor**header.levels))
    if not header.geometry.is_sane:
        raise InvalidFileError("the header's planes are out of proportion to the picture")
    return header

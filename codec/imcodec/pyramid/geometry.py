"""Where the latents lie: the sizes of every level, its strips and lanes, and its pixels.

A level is a plane of integers. Level 0 is a plane of zeros that is never coded; level k (1 to
`levels`) has twice the columns and `row_factor` times the rows of level k-1. Every plane is cut
into `strips` of equal height that are decoded side by side, so a plane is stored as
[rows, strips, columns] while it is coded: row of the plane = strip * rows + row.

    base_rows    = ceil(ceil(ceil(height / pitch) / row_factor**levels) / strips)
    base_columns = ceil(ceil(width / pitch) / 2**levels)
    rows(k)      = base_rows * row_factor**k      of one strip
    columns(k)   = base_columns * 2**k
    lanes        = strips * base_columns          divides every half-row of every level

The finest plane has a cell of `pitch` x `pitch` pixels; it may be larger than the picture. The
surplus is split evenly over both sides when that leaves whole cells on each (one multiplication of
`grid`), and otherwise lies at the right and at the bottom (one more addition). A plane that fits
exactly needs neither.

A picture needs ceil(height / pitch) * ceil(width / pitch) cells; the finest plane may have at most
8 times as many, and 4096 more, and at most 9/8 as many, and 2**22 more. Only a picture of less than
16 rows may have a row factor of 1. There are at most 65536 lanes, and at most 2**16 symbols in a
half-row of all strips, and one more for each 2048 cells. What is decoded one after another,
symbols / lanes, and four for each half-row of a strip, is at most 2**17, and one more for each 256
cells. So a forged file costs memory and time in proportion to its picture, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MAX_LANES = 2**16
#: the finest plane may have this many cells for each one that the picture needs, and some more
MAX_PADDING, FREE_CELLS = 8, 4096
MAX_LARGE_PADDING, FREE_LARGE_CELLS = 1.125, 2**22
#: symbols that a half-row of all strips may have, and one more for so many cells
FREE_HALFROW, HALFROW_CELLS = 2**16, 2048
#: rows below which levels may halve the columns only
LOW_PICTURE = 16
#: what may be decoded one after another, and one more for so many cells; what a half-row adds to it
FREE_STEPS, STEP_CELLS, HALFROW_STEPS = 2**17, 256, 4


@dataclass(frozen=True)
class Geometry:
    """Sizes of all planes of one picture. All fields are at least 1; ValueError otherwise."""

    height: int
    width: int
    levels: int
    strips: int
    #: rows of one strip of level 0, and columns of level 0
    base_rows: int
    base_columns: int
    #: 1 for pictures that are too low for halving
    row_factor: int = 2
    #: pixels per cell of the finest plane; 2 leaves the finest plane out
    pitch: int = 1

    def __post_init__(self) -> None:
        sizes = (self.height, self.width, self.levels, self.strips)
        if min(*sizes, self.base_rows, self.base_columns) < 1:
            raise ValueError(f"sizes must be positive: {self}")
        if self.row_factor not in (1, 2) or self.pitch < 1:
            raise ValueError(f"row factor is 1 or 2, pitch at least 1: {self}")
        if self.plane(self.levels)[0] * self.pitch < self.height:
            raise ValueError(f"finest plane is lower than the picture: {self}")
        if self.plane(self.levels)[1] * self.pitch < self.width:
            raise ValueError(f"finest plane is narrower than the picture: {self}")

    @classmethod
    def derived(
        cls, height: int, width: int, levels: int, strips: int, row_factor: int = 2, pitch: int = 1
    ) -> Geometry:
        """The smallest planes that cover a picture, given how it is cut into levels and strips."""
        rows = ceil_div(ceil_div(height, pitch), row_factor**levels)
        base_columns = ceil_div(ceil_div(width, pitch), 2**levels)
        base_rows = ceil_div(rows, strips)
        return cls(height, width, levels, strips, base_rows, base_columns, row_factor, pitch)

    @property
    def lanes(self) -> int:
        """Entropy decoders that run side by side."""
        return self.strips * self.base_columns

    def rows(self, level: int) -> int:
        """Rows of one strip of a level."""
        return int(self.base_rows * self.row_factor**level)

    def columns(self, level: int) -> int:
        """Columns of a level."""
        return int(self.base_columns * 2**level)

    def plane(self, level: int) -> tuple[int, int]:
        """(height, width) of a level, all strips together."""
        return self.strips * self.rows(level), self.columns(level)

    @property
    def is_sane(self) -> bool:
        """Whether a decoder accepts it: memory and time are in proportion to the picture."""
        height, width = self.plane(self.levels)
        rows = ceil_div(self.height, self.pitch)
        cells = rows * ceil_div(self.width, self.pitch)
        most = MAX_PADDING * cells + FREE_CELLS
        most = min(most, int(MAX_LARGE_PADDING * cells) + FREE_LARGE_CELLS)
        return (
            (self.row_factor == 2 or rows < LOW_PICTURE)
            and self.lanes <= MAX_LANES
            and self.strips * width // 2 <= FREE_HALFROW + cells // HALFROW_CELLS
            and height * width <= most
            and self.steps <= FREE_STEPS + cells // STEP_CELLS
        )

    @property
    def steps(self) -> int:
        """What is decoded one after another: symbols of a lane, and the half-rows of a strip."""
        halfrows = 2 * sum(self.rows(level) for level in range(1, self.levels + 1))
        return self.symbols // self.lanes + HALFROW_STEPS * halfrows

    @property
    def symbols(self) -> int:
        """Coded symbols in the whole file."""
        sizes = (self.plane(level) for level in range(1, self.levels + 1))
        return sum(height * width for height, width in sizes)

    def affine(self) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
        """(scale, offset), each (x, y): `grid` times scale plus offset is a place in the planes."""
        height, width = self.plane(self.levels)
        scale, offset = [], []
        for size, whole in ((self.width, width * self.pitch), (self.height, height * self.pitch)):
            # whole cells on both sides: cells stay aligned with pixels
            even = (whole - size) % (2 * self.pitch) == 0
            scale.append(Fraction(size, whole))
            offset.append(Fraction(0) if even else Fraction(size, whole) - 1)
        return (scale[0], scale[1]), (offset[0], offset[1])


def ceil_div(number: int, divisor: int) -> int:
    """The quotient, rounded up."""
    return -(-number // divisor)


# What a geometry costs, in bytes. Rough figures, from 512x768: only proportions matter.
LANE_BYTES = 3.0  # a lane's state, less the information it carries
PADDING_BYTES = 0.005 / 8  # a padded symbol: the network soon learns that nothing is there
LEVEL_SHARE = 0.03  # of the payload, per coarse level left out
PIXEL_BYTES = 0.06  # a payload of 0.5 bits a pixel
STRIP_BYTES = 0.4  # a column of the picture, per strip more: its first rows see nothing above
PLACE_BYTES = 33  # one node on `grid`
STEP_MS, LANE_MS, HALFROW_MS = 0.006, 0.00008, 0.01  # a rANS step, its lanes, a half-row's network
MS_BYTES = 1.5  # bytes that one millisecond of decoding is worth

MAX_CHOSEN_STRIPS = 256


def estimated_bytes(geometry: Geometry, levels: int) -> float:
    """Bytes that a geometry adds to a file; `levels` is the number that one would like."""
    height, width = geometry.plane(geometry.levels)
    cells = ceil_div(geometry.height, geometry.pitch) * ceil_div(geometry.width, geometry.pitch)
    padding = geometry.symbols * (1 - cells / (height * width))
    scale, offset = geometry.affine()
    steps = geometry.symbols / geometry.lanes
    rows = sum(geometry.rows(level) for level in range(1, geometry.levels + 1))
    milliseconds = steps * (STEP_MS + LANE_MS * geometry.lanes) + 2 * rows * HALFROW_MS
    return (
        LANE_BYTES * geometry.lanes
        + PADDING_BYTES * padding
        + STRIP_BYTES * geometry.width * (geometry.strips - 1)
        + LEVEL_SHARE * (levels - geometry.levels) * PIXEL_BYTES * geometry.height * geometry.width
        + PLACE_BYTES * (any(v != 1 for v in scale) + any(offset))
        + MS_BYTES * milliseconds
    )


def choose_geometry(height: int, width: int, levels: int = 5, pitch: int = 1) -> Geometry:
    """The geometry that costs least, with at most `levels` levels.

    Planes coarser than 1/16 cost more than they save (benchmarks/fitting.md).

    `pitch` 2 leaves out the finest plane: a cell is then 2x2 pixels.
    """
    rows = ceil_div(height, pitch)
    candidates = []
    for count in range(1, levels + 1):
        for factor in (2,) if rows >= LOW_PICTURE else (1, 2):
            most = min(ceil_div(rows, factor**count), MAX_CHOSEN_STRIPS)
            candidates += [
                Geometry.derived(height, width, count, strips, factor, pitch)
                for strips in range(1, most + 1)
            ]
    candidates = [geometry for geometry in candidates if geometry.is_sane]
    return min(candidates, key=lambda geometry: estimated_bytes(geometry, levels))

"""Where the latents lie: the sizes of every level, its strips and lanes, and its pixels.

A level is a plane of integers.  Level 0 is a plane of zeros that is never coded; level k (1 ..
`levels`) has twice the columns and `row_factor` times the rows of level k-1.  Every plane is cut
into `strips` of equal height that are decoded side by side, so a plane is stored as [rows, strips,
columns] while it is coded: picture row = strip * rows + row.

    rows(k)    = base_rows * row_factor**k     (rows of one strip) columns(k) = base_columns * 2**k
    lanes      = strips * base_columns         (divides every half-row of every level: nothing is
    padded to lanes)

The finest plane has a cell of `pitch` x `pitch` pixels; it may be larger than the picture.  The
surplus is split evenly over both sides (one multiplication of `grid`) or, when it is odd, put at
the right and bottom (one more addition).  A plane that fits exactly needs neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Geometry:
    """Sizes of all planes of one picture.  All fields are >= 1."""

    height: int
    width: int
    levels: int
    strips: int
    base_rows: int
    base_columns: int
    row_factor: int = 2  # 1 for pictures that are too low for halving
    pitch: int = 1  # pixels per cell of the finest plane; 2 leaves the finest plane out

    def __post_init__(self) -> None:
        if (
            min(
                self.height, self.width, self.levels, self.strips, self.base_rows, self.base_columns
            )
            < 1
        ):
            raise ValueError(f"sizes must be positive: {self}")
        if self.row_factor not in (1, 2) or self.pitch < 1:
            raise ValueError(f"row factor is 1 or 2, pitch at least 1: {self}")
        if self.plane(self.levels)[0] * self.pitch < self.height:
            raise ValueError(f"finest plane is lower than the picture: {self}")
        if self.plane(self.levels)[1] * self.pitch < self.width:
            raise ValueError(f"finest plane is narrower than the picture: {self}")

    @property
    def lanes(self) -> int:
        return self.strips * self.base_columns

    def rows(self, level: int) -> int:
        """Rows of one strip of a level."""
        return int(self.base_rows * self.row_factor**level)

    def columns(self, level: int) -> int:
        return int(self.base_columns * 2**level)

    def plane(self, level: int) -> tuple[int, int]:
        """(height, width) of a level, all strips together."""
        return self.strips * self.rows(level), self.columns(level)

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
            even = (whole - size) % (
                2 * self.pitch
            ) == 0  # whole cells on both sides: cells stay aligned
            scale.append(Fraction(size, whole))
            offset.append(Fraction(0) if even else Fraction(size, whole) - 1)
        return (scale[0], scale[1]), (offset[0], offset[1])


# What a geometry costs, in bytes.  Rough figures, from 512x768: only proportions matter.
LANE_BYTES = 3.0  # a lane's state, less the information it carries
PADDING_BYTES = 0.005 / 8  # a padded symbol: the network soon learns that nothing is there
LEVEL_SHARE = 0.01  # of the payload, per coarse level left out
PIXEL_BYTES = 0.06  # a payload of 0.5 bits a pixel
PLACE_BYTES = 33  # one node on `grid`
STEP_MS, LANE_MS, HALFROW_MS = 0.012, 0.00008, 0.08  # a rANS step, its lanes, a half-row's network
MS_BYTES = 1.5  # bytes that one millisecond of decoding is worth


def estimated_bytes(geometry: Geometry, levels: int) -> float:
    """Bytes that a geometry adds to a file; `levels` is the number that one would like."""
    height, width = geometry.plane(geometry.levels)
    cells = -(-geometry.height // geometry.pitch) * -(-geometry.width // geometry.pitch)
    padding = geometry.symbols * (1 - cells / (height * width))
    scale, offset = geometry.affine()
    steps = geometry.symbols / geometry.lanes
    rows = sum(geometry.rows(level) for level in range(1, geometry.levels + 1))
    milliseconds = steps * (STEP_MS + LANE_MS * geometry.lanes) + 2 * rows * HALFROW_MS
    return (
        LANE_BYTES * geometry.lanes
        + PADDING_BYTES * padding
        + LEVEL_SHARE * (levels - geometry.levels) * PIXEL_BYTES * geometry.height * geometry.width
        + PLACE_BYTES * (any(v != 1 for v in scale) + any(offset))
        + MS_BYTES * milliseconds
    )


def choose_geometry(
    height: int, width: int, levels: int = 6, pitch: int = 1, lattice: bool = False
) -> Geometry:
    """The geometry that costs least; `lattice` asks for one that four phases can use."""
    rows, columns = -(-height // pitch), -(-width // pitch)
    candidates = []
    for count in range(1, levels + 1):
        base_columns = -(-columns // 2**count)
        for factor in (2,) if lattice or rows >= 16 else (1, 2):
            base_height = -(-rows // factor**count)
            for strips in range(1, min(base_height, 256) + 1):
                base_rows = -(-base_height // strips)
                candidates.append(
                    Geometry(height, width, count, strips, base_rows, base_columns, factor, pitch)
                )
    return min(candidates, key=lambda geometry: estimated_bytes(geometry, levels))

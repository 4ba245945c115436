from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imcodec.pyramid.geometry import MAX_LANES, Geometry, ceil_div, choose_geometry

SIZES = [(1, 1), (1, 4000), (4000, 1), (37, 53), (2049, 13), (512, 768), (3000, 4001), (31, 65535)]
sides = st.integers(1, 600) | st.integers(1, 65535)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pitch", [1, 2])
def test_any_size_has_a_geometry(size: tuple[int, int], pitch: int) -> None:
    geometry = choose_geometry(*size, pitch=pitch)
    height, width = geometry.plane(geometry.levels)
    assert height * pitch >= size[0]
    assert width * pitch >= size[1]
    for level in range(1, geometry.levels + 1):
        half_row = geometry.strips * geometry.columns(level) // 2
        assert half_row % geometry.lanes == 0


@given(sides, sides, st.integers(1, 12), st.sampled_from([1, 2]))
def test_every_chosen_geometry_is_sane(height: int, width: int, levels: int, pitch: int) -> None:
    geometry = choose_geometry(height, width, levels, pitch)
    assert geometry.is_sane
    assert geometry.lanes <= MAX_LANES
    assert geometry.strips <= ceil_div(
        ceil_div(height, pitch), geometry.row_factor**geometry.levels
    )
    again = (geometry.levels, geometry.strips, geometry.row_factor, pitch)
    assert Geometry.derived(height, width, *again) == geometry


def test_known_choices() -> None:
    assert choose_geometry(512, 768) == Geometry(512, 768, 5, 1, 16, 24)
    assert choose_geometry(1, 4000) == Geometry(1, 4000, 5, 1, 1, 125, row_factor=1)
    assert choose_geometry(1, 1) == Geometry(1, 1, 1, 1, 1, 1, row_factor=1)
    assert choose_geometry(512, 768, pitch=2).plane(5) == (256, 384)


def test_pixels_fall_on_cells() -> None:
    for width in range(1, 60):
        geometry = Geometry(8, width, 3, 1, 1, -(-width // 8))
        (scale, _), (offset, _) = geometry.affine()
        cells = geometry.plane(3)[1]
        for i in range(width):
            place = (((2 * i + 1) / width - 1) * float(scale) + float(offset) + 1) / 2 * cells - 0.5
            assert abs(place - round(place)) < 1e-9


def test_a_pitch_of_two_puts_cells_between_pixels() -> None:
    for width in range(1, 60):
        geometry = Geometry.derived(8, width, 2, 1, pitch=2)
        (scale, _), (offset, _) = geometry.affine()
        cells = geometry.plane(2)[1]
        place = ((1 / width - 1) * float(scale) + float(offset) + 1) / 2 * cells - 0.5
        assert abs(place % 1 - 0.75) < 1e-9


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((9, 8, 3, 1, 1, 1), "lower"),
        ((8, 9, 3, 1, 1, 1), "narrower"),
        ((8, 8, 0, 1, 1, 1), "positive"),
        ((8, 8, 3, 1, 1, 1, 3), "row factor"),
        ((8, 8, 3, 1, 1, 1, 2, 0), "pitch"),
    ],
)
def test_planes_that_do_not_cover_the_picture_are_refused(fields, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        Geometry(*fields)

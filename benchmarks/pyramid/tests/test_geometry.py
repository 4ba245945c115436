from __future__ import annotations

import pytest
from geometry import Geometry, choose_geometry


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 4000), (4000, 1), (37, 53), (2049, 13), (512, 768), (3000, 4001)]
)
def test_any_size_has_a_geometry(size: tuple[int, int]) -> None:
    for lattice in (False, True):
        geometry = choose_geometry(*size, lattice=lattice)
        height, width = geometry.plane(geometry.levels)
        assert height >= size[0]
        assert width >= size[1]
        for level in range(1, geometry.levels + 1):
            halfrow = geometry.strips * geometry.columns(level) // 2
            assert halfrow % geometry.lanes == 0


def test_pixels_fall_on_cells() -> None:
    for width in range(1, 60):
        geometry = Geometry(8, width, 3, 1, 1, -(-width // 8))
        (scale, _), (offset, _) = geometry.affine()
        cells = geometry.plane(3)[1]
        for i in range(width):
            place = (((2 * i + 1) / width - 1) * float(scale) + float(offset) + 1) / 2 * cells - 0.5
            assert abs(place - round(place)) < 1e-9


def test_a_plane_smaller_than_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="lower"):
        Geometry(9, 8, 3, 1, 1, 1)

"""What is read off JPEG before a picture is fitted."""

from __future__ import annotations

import numpy as np
import pytest

from imcodec.pyramid import jpeg
from imcodec.pyramid.jpeg import Jpeg
from pictures import scene


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bytes_fall_with_the_price_of_a_bit(channels: int) -> None:
    pixels = scene(90, 70, channels)
    sizes = [Jpeg(pixels).size(price) for price in (1e-5, 1e-4, 1e-3, 1e-2)]
    assert sizes == sorted(sizes, reverse=True)
    assert 0 <= sizes[-1] < sizes[0]
    assert Jpeg(pixels[:1, :1]).size(1e-3) < 200


@pytest.mark.parametrize("channels", [2, 4])
def test_details_of_alpha_count_too(channels: int) -> None:
    pixels = np.full((40, 60, channels), 90, np.uint8)
    pixels[:, 20:, 0] = 95
    flat = Jpeg(pixels.copy())
    pixels[..., -1] = np.indices((40, 60)).sum(0) % 2 * 255
    assert Jpeg(pixels).curve[1].tolist() == flat.curve[1].tolist()  # JPEG has no alpha
    assert flat.lost_in_half(1e-3) < 1 < Jpeg(pixels).lost_in_half(1e-3)


def test_the_finest_details_are_lost_in_half_of_the_size() -> None:
    checks = np.indices((40, 60)).sum(0) % 2 * 200
    smooth = 2 * np.indices((40, 60)).sum(0)
    lost = [
        Jpeg(pixels[..., None].astype(np.uint8)).lost_in_half(1e-3) for pixels in (smooth, checks)
    ]
    assert lost[0] < lost[1]
    assert Jpeg(np.full((40, 60, 3), 77, np.uint8)).lost_in_half(1e-3) == 0


def test_what_is_lost_counts_more_where_bits_are_cheap() -> None:
    picture = Jpeg(scene(90, 70, 3))
    lost = [picture.lost_in_half(price) for price in (1e-2, 1e-3, 1e-4)]
    assert lost == sorted(lost)
    assert lost[0] < lost[-1]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 2)])
def test_pictures_with_nothing_to_halve(size: tuple[int, int]) -> None:
    assert Jpeg(np.full((*size, 3), 5, np.uint8)).lost_in_half(1e-3) == 0


def test_large_pictures_are_looked_at_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise over half of a picture, smoothness over the other, seen nearly as in the whole."""
    y, x = np.mgrid[0:300, 0:400]
    pixels = np.stack([x // 3, y // 3 + 40, 150 - x // 3], -1).astype(np.uint8)
    pixels[:, 200:] = np.random.default_rng(0).integers(0, 256, (300, 200, 3))
    whole = Jpeg(pixels)
    expected = whole.size(1e-3), whole.lost_in_half(1e-3)
    monkeypatch.setattr(jpeg, "WHOLE", 10_000)
    monkeypatch.setattr(jpeg, "SIDE", 64)
    tiles = Jpeg(pixels)
    assert tiles.lost_in_half(1e-3) == pytest.approx(expected[1], rel=0.3)
    assert tiles.size(1e-3) == pytest.approx(expected[0], rel=0.3)
    # lower than a tile
    assert Jpeg(pixels[:7].repeat(9, 1)).lost_in_half(1e-3) > 0

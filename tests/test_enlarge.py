"""Enlarged views of a pyramid: Lanczos between the picture's own pixels."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imcodec import decode, evaluate
from imcodec.enlarge import Drawing
from imcodec.grid import view
from pyramids import made_pyramid_file

SIZE = (53, 37)


@cache
def file(channels: int = 3) -> bytes:
    return made_pyramid_file(*SIZE, channels)


@cache
def picture() -> NDArray[np.uint8]:
    return decode(file())


@pytest.mark.parametrize("size", [(106, 74), (159, 37), (53, 90), (54, 38), (400, 300)])
def test_it_is_pillows_lanczos(size: tuple[int, int]) -> None:
    """Pillow rounds between its two passes, so that a level of difference can occur."""
    expected = Image.fromarray(picture()).resize(size, Image.Resampling.LANCZOS)
    found = decode(file(), size=size)
    assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_every_channel_is_enlarged(channels: int) -> None:
    plain, large = decode(file(channels)), decode(file(channels), scale=2)
    assert large.shape == (74, 106, channels)
    for index in range(channels):
        one = Image.fromarray(plain[..., index]).resize((106, 74), Image.Resampling.LANCZOS)
        assert np.abs(large[..., index].astype(int) - np.asarray(one)).max() <= 1


@pytest.mark.parametrize("scale", [2.0, 3.0, 1.5])
@pytest.mark.parametrize("crop", [(0, 0, 12, 8), (20, 14, 22, 18), (41, 27, 12, 10)])
def test_crops_are_the_same_region(scale: float, crop: tuple[int, int, int, int]) -> None:
    left, top, width, height = (round(value * scale) for value in crop)
    whole = decode(file(), size=(round(53 * scale), round(37 * scale)))
    if scale == 1.5:  # 53 and 37 times 1.5 are no whole numbers: a grid of its own
        whole = decode(file(), crop=(0, 0, 52, 36), scale=1.5)
        if crop[0] + crop[2] > 52 or crop[1] + crop[3] > 36:
            return
    part = decode(file(), crop=crop, scale=scale)
    assert (part == whole[top : top + height, left : left + width]).all()


def test_an_axis_that_is_not_enlarged_is_drawn_by_the_network() -> None:
    seen = view(SIZE, size=(106, 20))
    drawing = Drawing.of(seen)
    assert drawing.enlarged
    assert drawing.shape == (20, 53)
    y = seen.coordinates(0, seen.pixels).reshape(20, 106, 2)[:, 0, 1]
    assert np.array_equal(drawing.coordinates[1], y)


@pytest.mark.parametrize("size", [SIZE, (20, 37), (53, 9), (1, 1)])
def test_smaller_views_are_left_to_the_network(size: tuple[int, int]) -> None:
    seen = view(SIZE, size=size)
    drawing = Drawing.of(seen)
    assert not drawing.enlarged
    x, y = drawing.coordinates
    points = seen.coordinates(0, seen.pixels).reshape(*drawing.size, 2)
    assert np.array_equal(points, np.stack(np.meshgrid(x, y), -1))


def test_points_of_evaluate_are_the_networks() -> None:
    seen = view(SIZE, scale=2)
    grid = seen.coordinates(0, seen.pixels).reshape(74, 106, 2)
    assert (evaluate(file(), grid) != decode(file(), scale=2)).any()


def test_only_what_a_crop_needs_is_drawn() -> None:
    drawing = Drawing.of(view((4000, 3000), crop=(1000, 2000, 10, 5), scale=8))
    assert drawing.shape == (5 + 6, 10 + 6)


def test_one_pixel_stays_one_colour() -> None:
    single = made_pyramid_file(1, 1)
    assert (decode(single, scale=70) == decode(single)).all()


def test_pixels_do_not_depend_on_the_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = decode(file(), scale=2.5)
    monkeypatch.setattr("imcodec.enlarge.BAND_SAMPLES", 1)  # row by row
    assert np.array_equal(decode(file(), scale=2.5), whole)

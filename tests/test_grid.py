from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imcodec.errors import LimitError, UsageError
from imcodec.grid import view

SIZE = (37, 53)


def test_whole_picture_follows_the_convention() -> None:
    seen = view(SIZE)
    points = seen.coordinates(0, seen.pixels).reshape(53, 37, 2)
    x = (2 * np.arange(37) + 1) / 37 - 1
    y = (2 * np.arange(53) + 1) / 53 - 1
    assert np.abs(points[7, :, 0] - x).max() < 1e-6
    assert np.abs(points[:, 9, 1] - y).max() < 1e-6


@given(st.integers(0, 30), st.integers(0, 40), st.integers(1, 7), st.integers(1, 13))
def test_crop_at_scale_1_is_the_same_points(x: int, y: int, width: int, height: int) -> None:
    whole = view(SIZE)
    all_points = whole.coordinates(0, whole.pixels).reshape(53, 37, 2)
    cut = view(SIZE, crop=(x, y, width, height))
    points = cut.coordinates(0, cut.pixels).reshape(height, width, 2)
    assert np.array_equal(points, all_points[y : y + height, x : x + width])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, (37, 53)),
        ({"scale": 2}, (74, 106)),
        ({"scale": 0.5}, (18, 26)),
        ({"scale": 1e-9}, (1, 1)),
        ({"size": (100, 20)}, (100, 20)),
        ({"size": (100, 20), "scale": 2}, (200, 40)),
        ({"crop": (1, 2, 3, 4)}, (3, 4)),
        ({"crop": (1, 2, 3, 4), "scale": 3}, (9, 12)),
        ({"crop": (0.5, 0, 2.25, 4), "scale": 4}, (9, 16)),
    ],
)
def test_output_sizes(arguments: dict, expected: tuple[int, int]) -> None:
    seen = view(SIZE, **arguments)
    assert (seen.width, seen.height) == expected


def test_points_are_the_centres_of_the_cropped_area() -> None:
    seen = view((10, 10), crop=(5, 0, 5, 10), size=(1, 1))
    assert seen.coordinates(0, 1).tolist() == [[0.5, 0.0]]


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale": 0},
        {"scale": -1},
        {"scale": math.nan},
        {"scale": math.inf},
        {"scale": "2"},
        {"size": (0, 5)},
        {"size": (5,)},
        {"size": (2.5, 5)},
        {"crop": (0, 0, 38, 1)},
        {"crop": (-1, 0, 3, 1)},
        {"crop": (0, 0, 0, 1)},
        {"crop": (0, 0, math.nan, 1)},
        {"crop": (0, 0, 1)},
    ],
)
def test_nonsense_is_refused(arguments: dict) -> None:
    with pytest.raises(UsageError):
        view(SIZE, **arguments)


def test_limits() -> None:
    with pytest.raises(LimitError, match="more than the limit of 1000"):
        view(SIZE, max_pixels=1000)
    with pytest.raises(LimitError):
        view(SIZE, scale=1000)
    with pytest.raises(LimitError):
        view(SIZE, scale=1e300)
    with pytest.raises(LimitError):
        view(SIZE, size=(65536, 1))
    assert view(SIZE, scale=500, max_pixels=0).pixels == 37 * 500 * 53 * 500

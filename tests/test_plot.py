from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from imcodec import UsageError
from imcodec.plot import side_by_side, training_curve
from imcodec.progress import EpochRecord
from pictures import scene

HISTORY = [EpochRecord(n, "fit", 1 / n, 10.0 + n) for n in range(1, 6)]
HISTORY += [EpochRecord(n, "quantise", 0.3, 14.0) for n in range(1, 3)]


def test_training_curve_is_a_picture() -> None:
    image = Image.open(io.BytesIO(training_curve(HISTORY, "bird")))
    assert image.size == (840, 480)
    assert len(image.convert("RGB").getcolors(10**6) or []) > 50
    assert training_curve(HISTORY, "bird", "svg").startswith(b"<?xml")
    with pytest.raises(UsageError):
        training_curve([], "nothing")


def test_side_by_side_shows_both() -> None:
    a, b = scene(30, 20), scene(50, 20, 1)
    sheet = side_by_side([a, b], ["a", "b"])
    assert sheet.shape == (42, 88, 3)
    assert np.array_equal(sheet[22:, :30], a)
    assert np.array_equal(sheet[22:, 38:], np.repeat(b, 3, axis=2))
    with pytest.raises(UsageError):
        side_by_side([a, scene(30, 21)], ["a", "b"])
    with pytest.raises(UsageError):
        side_by_side([a, b], ["a"])


def test_alpha_is_shown_over_white() -> None:
    pixels = np.zeros((1, 2, 4), np.uint8)
    pixels[0, 1, 3] = 255
    assert side_by_side([pixels], [""])[22].tolist() == [[255] * 3, [0] * 3]

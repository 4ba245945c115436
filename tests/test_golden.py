"""Files of released format versions decode to the same pixels for ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imcodec import decode, read_picture, verify
from make_golden import CASES, GOLDEN


@pytest.mark.parametrize("name", CASES)
def test_pixels_stay(name: str) -> None:
    path = GOLDEN / f"{name}.onnx"
    expected = read_picture(GOLDEN / f"{name}.png").pixels
    # Floats may differ in the last bit from machine to machine; the promise is one level.
    difference = np.abs(decode(path).astype(int) - expected)
    assert difference.max() <= 1
    assert difference.mean() < 0.02
    assert verify(path).psnr > 10


def test_every_file_is_listed() -> None:
    assert {path.stem for path in Path(GOLDEN).glob("*.onnx")} == set(CASES)

"""Files of released format versions decode to the same pixels for ever.

On other versions of onnxruntime: python benchmarks/runtimes.py tests/golden/*.onnx
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from imcodec import decode, read_picture, verify
from make_golden import CASES, GOLDEN, LATENTS, PYRAMIDS, latents_hash

PLAIN = [name for name in CASES if name not in PYRAMIDS]


@pytest.mark.parametrize("name", CASES)
def test_pixels_stay(name: str) -> None:
    path = GOLDEN / f"{name}.onnx"
    expected = read_picture(GOLDEN / f"{name}.png").pixels
    # Floats may differ in the last bit from machine to machine; the promise is one level.
    difference = np.abs(decode(path).astype(int) - expected)
    assert difference.max() <= 1
    assert difference.mean() < 0.02
    assert verify(path).psnr > 10


@pytest.mark.parametrize("name", PYRAMIDS)
def test_latents_stay(name: str) -> None:
    """These are integers: the same everywhere, without exception."""
    assert latents_hash(GOLDEN / f"{name}.onnx") == json.loads(LATENTS.read_text())[name]


@pytest.mark.parametrize("names", [PLAIN, PYRAMIDS])
def test_there_are_enough(names: list[str]) -> None:
    found = [verify(GOLDEN / f"{name}.onnx") for name in names]
    assert len(found) >= 6
    assert {info.channels for info in found} == {1, 2, 3, 4}
    assert {(1, 1), (37, 53)} <= {(info.width, info.height) for info in found}


def test_every_file_is_listed() -> None:
    assert {path.stem for path in GOLDEN.glob("*.onnx")} == set(CASES)
    assert {path.stem for path in GOLDEN.glob("*.png")} == set(CASES)
    assert set(json.loads(LATENTS.read_text())) == set(PYRAMIDS)

"""SSIMULACRA 2 beside the reference program, and the metrics of a bench."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from imcodec.bench.quality import METRICS, able_metrics, measure_all
from imcodec.bench.ssimulacra2 import ssimulacra2
from imcodec.errors import MissingExtraError, UsageError
from pictures import scene


def flat(side: int, value: int) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


# Scores of libjxl's ssimulacra2 for flat pictures of 128 and 128 + shift, as published with the
# Rust implementation (imazen/ssimulacra2, src/reference_data.rs). Rounding to float32 makes the
# reference's own scores move by some tenths here.
@pytest.mark.parametrize(
    ("side", "shift", "score"),
    [
        (64, 5, 91.52357693),
        (64, 20, 56.05855584),
        (64, 50, -8.75942256),
        (128, 5, 88.54070876),
        (128, 20, 54.27883917),
        (128, 50, -9.82383315),
        (256, 20, 59.77892918),
        (256, 50, -0.39085784),
    ],
)
def test_scores_of_the_reference_program(side: int, shift: int, score: float) -> None:
    assert ssimulacra2(flat(side, 128), flat(side, 128 + shift)) == pytest.approx(score, abs=0.5)


def test_equal_pictures_and_small_ones() -> None:
    picture = scene(40, 24)
    assert ssimulacra2(picture, picture) == 100
    assert ssimulacra2(picture[:7], picture[:7]) is None
    with pytest.raises(UsageError):
        ssimulacra2(picture, picture[:20])


def test_a_missing_package_leaves_the_metric_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ssimulacra2.ssimulacra2", None)
    with pytest.raises(MissingExtraError, match=r'pip install "imcodec\[bench\]"'):
        ssimulacra2(flat(8, 1), flat(8, 2))
    able, (line,) = able_metrics(["psnr", "ssimulacra2"])
    assert able == ["psnr"]
    assert line.startswith("SSIMULACRA 2 is left out: ")
    found = measure_all(scene(20, 20), scene(20, 20, seed=1), ["psnr", "ssimulacra2"])
    assert found.keys() == {"psnr"}


def test_values_that_json_cannot_hold_are_none() -> None:
    picture = scene(20, 20)
    found = measure_all(picture, picture, list(METRICS))
    assert found == {"psnr": None, "ms_ssim": None, "ssim": 1.0, "ssimulacra2": 100.0}


def test_unknown_metrics() -> None:
    with pytest.raises(UsageError, match="'beauty' is unknown"):
        able_metrics(["beauty"])

"""Metrics against closed forms and against another implementation."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio

from imcodec.errors import MissingExtraError, UsageError
from imcodec.metrics import MS_SSIM_MIN_SIDE, SSIM_MIN_SIDE, ms_ssim, psnr, ssim


def noise(height: int, width: int, channels: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, channels)).astype(np.uint8)


def flat(level: int, side: int = 200) -> NDArray[np.uint8]:
    return np.full((side, side, 3), level, np.uint8)


def luminance_similarity(a: int, b: int) -> float:
    steady = (0.01 * 255) ** 2
    return (2 * a * b + steady) / (a * a + b * b + steady)


@pytest.mark.parametrize("form", [(1, 1, 1), (5, 7, 3), (40, 30, 4), (40, 30)])
def test_psnr_agrees_with_skimage(form: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imcodec.metrics._BAND_SAMPLES", 64)
    a = noise(*form, 1) if len(form) == 2 else noise(*form)
    a = a.reshape(form)
    b = 255 - a
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=255), abs=1e-9)


def test_psnr_of_known_errors() -> None:
    assert psnr(flat(0), flat(255)) == 0
    assert psnr(flat(9), flat(9)) == math.inf
    assert psnr(flat(100), flat(101)) == pytest.approx(48.1308, abs=1e-4)


def test_ssim_of_flat_pictures() -> None:
    assert ssim(flat(50), flat(50)) == pytest.approx(1)
    assert ssim(flat(100), flat(120)) == pytest.approx(luminance_similarity(100, 120), abs=1e-6)


def test_ms_ssim_of_flat_pictures() -> None:
    assert ms_ssim(flat(50), flat(50)) == pytest.approx(1)
    expected = luminance_similarity(60, 120) ** 0.1333  # the weight of the coarsest scale
    # 176 = 16 x 11: halving an odd side would add a dark border
    assert ms_ssim(flat(60, 176), flat(120, 176)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_similarity_falls_with_noise(channels: int) -> None:
    picture = np.kron(noise(12, 12, channels), np.ones((16, 16, 1), np.uint8))
    spoilt = [
        (picture + 0.2 * strength * (noise(192, 192, channels, 1) - 128.0)).clip(0, 255)
        for strength in (0.5, 1, 2)
    ]
    for measure in (ssim, ms_ssim):
        values = [measure(picture, worse.astype(np.uint8)) for worse in spoilt]
        assert 1 > values[0] > values[1] > values[2] > 0  # type: ignore[operator]


def test_ssim_is_the_mean_over_channels() -> None:
    a, b = noise(20, 20, 3), noise(20, 20, 3, 1)
    single = [ssim(a[..., c], b[..., c]) for c in range(3)]
    assert ssim(a, b) == pytest.approx(np.mean(single))  # type: ignore[arg-type]


def test_too_small() -> None:
    for measure, side in ((ssim, SSIM_MIN_SIDE), (ms_ssim, MS_SSIM_MIN_SIDE)):
        assert measure(noise(side - 1, 300, 3), noise(side - 1, 300, 3)) is None
        assert measure(noise(300, side - 1, 3), noise(300, side - 1, 3)) is None
        assert measure(noise(side, side, 3), noise(side, side, 3)) == pytest.approx(1)


@pytest.mark.parametrize("measure", [psnr, ssim, ms_ssim])
def test_pictures_that_do_not_match(measure) -> None:  # type: ignore[no-untyped-def]
    good = noise(20, 30, 3)
    for bad in (
        noise(30, 20, 3),
        noise(20, 30, 4),
        good[..., 0],
        good.astype(float),
        good[:0],
        good[0, 0],
    ):
        with pytest.raises(UsageError) as caught:
            measure(good, bad)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("measure", "package"), [(ssim, "skimage.metrics"), (ms_ssim, "pytorch_msssim")]
)
def test_missing_packages(measure, package: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r'pip install "imcodec\[encode\]"'):
        measure(flat(1), flat(2))


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; import imcodec.image, imcodec.metrics;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'skimage', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", program, *sys.path], check=False).returncode == 0

"""What can be minimised in place of the squared error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from imcodec import PyramidSettings, UsageError, encode_picture, settings_from
from imcodec.metrics import ms_ssim
from imcodec.pyramid import measures
from imcodec.pyramid.finish import code
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.measures import Measure
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import TUNES
from pictures import scene

CPU = torch.device("cpu")
OTHERS = [tune for tune in TUNES if tune != "psnr"]


def colours(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.reshape(-1, pixels.shape[2]).T.copy()).float()


def measured(tune: str, pixels: np.ndarray, shown: torch.Tensor) -> tuple[float, torch.Tensor]:
    with ThreadPoolExecutor(2) as pool, torch.no_grad():
        return Measure(tune, colours(pixels), pixels.shape[:2])(shown, pool)


@pytest.mark.parametrize("tune", OTHERS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (9, 5), (60, 50)])
def test_no_difference_no_distance(tune: str, size: tuple[int, int], channels: int) -> None:
    pixels = scene(*size, channels)
    value, gradient = measured(tune, pixels, colours(pixels))
    assert value == pytest.approx(0, abs=1e-7)
    assert gradient.abs().max() < 1e-7
    noise = torch.randn(channels, size[0] * size[1], generator=torch.Generator().manual_seed(0))
    values = [measured(tune, pixels, colours(pixels) + s * noise)[0] for s in (1, 4, 16)]
    assert 0 < values[0] < values[1] < values[2]


@pytest.mark.parametrize("tune", OTHERS)
@pytest.mark.parametrize("tile", [30, 512])
def test_the_gradient_is_that_of_the_distance(
    tune: str, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Along a line, also where the picture is measured in tiles."""
    monkeypatch.setattr(measures, "TILE", tile)
    pixels = scene(70, 50, 4)
    generator = torch.Generator().manual_seed(0)
    noise, line = (torch.randn(4, 3500, generator=generator) for _ in range(2))
    shown = (colours(pixels) + 6 * noise).clamp(2, 253)
    _, gradient = measured(tune, pixels, shown)
    line += 300 * gradient / gradient.norm()
    ends = [measured(tune, pixels, shown + step * line)[0] for step in (-0.05, 0.05)]
    assert (ends[1] - ends[0]) / 0.1 == pytest.approx(float((gradient * line).sum()), rel=0.02)


def test_what_the_picture_hides_counts_less() -> None:
    grain = np.random.default_rng(0).integers(0, 256, (64, 64, 1)).repeat(3, 2).astype(np.uint8)
    flat = np.full((64, 64, 3), 128, np.uint8)
    noise = 4 * torch.randn(1, 4096, generator=torch.Generator().manual_seed(0)).expand(3, -1)
    errors = [measured("perceptual", p, colours(p) + noise)[0] for p in (grain, flat)]
    assert errors[0] < errors[1] / 2


def fitted(tune: str, pixels: np.ndarray, **changes: Any) -> Fit:
    height, width, _ = pixels.shape
    recipe = Recipe(
        **{"lmbda": 1e-3, "steps": 30, "filters": 4, "units": 9, "tune": tune} | changes
    )
    return Fit(pixels, choose_geometry(height, width), recipe, CPU)


@pytest.mark.parametrize("tune", TUNES)
def test_a_fit_minimises_it(tune: str) -> None:
    pixels = scene(70, 50)
    fit = fitted(tune, pixels)
    seen: list[Any] = []
    found = fit.run(seen.append)
    assert found.cost == found.distortion + fit.lmbda * found.bpp
    assert found.cost < seen[0].cost / 2
    # the squared error is told all the same, and what decodes is measured alike
    assert found.mse == pytest.approx(fit.mse_of(found.planes), rel=0.05)
    assert found.distortion == pytest.approx(fit.distortion_of(found.planes), rel=0.1)
    assert (found.distortion == found.mse) == (tune == "psnr")
    assert code(fit, found).cost == pytest.approx(found.cost, rel=0.2)


def test_each_costs_least_in_its_own_measure() -> None:
    grain = np.random.default_rng(0).normal(0, 12, (176, 176, 1))
    pixels = (scene(176, 176) + grain).clip(0, 255).astype(np.uint8)
    costs = {}
    for tune in ("psnr", "ssim"):
        fit = fitted(tune, pixels, steps=15, lmbda=2e-3)
        found = fit.run()
        similarity = ms_ssim(pixels, fit.picture())
        assert similarity is not None
        errors = found.mse, measures.SSIM_SCALE * (1 - similarity)
        costs[tune] = [error + fit.lmbda * found.bpp for error in errors]
    assert costs["psnr"][0] < costs["ssim"][0]
    assert costs["ssim"][1] < costs["psnr"][1]


def test_tune_is_a_setting() -> None:
    assert settings_from(tune="ssim") == PyramidSettings(tune="ssim")
    with pytest.raises(UsageError, match="choose one of psnr, ssim, perceptual"):
        settings_from(tune="vmaf")
    with pytest.raises(UsageError, match="'tune' belongs to the pyramid model"):
        settings_from(tune="ssim", model="mlp")
    made = [encode_picture(scene(40, 36), PyramidSettings(tune=t, steps=3)).data for t in TUNES]
    assert len(set(made)) == 3

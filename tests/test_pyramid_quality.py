"""What a quality stands for in one picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imcodec.pyramid.choice import choose
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.quality import MOST, price_of
from imcodec.pyramid.settings import PyramidSettings, lambda_of
from pictures import scene

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
FLAT = np.full((60, 80, 3), 90, np.uint8)


def test_lambda_replaces_quality() -> None:
    assert price_of(PyramidSettings(quality=10, lmbda=3e-4), Jpeg(NOISE)) == 3e-4


@pytest.mark.parametrize("quality", [0, 25, 50, 75, 100])
def test_bits_cost_more_where_there_is_much_to_say(quality: float) -> None:
    settings, usual = PyramidSettings(quality=quality), lambda_of(quality)
    flat, smooth, noise = (price_of(settings, Jpeg(each)) for each in (FLAT, scene(80, 60), NOISE))
    assert usual / MOST == flat < smooth < noise <= MOST * usual
    assert usual < noise


def test_twice_the_cost_is_1_4_times_the_price(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = lambda_of(60)
    found = []
    for times in (1, 2, 1000):
        monkeypatch.setattr(Jpeg, "cost", lambda jpeg, price, t=times: t * 0.05 * price**0.52)
        found.append(price_of(PyramidSettings(quality=60), Jpeg(NOISE)) / usual)
    assert found == pytest.approx([1, 2**0.5, MOST])


@pytest.mark.parametrize("pixels", [scene(90, 70), scene(90, 70, 1), NOISE, FLAT, FLAT[:1, :1]])
def test_a_better_quality_never_costs_more_for_a_bit(pixels: np.ndarray) -> None:
    jpeg = Jpeg(pixels)
    prices = [price_of(PyramidSettings(quality=q), jpeg) for q in np.arange(0, 100.5, 0.5)]
    assert (np.diff(prices) < 0).all()


@pytest.mark.parametrize("tune", ["ssim", "perceptual"])
def test_other_measures_have_the_same_price(tune: str) -> None:
    settings, jpeg = PyramidSettings(quality=50), Jpeg(NOISE)
    assert price_of(replace(settings, tune=tune), jpeg) == price_of(settings, jpeg)


def test_it_is_the_price_of_the_fit() -> None:
    settings, jpeg = PyramidSettings(quality=40), Jpeg(NOISE)
    assert choose(jpeg, settings)[0].lmbda == price_of(settings, jpeg)
    assert choose(jpeg, settings, 1e-3)[0].lmbda == 1e-3

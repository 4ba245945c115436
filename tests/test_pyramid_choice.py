"""What is chosen for a picture before it is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imcodec.pyramid import choice
from imcodec.pyramid.choice import (
    CALM,
    DEARER_FOR_PSNR,
    EARLY,
    FEW,
    FILTERS_SETTLE,
    PRIOR_RATES,
    QUICK,
    QUICK_BETAS,
    QUICK_RATES,
    SYNTHESIS_SETTLES,
    cheapest,
    choose,
    network_bytes,
)
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.model import ContextNetwork, Filters, Synthesis
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import NETWORKS, STEPS, PyramidSettings
from pictures import scene

NOISE = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype(np.uint8)


def chosen(pixels: np.ndarray, **settings: Any) -> tuple[str, int]:
    """(name of the network, pitch)."""
    recipe, geometry = choose(Jpeg(pixels), PyramidSettings(**settings))
    for name, size in NETWORKS.items():
        if (recipe.filters, recipe.units) == (size.filters, size.units):
            return name, geometry.pitch
    raise AssertionError(recipe)


def costing(
    bpp: float, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> tuple[Recipe, Geometry]:
    """What is chosen for a picture whose latents will take so many bits per pixel."""
    size = bpp * 192 * 160 / 8 / choice.JPEG_SHARE
    monkeypatch.setattr(Jpeg, "size", lambda *_: size)
    return choose(Jpeg(scene(192, 160)), PyramidSettings(**settings))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("levels", "channels"), [(6, 3), (1, 1), (3, 4)])
def test_bytes_of_the_networks_are_those_in_the_file(name: str, levels: int, channels: int) -> None:
    size = NETWORKS[name]
    context = ContextNetwork(size.filters, levels).context()
    synthesis = Synthesis(levels, channels, size.units).array()
    filters = Filters(levels).array()
    stored = context.size + synthesis.size + filters.size
    assert network_bytes(size, levels, channels) == stored


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_was_asked_for(name: str) -> None:
    assert chosen(NOISE, network=name)[0] == name


@pytest.mark.parametrize(
    ("latents", "expected"),
    [
        (0.0, "tiny"),
        (6_000.0, "small"),
        (20_000.0, "medium"),
        (30_000.0, "large"),
        (150_000.0, "huge"),
    ],
)
def test_the_smallest_sum_of_bytes(latents: float, expected: str) -> None:
    assert cheapest(latents, 700, 6, 3) == expected


def test_short_fits_gain_less_from_large_networks() -> None:
    names = [cheapest(100_000.0, steps, 6, 3) for steps in (150, 300, 700, 3000)]
    assert names == ["large", "large", "large", "huge"]
    assert [cheapest(24_000.0, steps, 6, 3) for steps in (300, 6000)] == ["medium", "large"]


def test_more_is_gained_where_bits_are_cheap() -> None:
    names = [cheapest(20_000.0, 300, 6, 3, price) for price in (4e-2, 2e-3, 3e-4, 1e-6)]
    assert names == ["small", "medium", "large", "large"]


def test_many_bytes_ask_for_a_larger_network(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    assert chosen(noise, lmbda=1e-5)[0] == "huge"
    assert chosen(noise[:150], lmbda=1e-1)[0] == "tiny"
    # a short fit leaves more bytes to save
    monkeypatch.setattr(Jpeg, "size", lambda *_: 7_000.0)
    assert chosen(noise, lmbda=2e-3, steps=3000)[0] == "small"
    assert chosen(noise, lmbda=2e-3, steps=20)[0] == "medium"


@pytest.mark.parametrize(
    ("effort", "bpp", "empty"),
    [(1, 0.5, 1), (2, 0.5, 2), (2, 2.0, 4), (3, 0.5, 2), (3, 1.0, 4), (5, 0.3, 2), (5, 0.5, 4)],
)
def test_longer_and_costlier_fits_start_with_more_empty_planes(
    effort: int, bpp: float, empty: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, geometry = costing(bpp, monkeypatch, effort=effort)
    assert geometry.levels == 5
    assert recipe.empty == empty


@pytest.mark.parametrize(
    ("steps", "bpp", "calm"),
    [(CALM - 1, 0.3, False), (CALM, 0.3, True), (CALM, 1.0, False), (35000, 0.3, True)],
)
def test_long_fits_are_calm_unless_they_start_from_empty_planes(
    steps: int, bpp: float, calm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, geometry = costing(bpp, monkeypatch, steps=steps)
    usual = Recipe(1.0, 1)
    assert (recipe.empty == geometry.levels - 1) == (bpp > 0.5)
    assert (recipe.decay > 0) == calm
    assert (recipe.temperature[0] < usual.temperature[0]) == calm
    assert (recipe.noise[0] < usual.noise[0]) == calm
    assert round((1 - recipe.hard_at) * steps) == (50 if calm else round(0.05 * steps))


@pytest.mark.parametrize(
    ("steps", "bpp", "early"),
    [(EARLY - 1, 1.0, False), (EARLY, 1.0, True), (EARLY, 0.3, False), (35000, 1.0, True)],
)
def test_in_long_fits_from_empty_planes_filters_and_synthesis_settle_early(
    steps: int, bpp: float, early: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, _ = costing(bpp, monkeypatch, steps=steps)
    windows = recipe.filters_settle, recipe.synthesis_settles
    assert windows == ((FILTERS_SETTLE, SYNTHESIS_SETTLES) if early else (None, None))
    assert all(begin < end <= recipe.hard_at for begin, end in filter(None, windows))


def test_a_fit_of_unknown_length_keeps_the_usual_share_of_last_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe, _ = costing(0.1, monkeypatch, steps=35000, time_limit=15)
    usual = Recipe(lmbda=1e-3, steps=100)
    assert recipe.hard_at == usual.hard_at
    assert recipe.decay > 0
    assert recipe.settle_at < recipe.hard_at


def test_large_pictures_take_the_large_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "LARGE", NOISE.shape[0] * NOISE.shape[1] - 1)
    assert chosen(NOISE)[0] == "large"
    assert chosen(NOISE, prior=False)[0] == "large"


def test_a_smooth_picture_leaves_out_its_finest_plane() -> None:
    y, x = np.mgrid[0:64, 0:80]
    smooth = np.stack([x, y + 40, 150 - x], -1).astype(np.uint8)
    assert chosen(smooth, quality=50)[1] == 2
    assert chosen(NOISE, quality=50)[1] == 1


def test_a_wanted_psnr_keeps_the_finest_plane_a_wanted_size_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture, settings = Jpeg(scene(48, 40)), PyramidSettings()
    for lost, pitch in ((0.1, 2), (0.3, 1)):
        monkeypatch.setattr(Jpeg, "lost_in_half", lambda *_, lost=lost: lost)
        assert choose(picture, settings)[1].pitch == pitch
        assert choose(picture, settings, 1e-3)[1].pitch == pitch
        asked = PyramidSettings(target_psnr=33)
        assert choose(picture, asked, 1e-3)[1].pitch == 1


def test_networks_are_smaller_where_a_psnr_is_asked_for_than_at_the_price_guessed_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[float, ...]] = []

    def cheapest(latents: float, steps: int, levels: int, channels: int, price: float) -> str:
        seen.append((latents, price))
        return "small"

    monkeypatch.setattr(choice, "cheapest", cheapest)
    jpeg = Jpeg(scene(192, 160))
    for settings, price in (
        (PyramidSettings(target_psnr=33), 1e-3),
        (PyramidSettings(target_size=9000), 1e-3),
        (PyramidSettings(target_size=9000), 1e-3 * DEARER_FOR_PSNR),
    ):
        recipe, _ = choose(jpeg, settings, price)
        assert recipe.lmbda == price
    psnr, size, dearer = seen
    assert psnr == dearer
    assert dearer[0] < size[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1)])
def test_a_line_of_pixels_keeps_its_plane(size: tuple[int, int]) -> None:
    assert chosen(np.full((*size, 1), 9, np.uint8))[1] == 1


def test_settings_reach_the_recipe() -> None:
    settings = PyramidSettings(lmbda=0.003, steps=17, seed=5, prior=False)
    recipe, geometry = choose(Jpeg(scene(30, 20)), settings)
    assert (recipe.lmbda, recipe.steps, recipe.seed, recipe.prior) == (0.003, 17, 5, False)
    assert recipe.seconds == 0
    assert geometry == choose_geometry(20, 30)
    settings, jpeg = PyramidSettings(quality=75, effort=1), Jpeg(scene(30, 20))
    by_name, _ = choose(jpeg, settings)
    dearer = jpeg.cost(10**-3.4) / (0.05 * 10 ** (-3.4 * 0.52))
    assert by_name.lmbda == pytest.approx(10**-3.4 * dearer**0.5)
    assert by_name.steps == STEPS[1]


@pytest.mark.parametrize(("steps", "prior"), [(1, True), (FEW - 1, True), (FEW, False)])
def test_long_fits_find_networks_of_their_own(steps: int, prior: bool) -> None:
    recipe, _ = choose(Jpeg(NOISE), PyramidSettings(steps=steps))
    assert recipe.prior == prior


@pytest.mark.parametrize(
    ("steps", "prior", "rates"),
    [
        (QUICK - 1, True, QUICK_RATES),
        (FEW - 1, False, QUICK_RATES),
        (FEW - 1, True, PRIOR_RATES),
        (QUICK, True, Recipe(1.0, 1).rates),
    ],
)
def test_short_fits_learn_faster(steps: int, prior: bool, rates: tuple[float, ...]) -> None:
    recipe, _ = choose(Jpeg(NOISE), PyramidSettings(steps=steps, prior=prior))
    assert recipe.rates == rates
    assert (recipe.betas == QUICK_BETAS) == (steps < QUICK)

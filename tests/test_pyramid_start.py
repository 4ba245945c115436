"""Where a fit starts: the prior's networks, and a first picture."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest
import torch
from safetensors import safe_open

from imcodec.pyramid.context import LARGEST_LATENT
from imcodec.pyramid.distortion import draw
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.interpolation import Interpolation
from imcodec.pyramid.latents import Latents
from imcodec.pyramid.model import ContextNetwork, Filters, Synthesis
from imcodec.pyramid.settings import NETWORKS, NetworkSize
from imcodec.pyramid.start import BIASES, FILTERS, PRIOR, key, prior, start_networks, start_picture
from imcodec.pyramid.table import Table
from pictures import scene

CPU = torch.device("cpu")
STEP = Table().step
LARGE = choose_geometry(512, 768)


def started(
    pixels: np.ndarray, lmbda: float = 4e-4, units: int = 12, geometry: Geometry | None = None
) -> tuple[Latents, np.ndarray]:
    """The first latents of a picture, and what is drawn from them once they are rounded."""
    height, width, channels = pixels.shape
    geometry = geometry or choose_geometry(height, width)
    levels = geometry.levels
    latents, synthesis = Latents(geometry, CPU), Synthesis(levels, channels, units)
    interpolations = [Interpolation(geometry, level, CPU) for level in range(1, levels + 1)]
    colours = torch.from_numpy(pixels.reshape(-1, channels).T.copy()).float()
    start_picture(latents, synthesis, interpolations, colours, lmbda)
    planes = latents.planes(latents.rounded())
    features = [
        at.forward(plane).flatten() for at, plane in zip(interpolations, planes, strict=True)
    ]
    weights = [value.detach() for value in synthesis.values()]
    drawn = draw(torch.stack(features), weights, STEP).clamp(0, 255).round()
    return latents, drawn.T.reshape(pixels.shape).numpy()


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.square((a.astype(float) - b) / 255).mean() + 1e-12))


def flat_psnr(pixels: np.ndarray) -> float:
    return psnr(pixels, np.broadcast_to(pixels.mean((0, 1)), pixels.shape))


def networks(count: int) -> tuple[ContextNetwork, Filters]:
    """As they start with the prior, for a picture of 512x768."""
    made, filters = ContextNetwork(count, LARGE.levels), Filters(LARGE.levels)
    start_networks(made, filters, LARGE)
    return made, filters


@pytest.mark.parametrize("size", NETWORKS.values(), ids=NETWORKS)
def test_the_prior_has_networks_of_all_sizes(size: NetworkSize) -> None:
    made, _ = networks(size.filters)
    for name, value in made.state_dict().items():
        known = prior()[key(size.filters, name)]
        assert torch.equal(value, known[-LARGE.levels :] if name == BIASES else known)
    assert made.context().first.shape[1] == size.filters


def test_the_prior_says_how_it_was_made() -> None:
    path = files("imcodec.pyramid").joinpath(PRIOR)
    with safe_open(str(path), "pt") as opened:
        made = json.loads(opened.metadata()["made"])
    assert made["program"] == "benchmarks/prior/train.py"


def test_filters_start_by_the_size_of_their_cells() -> None:
    _, filters = networks(5)
    known = prior()[FILTERS]
    assert len(known) >= LARGE.levels == 5
    assert torch.equal(filters.weights, known[-5:])
    coarse = choose_geometry(512, 768, levels=4, pitch=2)
    fewer = Filters(coarse.levels)
    start_networks(ContextNetwork(5, coarse.levels), fewer, coarse)
    assert torch.equal(fewer.weights, known[:-1][-coarse.levels :])


def test_fits_do_not_change_the_prior() -> None:
    """It is read once and kept."""
    made, filters = networks(8)
    with torch.no_grad():
        made.first.add_(1)
        filters.weights.add_(1)
    again, other = networks(8)
    assert not torch.equal(made.first, again.first)
    assert not torch.equal(filters.weights, other.weights)


def test_a_shape_without_a_prior_starts_at_random() -> None:
    made, _ = networks(6)
    assert torch.equal(made.first, ContextNetwork(6, LARGE.levels).first)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_first_picture_is_close(channels: int) -> None:
    """Much closer than a flat one: with few levels, latents have only the main colour axis."""
    pixels = scene(60, 44, channels)
    latents, drawn = started(pixels)
    assert psnr(pixels, drawn) > flat_psnr(pixels) + 4
    if channels == 1:
        assert psnr(pixels, drawn) > 25
    assert float(latents.rounded().abs().max()) <= LARGEST_LATENT


def test_colours_that_are_not_on_one_axis_come_along() -> None:
    """Red, green and blue stripes: two more levels are given to the other axes."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    for channel in range(3):
        pixels[:, 32 * channel : 32 * (channel + 1), channel] = 200
    _, drawn = started(pixels, geometry=Geometry.derived(64, 96, 5, 1))
    assert psnr(pixels, drawn) > 22
    _, two_levels = started(pixels, geometry=Geometry.derived(64, 96, 2, 1))
    assert psnr(pixels, drawn) > psnr(pixels, two_levels) + 4


def test_a_higher_price_leaves_more_out() -> None:
    pixels = scene(60, 44)
    counts, qualities = [], []
    for lmbda in (1e-4, 4e-4, 1.6e-3, 6.4e-3):
        latents, drawn = started(pixels, lmbda)
        counts.append(int(latents.rounded().count_nonzero()))
        qualities.append(psnr(pixels, drawn))
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0] / 4
    assert qualities == sorted(qualities, reverse=True)


def test_no_price_is_too_low() -> None:
    """Black and white noise: smaller steps would need larger latents than there are."""
    noise = np.random.default_rng(0).integers(0, 2, (44, 60, 1)).astype(np.uint8) * 255
    _, drawn = started(noise, 1e-4)
    for lmbda in (1e-5, 1e-6):
        others, other = started(noise, lmbda)
        assert float(others.rounded().abs().max()) < LARGEST_LATENT
        assert psnr(noise, other) >= psnr(noise, drawn)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (10, 200, 77), (128,), (0, 255)])
def test_a_flat_picture_has_nothing_to_say(colour: tuple[int, ...]) -> None:
    pixels = np.full((20, 30, len(colour)), colour, np.uint8)
    latents, drawn = started(pixels)
    assert not latents.rounded().any()
    # the constant is 127 * W2 / 64, at most 252; other units bring the rest during the fit
    assert np.abs(drawn - np.minimum(pixels, 252)).max() <= 1


@pytest.mark.parametrize("units", [1, 2, 3, 4])
def test_few_units(units: int) -> None:
    """Fewer than the channels need: not good, but numbers."""
    _, drawn = started(scene(20, 20), units=units)
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_small_pictures(size: tuple[int, int]) -> None:
    pixels = scene(*size)
    _, drawn = started(pixels)
    assert psnr(pixels, drawn) > min(flat_psnr(pixels) + 5, 60)

"""Units of the context networks that say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from imcodec.pyramid.choice import RENEW_AT, SLOW, choose
from imcodec.pyramid.context import LARGEST_WEIGHT, Context
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.model import ContextNetwork
from imcodec.pyramid.rate import Pass
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import PyramidSettings
from imcodec.pyramid.silent import SILENT, Renewal
from imcodec.pyramid.walk import part_of, walk
from pyramids import random_latents
from rates import LAW, TABLE

GEOMETRIES = [choose_geometry(40, 64), Geometry.derived(64, 48, 3, 4), choose_geometry(1, 33)]


def random_network(seed: int, layers: int) -> ContextNetwork:
    """A network whose units are on here and there, with whole weights."""
    network = ContextNetwork(6, layers, TABLE, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for bias in network.biases[:-1]:
            bias += torch.randn(bias.shape, generator=generator)
    network.settling.advance(1.0)
    return network


def on_in_the_walk(context: Context, geometry: Geometry, planes: list[np.ndarray]) -> np.ndarray:
    """The same by the walk over the latents, unit by unit, each shown as the last layer's mean."""
    units = context.weights[-1].shape[2]
    found = np.zeros((2, units))
    for unit in range(units):
        last = np.zeros_like(context.weights[-1])
        last[:, 0, unit] = LARGEST_WEIGHT  # -126 where the unit is at -128, more elsewhere
        shown = replace(context, weights=(*context.weights[:-1], last))

        def code(mean: np.ndarray, width: np.ndarray, at: tuple[int, int, int]) -> np.ndarray:
            found[at[2], unit] += (mean > -126).sum()  # noqa: B023
            return part_of(geometry, planes[at[0] - 1], at[1], at[2])

        walk(shown, geometry, code)
    return found / (sum(plane.size for plane in planes) / 2)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("block", [8, 10**6])
def test_the_share_of_the_places_where_a_unit_is_on(
    geometry: Geometry, layers: int, block: int
) -> None:
    network = random_network(1, layers)
    planes = random_latents(geometry, seed=2)
    stacks = [
        torch.from_numpy(plane.reshape(geometry.strips, -1, plane.shape[1])).float()
        for plane in planes
    ]
    detached = [(w.detach(), None if b is None else b.detach()) for w, b in network.layers()]
    found = Pass(geometry, detached, LAW, 0.0, block).on(stacks).numpy()
    expected = on_in_the_walk(network.context(), geometry, planes)
    np.testing.assert_allclose(found, expected[:, 1:], atol=1e-6)  # without the constant
    assert 0 < expected.mean() < 1


def test_silent_units_begin_again_without_a_say() -> None:
    network = random_network(3, 3)
    before = [values.detach().clone() for values in network.parameters()]
    on = torch.full((2, 5), 0.5)
    on[0, 2] = on[1, 4] = SILENT / 2
    assert Renewal(network, (0.2,), 0).renew(on) == 2
    first, inner, last = network.weights
    kept = on > SILENT
    assert torch.equal(first, before[0])
    assert torch.equal(inner[kept], before[1][kept])
    assert torch.equal(last.mT[kept], before[2].mT[kept])
    assert torch.equal(network.biases[0][kept], before[3][kept])
    assert not torch.isclose(inner[~kept], before[1][~kept]).any()
    assert not network.biases[0][~kept].any()
    assert not last.mT[~kept].any()
    assert torch.equal(network.biases[1], before[4])


def test_renewals_come_once_each() -> None:
    renewal = Renewal(random_network(0, 3), (0.4, 0.2), 0)
    steps = (0.1, 0.2, 0.21, 0.39, 0.4, 0.9)
    assert [renewal.due(share) for share in steps] == [False, True, False, False, True, False]


def test_context_networks_learn_slowly_at_first() -> None:
    quick = Recipe(1e-3, 100)
    slow = replace(quick, slow=0.1)
    for share in (0.0, 0.05, 0.1, 0.7, 1.0):
        one, other = quick.rates_at(share), slow.rates_at(share)
        assert other[1] == pytest.approx(one[1] * min(1, 0.1 + 9 * share))
        assert (other[0], *other[2:]) == (one[0], *one[2:])


def test_only_fits_from_empty_planes_do_so() -> None:
    noise = Jpeg(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8))
    recipe, geometry = choose(noise, PyramidSettings(lmbda=1e-4, steps=3000))
    assert (recipe.empty, recipe.slow, recipe.renew_at) == (geometry.levels - 1, SLOW, RENEW_AT)
    recipe, _ = choose(noise, PyramidSettings(lmbda=1e-1, steps=3000))
    assert (recipe.slow, recipe.renew_at) == (0.0, ())

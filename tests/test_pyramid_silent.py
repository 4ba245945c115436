"""Units of the context networks that say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from imcodec.pyramid.choice import RENEW_AT, SLOW, choose
from imcodec.pyramid.context import Context
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.model import ContextNetwork
from imcodec.pyramid.rate import Pass
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import PyramidSettings
from imcodec.pyramid.silent import SILENT, Renewal
from imcodec.pyramid.walk import part_of, walk
from pyramids import random_latents
from rates import LAW, detached

GEOMETRIES = [choose_geometry(40, 64), Geometry.derived(64, 48, 3, 4), choose_geometry(1, 33)]


def random_network(seed: int, levels: int = 6) -> ContextNetwork:
    """A network whose units are on here and there, with whole weights."""
    network = ContextNetwork(3, levels, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        network.biases += torch.randn(network.biases.shape, generator=generator)
    network.settling.advance(1.0)
    return network


def on_in_the_walk(context: Context, geometry: Geometry, planes: list[np.ndarray]) -> np.ndarray:
    """The same by the walk over the latents, unit by unit, each shown as the mean."""
    found = np.zeros((2, context.hidden))
    for unit in range(context.hidden):
        later = context.later.copy()
        later[:, context.hidden :] = 0
        later[:, context.hidden, unit] = 64
        shown = replace(context, later=later)

        def code(mean: np.ndarray, width: np.ndarray, at: tuple[int, int, int]) -> np.ndarray:
            found[at[2], unit] += (mean > 0).sum()  # noqa: B023
            return part_of(geometry, planes[at[0] - 1], at[1], at[2])

        walk(shown, geometry, code)
    return found / (sum(plane.size for plane in planes) / 2)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("block", [8, 10**6])
def test_the_share_of_the_places_where_a_unit_is_on(geometry: Geometry, block: int) -> None:
    network = random_network(1)
    planes = random_latents(geometry, seed=2)
    stacks = [
        torch.from_numpy(plane.reshape(geometry.strips, -1, plane.shape[1])).float()
        for plane in planes
    ]
    found = Pass(geometry, detached(network.layers()), LAW, 0.0, block).on(stacks).numpy()
    expected = on_in_the_walk(network.context(), geometry, planes)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0 < expected.mean() < 1


def test_silent_units_begin_again_without_a_say() -> None:
    network = random_network(3)
    before = [values.detach().clone() for values in network.parameters()]
    on = torch.full((2, 6), 0.5)
    on[0, 2] = on[1, 4] = SILENT / 2
    assert Renewal(network, (0.2,), 0).renew(on) == 2
    kept = on > SILENT
    named = dict(zip(("first", "inner", "outer", "biases"), before, strict=True))
    assert torch.equal(network.first, named["first"])
    assert torch.equal(network.inner[kept], named["inner"][kept])
    assert torch.equal(network.outer.mT[kept], named["outer"].mT[kept])
    assert torch.equal(network.biases[:, kept], named["biases"][:, kept])
    assert not torch.isclose(network.inner[~kept], named["inner"][~kept]).any()
    assert not network.biases[:, ~kept].any()
    assert not network.outer.mT[~kept].any()


def test_renewals_come_once_each() -> None:
    renewal = Renewal(random_network(0), (0.4, 0.2), 0)
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

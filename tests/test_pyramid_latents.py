"""Latents: how they lie, how they are rounded, and the derivative of their soft rounding."""

from __future__ import annotations

import pytest
import torch

from imcodec.pyramid.context import LARGEST_LATENT
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.latents import LATENT_UNIT, Latents

GEOMETRY = Geometry.derived(40, 24, 3, 5)


def made(spread: float = 3.0, seed: int = 0) -> Latents:
    latents = Latents(GEOMETRY, torch.device("cpu"), seed)
    generator = torch.Generator().manual_seed(9)
    latents.stored.copy_(torch.randn(GEOMETRY.symbols, generator=generator) * spread / LATENT_UNIT)
    return latents


def soft(stored: torch.Tensor, noise: torch.Tensor, temperature: float) -> torch.Tensor:
    """The formula in the module's docstring, float64."""

    def rounded(value: torch.Tensor) -> torch.Tensor:
        base = value.detach().floor() + 0.5
        full = torch.tanh(torch.tensor(0.5 / temperature, dtype=torch.float64))
        return base + torch.tanh((value - base) / temperature) / (2 * full)

    return rounded(rounded(stored * LATENT_UNIT) + noise)


@pytest.mark.parametrize("temperature", [0.35, 0.2, 0.08])
def test_soft_rounding_and_its_derivative(temperature: float) -> None:
    latents = made()
    value, derivative = latents.softened(temperature, 0.2)
    noise = torch.empty(GEOMETRY.symbols).normal_(
        0, 0.2, generator=torch.Generator().manual_seed(0)
    )
    stored = latents.stored.detach().double().requires_grad_()
    expected = soft(stored, noise.double(), temperature)
    expected.sum().backward()
    # a value within a rounding error of an integer may fall on either side of it
    far = (value.double() - expected.detach()).abs() < 1e-3
    assert far.double().mean() > 0.99
    assert stored.grad is not None
    torch.testing.assert_close(
        derivative[far].double(), stored.grad[far], rtol=2e-3, atol=1e-3 * LATENT_UNIT
    )


def test_the_derivative_is_the_slope() -> None:
    """Finite differences, without noise."""
    latents = made()
    value, derivative = latents.softened(0.3, 0.0)
    step = 1e-3 / LATENT_UNIT
    latents.stored.add_(step)
    moved, _ = latents.softened(0.3, 0.0)
    slope = (moved - value) / step
    near = (slope - derivative).abs() < 0.05 * LATENT_UNIT
    assert near.double().mean() > 0.99


def test_a_low_temperature_is_rounding() -> None:
    latents = made()
    value, _ = latents.softened(0.01, 0.0)
    assert (value - latents.rounded()).abs().median() < 1e-3
    assert (value - latents.rounded()).abs().max() <= 0.51


def test_noise_is_seeded_and_new_each_time() -> None:
    one, two, other = made(), made(), made(seed=1)
    first = one.softened(0.3, 0.2)[0]
    assert torch.equal(first, two.softened(0.3, 0.2)[0])
    assert not torch.equal(first, one.softened(0.3, 0.2)[0])
    assert not torch.equal(first, other.softened(0.3, 0.2)[0])


def test_softening_leaves_the_latents_alone() -> None:
    latents = made()
    before = latents.stored.clone()
    latents.softened(0.3, 0.2)
    latents.rounded()
    assert torch.equal(latents.stored, before)


def test_rounded_latents_are_what_a_file_can_hold() -> None:
    latents = made(spread=200.0)
    rounded = latents.rounded()
    assert torch.equal(rounded, rounded.round())
    assert float(rounded.max()) == LARGEST_LATENT
    assert float(rounded.min()) == -LARGEST_LATENT
    inside = latents.stored.abs() * LATENT_UNIT < LARGEST_LATENT
    assert float((rounded - latents.stored * LATENT_UNIT)[inside].abs().max()) <= 0.5


def test_planes_are_views_of_the_whole() -> None:
    latents = made()
    numbers = torch.arange(float(GEOMETRY.symbols))
    stacks, planes = latents.stacks(numbers), latents.planes(numbers)
    assert [tuple(plane.shape) for plane in planes] == [GEOMETRY.plane(k) for k in (1, 2, 3)]
    assert torch.equal(torch.cat([plane.flatten() for plane in planes]), numbers)
    for stack, plane, level in zip(stacks, planes, (1, 2, 3), strict=True):
        rows = GEOMETRY.rows(level)
        assert stack.shape == (GEOMETRY.strips, rows, GEOMETRY.columns(level))
        assert torch.equal(stack[2], plane[2 * rows : 3 * rows])
    planes[1][0, 0] = -1
    assert (numbers == -1).sum() == 1
    assert latents.gradient is latents.stored.grad

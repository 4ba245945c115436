"""The hand-written squared error and its gradients, against automatic differentiation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imcodec.pyramid.distortion import distortion, draw
from imcodec.pyramid.distortion_kernel import distortion_in_place
from imcodec.pyramid.outer import RUN, outer
from imcodec.pyramid.table import Table

STEP = Table().step
SCALE = 0.013


def case(
    levels: int = 5, channels: int = 3, units: int = 12, places: int = 400
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """(features, wanted, integer weights), float64; colours leave 0 .. 255 on both sides."""
    generator = torch.Generator().manual_seed(levels + 10 * channels)

    def integers(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=generator).double()

    features = torch.randn(levels, places, generator=generator, dtype=torch.float64) * (2 / STEP)
    wanted = integers(0, 256, channels, places)
    weights = [
        integers(-127, 128, units, levels),
        integers(-127, 128, units, 1),
        integers(-127, 128, channels, units),
    ]
    weights[0][0], weights[1][0], weights[2][:, 0] = 0, 127, 64  # a constant, as fits have one
    return features, wanted, weights


def colours(features: Tensor, weights: list[Tensor]) -> Tensor:
    """What the graph's synthesis says, before it is clamped."""
    first, threshold, second = weights
    return second @ torch.maximum(first @ (features * STEP) / 64, threshold / 64)


@pytest.mark.parametrize(("levels", "channels", "units"), [(5, 3, 12), (1, 1, 5), (6, 4, 40)])
def test_error_and_all_gradients(levels: int, channels: int, units: int) -> None:
    features, wanted, weights = case(levels, channels, units)
    leaves = [value.clone().requires_grad_() for value in (features, *weights)]
    drawn = colours(leaves[0], leaves[1:])
    outside = (drawn < 0) | (drawn > 255)
    assert 0.05 < outside.double().mean() < 0.95
    clamped = drawn + (drawn.clamp(0, 255) - drawn).detach()  # gradient 1
    expected = (clamped - wanted).square().sum()
    (expected * SCALE).backward()
    total, by_features, by_weights = distortion(features, wanted, weights, STEP, SCALE)
    torch.testing.assert_close(total, expected.detach())
    found = (by_features, *by_weights)
    for gradient, leaf in zip(found, leaves, strict=True):
        assert leaf.grad is not None
        assert gradient.shape == leaf.shape
        torch.testing.assert_close(gradient, leaf.grad)


@pytest.mark.parametrize("places", [1, 400, 1300])
@pytest.mark.parametrize(
    ("levels", "channels", "units"), [(5, 3, 12), (1, 1, 5), (6, 4, 40), (6, 3, 40), (6, 3, 5)]
)
def test_the_compiled_loop_is_the_same(levels: int, channels: int, units: int, places: int) -> None:
    features, wanted, weights = case(levels, channels, units, places)
    expected, by_features, by_weights = distortion(features, wanted, weights, STEP, SCALE)
    single = [value.float() for value in (features, wanted, *weights)]
    arguments = single[0], single[1], single[2:], STEP, SCALE
    parts = [distortion_in_place(*arguments, slice(s, s + 512)) for s in range(0, places, 512)]
    total = torch.stack([error for error, _ in parts]).sum()
    found = [torch.stack(grads).sum(0) for grads in zip(*(rest for _, rest in parts), strict=True)]
    torch.testing.assert_close(total, expected, rtol=1e-5, atol=0)
    pairs = zip((single[0], *found), (by_features, *by_weights), strict=True)
    for gradient, exact in pairs:
        largest = float(exact.abs().max())
        torch.testing.assert_close(gradient.double(), exact, rtol=1e-4, atol=1e-5 * largest)


def test_draw_is_the_synthesis() -> None:
    features, _, weights = case()
    torch.testing.assert_close(draw(features, weights, STEP), colours(features, weights))


def test_the_error_is_that_of_what_is_drawn() -> None:
    features, wanted, weights = case()
    total, _, _ = distortion(features, wanted, weights, STEP, SCALE)
    shown = draw(features, weights, STEP).clamp(0, 255)
    torch.testing.assert_close(total, (shown - wanted).square().sum())


def test_arguments_are_left_alone() -> None:
    """Chunks are views of the fit's own tensors."""
    features, wanted, weights = case()
    before = [value.clone() for value in (features, wanted, *weights)]
    distortion(features, wanted, weights, STEP, SCALE)
    draw(features, weights, STEP)
    after = (features, wanted, *weights)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_chunks_add_up() -> None:
    features, wanted, weights = case()
    whole = distortion(features, wanted, weights, STEP, SCALE)
    parts = [
        distortion(features[:, part], wanted[:, part], weights, STEP, SCALE)
        for part in (slice(0, 77), slice(77, 400))
    ]
    torch.testing.assert_close(parts[0][0] + parts[1][0], whole[0])
    torch.testing.assert_close(torch.cat([part[1] for part in parts], 1), whole[1])
    for index, gradient in enumerate(whole[2]):
        torch.testing.assert_close(parts[0][2][index] + parts[1][2][index], gradient)


@pytest.mark.parametrize("places", [1, RUN, 2 * RUN, 3 * RUN + 17])
def test_sums_of_outer_products_are_those_of_a_matrix_product(places: int) -> None:
    generator = torch.Generator().manual_seed(places)
    left = torch.randn(2, 3, places, generator=generator, dtype=torch.float64)
    right = torch.randn(2, 5, places, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(outer(left, right), left @ right.mT)
    torch.testing.assert_close(outer(left[0], right[0]), left[0] @ right[0].T)

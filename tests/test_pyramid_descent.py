"""Latents and weights that are moved by one after a fit: costs are the file's own, and fall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from imcodec.pyramid import descent, latent_moves
from imcodec.pyramid.descent import Turn, descend, plan
from imcodec.pyramid.exact_cost import ExactCost
from imcodec.pyramid.exact_rate import UNCODABLE
from imcodec.pyramid.filters import FILTER_UNIT
from imcodec.pyramid.finish import Coded, code
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.fitted import Fitted
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.goal import Aim, Found, Goal, decibels
from imcodec.pyramid.latent_moves import LatentMoves
from imcodec.pyramid.model import BIAS_UNIT, CONTEXT_UNIT, SYNTHESIS_UNIT
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.synthesis_rounding import SYNTHESIS, least, quadratic, round_together
from imcodec.pyramid.walk import encode_latents
from imcodec.pyramid.weight_moves import candidates, move_weights
from pictures import scene
from pyramids import TABLE

GEOMETRIES = [
    pytest.param(choose_geometry(37, 53), 3, id="usual"),
    pytest.param(Geometry.derived(64, 80, 3, 2), 3, id="two strips"),
    pytest.param(Geometry.derived(97, 61, 3, 4), 1, id="four strips, grey"),
    pytest.param(Geometry.derived(61, 37, 2, 1, 2, 2), 3, id="pitch 2"),
    pytest.param(Geometry.derived(5, 90, 3, 1, 1), 3, id="rows that are not halved"),
    pytest.param(Geometry.derived(1, 40, 2, 1, 1), 1, id="one row"),
    pytest.param(Geometry.derived(3, 2, 1, 1), 3, id="tiny"),
]


def finished(
    geometry: Geometry, channels: int = 3, threads: int = 1, **changes: Any
) -> tuple[Fit, Fitted, Coded]:
    """A short fit and its code; the fit's networks are whole."""
    pixels = scene(geometry.width, geometry.height, channels)
    recipe = Recipe(**{"lmbda": 4e-4, "steps": 12, "filters": 4, "units": 9} | changes)
    fit = Fit(pixels, geometry, recipe, torch.device("cpu"), threads)
    fitted = fit.run()
    coded = code(fit, fitted)
    fit.adopt(replace(fitted, context=coded.context, planes=coded.planes))
    return fit, fitted, coded


def floats(coded: Coded) -> list[np.ndarray]:
    return [plane.astype(np.float32) for plane in coded.planes]


@pytest.mark.parametrize(("geometry", "channels"), GEOMETRIES)
def test_the_cost_is_that_of_the_file(geometry: Geometry, channels: int) -> None:
    fit, _, coded = finished(geometry, channels)
    with ThreadPoolExecutor(2) as pool:
        cost = ExactCost(fit, pool)
        bits = cost.bits(floats(coded))
        errors = cost.errors(cost.features(floats(coded)))
    assert sum(each.sum(dtype=float) for each in bits.values()) == pytest.approx(
        coded.payload.ideal_bits, rel=1e-6
    )
    assert cost.distortion_of(errors) == pytest.approx(fit.mse_of(coded.planes), rel=1e-6)
    rate = fit.lmbda * coded.payload.ideal_bits / (geometry.height * geometry.width)
    assert cost.rate_of(bits.values()) == pytest.approx(rate, rel=1e-6)


def test_a_latent_outside_the_table_costs_more_than_anything() -> None:
    fit, _, coded = finished(choose_geometry(24, 40))
    planes = floats(coded)
    planes[-1][5, 7] = 127
    _, moved = encode_latents(
        coded.context, fit.geometry, TABLE, [plane.astype(np.int64) for plane in planes]
    )
    assert moved[-1][5, 7] < 127
    with ThreadPoolExecutor(1) as pool:
        assert ExactCost(fit, pool).bits(planes)[fit.geometry.levels][5, 7] == UNCODABLE


@pytest.mark.parametrize(("geometry", "channels"), GEOMETRIES)
def test_no_move_reaches_out_of_its_block(geometry: Geometry, channels: int) -> None:
    """Or what it changes there would be missing in the sums."""
    fit, _, coded = finished(geometry, channels)
    with ThreadPoolExecutor(2) as pool:
        latents = LatentMoves(ExactCost(fit, pool), floats(coded), 0)
        before, moved = latents.total, 0
        for _ in range(40):
            moved += latents.round()
            assert latents.total <= before
            before = latents.total
        bits, errors = dict(latents.bits), latents.errors
        latents.measure()
    if min(geometry.height, geometry.width) > 16:
        assert moved > 0
    for level, found in bits.items():
        assert np.array_equal(found, latents.bits[level])
    assert np.array_equal(errors, latents.errors)


def test_each_move_is_tried_once_until_a_neighbour_moves() -> None:
    plane, tried = np.zeros((16, 32), np.float32), np.zeros((16, 32), np.uint8)
    gradient = np.ones((16, 32), np.float32)
    inside = (
        latent_moves.LAST_ROW - latent_moves.FIRST_ROW + 1,
        latent_moves.LAST_COLUMN - latent_moves.FIRST_COLUMN + 1,
    )
    for _ in range(inside[0] * inside[1] + 3):
        latent_moves._move(plane, gradient, tried, 0, 0, 16, -1)
    assert sorted(set(plane.ravel())) == [-1, 0]
    assert (plane == -1).sum() == 4 * inside[0] * inside[1]
    edges = np.array([0, 8, 16]), np.array([0, 16, 32])
    new = plane.copy()
    new[3, 6] = 5
    latent_moves._forget(tried, new, plane, *edges)
    assert (tried[:8, :16] == 0).sum() == 8 * 16 - 1
    assert tried[3, 6] == 3
    assert (tried[8:] == 2).sum() == 2 * inside[0] * inside[1]


def test_latents_stay_within_a_byte() -> None:
    plane = np.full((8, 16), -127, np.float32)
    latent_moves._move(plane, np.ones_like(plane), np.zeros(plane.shape, np.uint8), 0, 0, 8, -1)
    assert (plane == -127).all()


def test_weights_that_help_are_moved() -> None:
    fit, _, coded = finished(choose_geometry(37, 53))
    before = [each.clone() for each in fit.whole]
    with ThreadPoolExecutor(1) as pool:
        latents = LatentMoves(ExactCost(fit, pool), floats(coded), 0)
        total = latents.total
        moved = move_weights(ExactCost(fit, pool), latents, 300)
    assert moved > 0
    assert latents.total < total
    changes = [abs(now - then) for now, then in zip(fit.whole, before, strict=True)]
    assert sum(float(each.sum()) for each in changes) == moved
    assert max(float(each.max()) for each in changes) == 1
    # what is left is a file's networks, of which the same is found again
    payload, planes = encode_latents(fit.network.context(), fit.geometry, TABLE, coded.planes)
    bits = sum(float(each.sum(dtype=float)) for each in latents.bits.values())
    assert payload.ideal_bits == pytest.approx(bits, rel=1e-6)
    assert all(np.array_equal(a, b) for a, b in zip(planes, coded.planes, strict=True))


def test_candidates_go_down_the_steepest_slope_first() -> None:
    first, inner = torch.tensor([[0.0, 127.0], [5.0, -127.0]]), torch.tensor([[3.0, 127.0]])
    outer, biases = torch.tensor([4.0]), torch.tensor([0.0, -127.0])
    weights = [first, inner, outer, biases, *[torch.tensor([1.0])] * 4]
    gradients = [torch.tensor([[1.0, -9.0], [-4.0, 8.0]]), torch.tensor([[0.0, -1.0]])]
    gradients += [torch.tensor([2.0]), torch.tensor([-3.0, 7.0]), *[torch.tensor([99.0])] * 4]
    # the first layer last, those of the synthesis not at all
    assert list(candidates(weights, gradients)) == [(3, 0, 1), (2, 0, -1), (0, 2, 1), (0, 0, -1)]


@pytest.mark.parametrize(("geometry", "channels"), GEOMETRIES)
def test_the_synthesis_is_rounded_together(geometry: Geometry, channels: int) -> None:
    fit, _, coded = finished(geometry, channels)
    with ThreadPoolExecutor(2) as pool:
        latents = LatentMoves(ExactCost(fit, pool), floats(coded), 0)
        before, bits = latents.total, dict(latents.bits)
        weights = [each.clone() for each in fit.whole]
        changed = round_together(ExactCost(fit, pool), latents)
        after = latents.total
        latents.measure()
    assert latents.total == after
    assert (after < before) == (changed > 0)
    differ = [int((a != b).sum()) for a, b in zip(weights, fit.whole, strict=True)]
    assert changed == sum(differ[SYNTHESIS])
    assert not any(differ[:4])
    assert all(np.array_equal(bits[level], latents.bits[level]) for level in bits)
    if min(geometry.height, geometry.width) > 16:
        assert changed


def test_the_quadratic_form_foretells_small_changes() -> None:
    fit, _, coded = finished(choose_geometry(64, 80), steps=60)
    rng = np.random.default_rng(0)
    with ThreadPoolExecutor(2) as pool:
        cost = ExactCost(fit, pool)
        before = cost.mse(floats(coded))
        gradient, matrix = quadratic(cost, floats(coded))
        sizes = [each.numel() for each in fit.whole[SYNTHESIS]]
        for number in range(4):
            change = np.zeros(len(gradient))
            part = slice(sum(sizes[:number]), sum(sizes[: number + 1]))
            change[part] = rng.choice([-0.05, 0.05], sizes[number])  # small, so that it is linear
            moved = torch.from_numpy(change).float().split(sizes)
            for each, by in zip(fit.whole[SYNTHESIS], moved, strict=True):
                each += by.view(each.shape)
            found = cost.mse(floats(coded)) - before
            for each, by in zip(fit.whole[SYNTHESIS], moved, strict=True):
                each -= by.view(each.shape)
            foretold = gradient @ change + change @ matrix @ change / 2
            assert found == pytest.approx(foretold, rel=0.05, abs=1e-9)


def test_no_one_or_two_steps_are_better_than_the_least() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 2, 12):
        root = rng.normal(size=(size, size))
        matrix, gradient = root @ root.T, rng.normal(size=size) * 9
        low, high = np.full(size, -2.0), np.full(size, 5.0)
        d = least(gradient, matrix, low, high)
        assert np.array_equal(d, np.rint(d))
        assert (low <= d).all()
        assert (d <= high).all()
        value = gradient @ d + d @ matrix @ d / 2
        steps = [np.eye(size)[i] * s for i in range(size) for s in (-1, 0, 1)]
        for first in steps:
            for second in steps:
                other = d + first + second
                if (low <= other).all() and (other <= high).all() and abs(other - d).max() <= 1:
                    assert gradient @ other + other @ matrix @ other / 2 >= value - 1e-9


def test_gradients_are_those_of_the_loss() -> None:
    """By whole weights they are what free weights of the same value get."""
    fit, fitted, coded = finished(choose_geometry(24, 40))
    flat = torch.cat([torch.from_numpy(plane).flatten() for plane in floats(coded)])
    with ThreadPoolExecutor(1) as pool:
        by_latents, by_weights = fit.gradients(flat, pool)
        by_latents = by_latents.clone()
        free = Fit(
            scene(40, 24), fit.geometry, fit.recipe, torch.device("cpu")
        )  # nothing has settled
        parts = [*free.network.weights, free.network.biases]
        parts += [free.synthesis.first, free.synthesis.threshold, free.synthesis.second]
        parts += [free.filters.weights]
        units = [CONTEXT_UNIT] * 3 + [BIAS_UNIT] + [SYNTHESIS_UNIT] * 3 + [FILTER_UNIT]
        for parameter, whole, unit in zip(parts, fit.whole, units, strict=True):
            parameter.data.copy_(whole / unit)
        free.backward(flat, pool)
    assert torch.allclose(free.latents.gradient, by_latents, rtol=1e-4, atol=1e-9)
    for parameter, found, unit in zip(parts, by_weights, units, strict=True):
        assert parameter.grad is not None
        expected = parameter.grad / unit
        assert torch.allclose(expected, found, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    assert fitted.context.size == sum(each.numel() for each in fit.whole[:4])


@pytest.mark.parametrize(("geometry", "channels"), GEOMETRIES)
def test_descent_ends_with_a_cheaper_file(geometry: Geometry, channels: int) -> None:
    fit, fitted, coded = finished(geometry, channels)
    found, again = descend(fit, fitted, coded, [Turn(12, True, 60), Turn(4)])
    assert again.cost < coded.cost
    payload, planes = encode_latents(again.context, geometry, TABLE, again.planes)
    assert payload.ideal_bits == pytest.approx(again.payload.ideal_bits)
    assert all(np.array_equal(a, b) for a, b in zip(planes, found.planes, strict=True))
    fit.recall(found)
    rate = fit.lmbda * payload.ideal_bits / (geometry.height * geometry.width)
    # colours of 8 bits or not: a small difference
    assert fit.mse_of(planes) + rate == pytest.approx(again.cost, rel=0.05)


def size_of(fitted: Fitted, coded: Coded) -> int:
    return round(2000 + coded.payload.ideal_bits / 8)


def file_of(fit: Fit, fitted: Fitted, coded: Coded) -> Found:
    fit.recall(fitted)
    return Found(size_of(fitted, coded), decibels(fit.mse_of(coded.planes)))


def on_the_way(
    goal_of: Callable[[Found], Goal], turns: Sequence[Turn]
) -> tuple[Fit, Goal, Found, Found]:
    """A fit, a goal, and the file before and after a descent to it."""
    fit, fitted, coded = finished(choose_geometry(64, 80), steps=40)
    before = file_of(fit, fitted, coded)
    goal = goal_of(before)
    found, again = descend(fit, fitted, coded, turns, aim=Aim(goal, size_of))
    return fit, goal, before, file_of(fit, found, again)


@pytest.mark.parametrize("more", [4, 20, -6])
def test_a_descent_keeps_to_a_size(more: int) -> None:
    turns = [Turn(20, tries=60), Turn(10)]
    fit, goal, before, after = on_the_way(lambda file: Goal("size", file.size + more), turns)
    assert goal.safe(after)
    assert after.psnr > before.psnr
    assert fit.lmbda == fit.recipe.lmbda


@pytest.mark.parametrize("more", [0.06, 0.0, -0.05])
def test_a_descent_keeps_to_a_quality(more: float) -> None:
    turns = [Turn(20, tries=60), Turn(10)]
    _, goal, before, after = on_the_way(lambda file: Goal("psnr", file.psnr + more), turns)
    assert goal.safe(after)
    assert more > 0 or after.size < before.size


def test_a_goal_out_of_reach_is_approached() -> None:
    _, goal, before, after = on_the_way(lambda file: Goal("size", file.size // 2), [Turn(20)])
    assert goal.value < after.size < before.size


def test_threads_change_nothing() -> None:
    results = []
    for threads in (1, 3):
        fit, fitted, coded = finished(Geometry.derived(64, 80, 3, 2), threads=threads)
        found, again = descend(fit, fitted, coded, [Turn(9, True, 40), Turn(3, tries=20)])
        results.append((found, again))
    (one, first), (other, second) = results
    assert np.array_equal(first.payload.words, second.payload.words)
    assert np.array_equal(one.synthesis, other.synthesis)
    assert np.array_equal(one.filters, other.filters)
    assert (one.mse, one.bpp, first.cost) == (other.mse, other.bpp, second.cost)


def test_it_ends_when_told() -> None:
    fit, fitted, coded = finished(choose_geometry(37, 53))
    assert descend(fit, fitted, coded, [Turn(5, tries=5)], lambda share, ahead: False) == (
        fitted,
        coded,
    )
    shares: list[float] = []

    def some(share: float, ahead: float) -> bool:
        shares.append(share)
        return len(shares) < 8

    descend(fit, fitted, coded, [Turn(4, tries=30), Turn(4)], some)
    assert len(shares) in (8, 9)
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] < 1


def test_what_costs_more_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when sums of the networks that were found are no longer exact, and these are halved."""
    fit, fitted, coded = finished(choose_geometry(24, 40))
    spoilt = replace(coded, cost=10.0)
    monkeypatch.setattr(descent, "code", lambda *_: spoilt)
    assert descend(fit, fitted, coded, [Turn(6, tries=20)]) == (fitted, coded)


@pytest.mark.parametrize("steps", [1, 4, 150, 300, 700, 1999, 2000, 3000, 20_000, 10**6])
def test_what_is_planned_is_in_proportion(steps: int) -> None:
    turns = plan(steps, 3000)
    assert sum(turn.tries for turn in turns) == (0 if steps < 2000 else min(steps // 4, 12_000))
    assert all(turn.tries <= 1500 for turn in turns)
    assert any(turn.together for turn in turns) == (steps >= 1500)
    assert sum(turn.steps for turn in turns) <= 0.25 * steps
    if steps >= 150:
        assert turns[0].rounds >= 30
    if steps >= 1500:
        # the synthesis and the weights have changed what latents cost
        assert turns[-1].rounds > 0
        assert not turns[-1].tries

"""The fitting loop: its gradients as a whole, what it keeps, and when it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from imcodec.pyramid import fit as module
from imcodec.pyramid import rate_kernel
from imcodec.pyramid.filters import filtered
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.fitted import Fitted, Loss, Report
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.rate import Layers
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.table import Table
from imcodec.pyramid.walk import encode_latents
from pictures import scene
from rates import Seen, assert_close, reference

CPU = torch.device("cpu")
STEP = Table().step
#: small networks, and few steps
QUICK = {"lmbda": 4e-4, "steps": 6, "filters": 4, "units": 9}


def made(
    pixels: np.ndarray, geometry: Geometry | None = None, threads: int = 1, **recipe: Any
) -> Fit:
    height, width, _ = pixels.shape
    geometry = geometry or choose_geometry(height, width)
    return Fit(pixels, geometry, Recipe(**QUICK | recipe), CPU, threads)


def fitted(pixels: np.ndarray, geometry: Geometry | None = None, **changes: Any) -> Fitted:
    return made(pixels, geometry, **changes).run()


def same(one: Fitted, other: Fitted) -> bool:
    """Whether every integer and every number is equal."""
    pairs = [
        *zip(one.planes, other.planes, strict=True),
        *zip(one.context.stored, other.context.stored, strict=True),
        (one.synthesis, other.synthesis),
        (one.filters, other.filters),
    ]
    numbers = (one.mse, one.bpp, one.cost) == (other.mse, other.bpp, other.cost)
    return numbers and all(np.array_equal(a, b) for a, b in pairs)


def drawn_mse(found: Fitted, fit: Fit, pixels: np.ndarray) -> float:
    """Mean squared error, colours in 0 .. 1, of the integers that a fit hands back."""
    features = torch.stack(
        [
            at.forward(torch.from_numpy(filtered(plane.astype(np.int8), weights))).flatten()
            for at, plane, weights in zip(
                fit.interpolations, found.planes, found.filters, strict=True
            )
        ]
    ).double()
    weights = torch.from_numpy(found.synthesis[:, :, 0, 0].astype(float))
    levels = fit.geometry.levels
    first, threshold, second = weights[:levels], weights[levels], weights[levels + 1 :]
    hidden = torch.maximum(first.T @ features * STEP / 64, threshold[:, None] / 64)
    colours = (second @ hidden).clamp(0, 255).T.reshape(pixels.shape).numpy()
    return float(np.square(colours - pixels).mean() / 255**2)


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(Geometry.derived(37, 53, 3, 4), id="four strips"),
        pytest.param(Geometry.derived(37, 53, 2, 1, 2, 2), id="pitch 2"),
        pytest.param(Geometry.derived(5, 60, 2, 2, 1), id="row factor 1"),
    ],
)
def test_gradients_of_the_whole_loss(geometry: Geometry, monkeypatch: pytest.MonkeyPatch) -> None:
    """mse + lambda * bits per pixel, by automatic differentiation of the definitions."""
    monkeypatch.setattr(module, "CHUNK", 500)  # several pieces of everything
    pixels = scene(geometry.width, geometry.height)
    fit = made(pixels, geometry, lmbda=0.01, prior=False)
    with torch.no_grad():  # at the start most units of the synthesis say nothing
        for parameter in fit.synthesis.parameters():
            generator = torch.Generator().manual_seed(1)
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
        fit.filters.weights += 0.2 * torch.randn(geometry.levels, 3, 3, generator=generator)
    # multiples of 1/16, which networks in float32 add without error
    value = (fit.value(0.5, hard=False)[0] * 16).round() / 16
    fit.latents.gradient.fill_(7)  # is replaced
    with ThreadPoolExecutor(2) as pool:
        mse, _, bpp = fit.backward(value, pool)
    parts = (fit.network, fit.synthesis, fit.filters)
    parameters = [parameter for part in parts for parameter in part.parameters()]
    found = [p.grad.clone() for p in parameters if p.grad is not None]
    for part in parts:
        part.zero_grad()

    latents = value.clone().requires_grad_()
    planes = fit.latents.planes(latents)
    # bilinear interpolation is linear: its gradient by automatic differentiation
    convolve = torch.nn.functional.conv2d
    smooth = [
        convolve(plane[None, None], weights[None, None], padding=1)[0, 0]
        for plane, weights in zip(planes, fit.filters.values(), strict=True)
    ]
    pairs = zip(fit.interpolations, smooth, strict=True)
    features = torch.stack([Bilinear.apply(plane, at).flatten() for at, plane in pairs])
    first, threshold, second = fit.synthesis.values()
    colours = second @ torch.maximum(first @ features * (STEP / 64), threshold / 64)
    colours = colours + (colours.clamp(0, 255) - colours).detach()
    expected_mse = (colours - fit.colours).square().mean() / 255**2
    stacks = [stack.double() for stack in fit.latents.stacks(latents)]
    layers = Layers(*(each.double() for each in fit.network.layers()))
    nats = reference(stacks, geometry, layers, Seen()).sum()
    expected_bpp = nats / math.log(2) / (geometry.height * geometry.width)
    (expected_mse + 0.01 * expected_bpp).backward()

    assert mse == pytest.approx(expected_mse.item(), rel=1e-4)
    assert bpp == pytest.approx(expected_bpp.item(), rel=1e-4)
    expected = [p.grad for p in parameters]
    assert_close([fit.latents.gradient, *found], [latents.grad, *expected], 2e-3)


class Bilinear(torch.autograd.Function):
    """Interpolation with the gradient that its own tests hold to be right."""

    @staticmethod
    def forward(ctx: Any, plane: torch.Tensor, at: Any) -> torch.Tensor:
        ctx.at = at
        return at.forward(plane)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.at.adjoint(grad), None


def test_one_seed_one_result() -> None:
    pixels = scene(37, 53)
    one = fitted(pixels)
    assert same(one, fitted(pixels))
    assert not same(one, fitted(pixels, seed=1))


def everything(fit: Fit) -> list[torch.Tensor]:
    """All numbers that a fit holds, before they are rounded: the slightest change is seen."""
    return [
        fit.latents.stored,
        fit.latents.gradient,
        *fit.network.state_dict().values(),
        *fit.synthesis.state_dict().values(),
        *fit.filters.state_dict().values(),
    ]


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(Geometry.derived(80, 53, 4, 1), id="one strip"),
        pytest.param(Geometry.derived(80, 53, 4, 5), id="five strips"),
        pytest.param(Geometry.derived(5, 600, 2, 1, 1), id="five rows"),
    ],
)
def test_threads_change_nothing(geometry: Geometry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one bit: sums are made in a fixed order, however long each piece takes."""
    monkeypatch.setattr(module, "CHUNK", 400)
    pixels = scene(geometry.width, geometry.height)
    calls: dict[str, int] = {}

    def uneven(place: object, name: str) -> None:
        work = getattr(place, name)

        def late(*arguments: Any) -> Any:
            calls[name] = calls.get(name, 0) + 1
            time.sleep(0.002 * (calls[name] % 2))
            return work(*arguments)

        monkeypatch.setattr(place, name, late)

    fits = [made(pixels, geometry, threads=count) for count in (1, 2, 3)]
    one = fits[0].run()
    uneven(module, "distortion_in_place")
    uneven(rate_kernel, "_band")
    for other in fits[1:]:
        assert same(one, other.run())
        for a, b in zip(everything(fits[0]), everything(other), strict=True):
            assert torch.equal(a, b)
    assert min(calls["distortion_in_place"], calls["_band"]) > 20


def reports_of(fit: Fit, **arguments: Any) -> tuple[Fitted, list[Report]]:
    seen: list[Report] = []
    return fit.run(seen.append, **arguments), seen


def test_weights_that_decay_become_smaller() -> None:
    def size(decay: float) -> float:
        context = fitted(scene(40, 48), steps=40, decay=decay).context
        weights = context.first, context.later
        return sum(float(np.square(each.astype(float)).sum()) for each in weights)

    assert size(10.0) < 0.5 * size(0.0)


def test_the_cost_falls_and_the_best_state_is_kept() -> None:
    pixels = scene(37, 53)
    fit = made(pixels, steps=60)
    found, seen = reports_of(fit)
    assert [report.step for report in seen] == list(range(61))
    assert [report.share for report in seen] == [step / 60 for step in range(61)]
    hard = [report for report in seen if report.hard]
    assert [report.step for report in hard] == [57, 58, 59, 60]
    best = min(hard, key=lambda report: report.cost)
    assert (found.mse, found.bpp, found.cost) == (best.mse, best.bpp, best.cost)
    assert found.cost == found.mse + fit.recipe.lmbda * found.bpp
    assert found.cost < seen[0].cost / 2
    assert all(math.isfinite(report.cost) for report in seen)


def test_filters_and_synthesis_may_settle_before_the_context_networks() -> None:
    early = {"filters_settle": (0.2, 0.4), "synthesis_settles": (0.2, 0.6)}
    fit = made(scene(37, 53), steps=60, **early)
    parts = {"filters": fit.filters, "synthesis": fit.synthesis, "contexts": fit.network}
    seen: dict[str, list[float]] = {name: [] for name in parts}

    def whole(report: Report) -> None:
        for name, part in parts.items():
            values = torch.cat([value.flatten() for value in part.settling.values()])
            seen[name].append(float((values == values.round()).float().mean()))

    fit.run(whole)
    for name, begin, end in (("filters", 12, 24), ("synthesis", 12, 36), ("contexts", 51, 57)):
        shares = seen[name]
        assert max(shares[begin // 2 : begin]) < shares[(begin + end) // 2] < 1, name
        assert set(shares[end:]) == {1.0}, name


def test_an_earlier_state_can_be_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """A last step that spoils the picture: what was there before it is handed back."""
    pixels = scene(37, 53)
    fit = made(pixels, steps=20, hard_at=0.5)
    backward, calls = fit.backward, iter(range(21))

    def worse_at_last(value: torch.Tensor, pool: ThreadPoolExecutor) -> Loss:
        loss = backward(value, pool)
        return loss._replace(distortion=loss.distortion + (next(calls) == 20))

    monkeypatch.setattr(fit, "backward", worse_at_last)
    found, seen = reports_of(fit)
    costs = [report.cost for report in seen if report.hard]
    assert found.cost == min(costs)
    assert costs.index(min(costs)) < len(costs) - 1
    assert found.mse == pytest.approx(drawn_mse(found, fit, pixels), rel=1e-4)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (40, 1), (1, 40), (53, 37)])
def test_costs_are_those_of_what_is_handed_back(size: tuple[int, int], channels: int) -> None:
    pixels = scene(*size, channels)
    fit = made(pixels)
    found = fit.run()
    geometry = fit.geometry
    assert [plane.shape for plane in found.planes] == [
        geometry.plane(level) for level in range(1, geometry.levels + 1)
    ]
    assert all(plane.dtype == np.int64 for plane in found.planes)
    assert max(np.abs(plane).max() for plane in found.planes) <= 127
    assert found.synthesis.shape == (geometry.levels + 1 + channels, 9, 1, 1)
    assert found.synthesis.dtype == np.int8
    assert found.filters.shape == (geometry.levels, 3, 3)
    assert found.mse == pytest.approx(drawn_mse(found, fit, pixels), rel=1e-4)
    payload, coded = encode_latents(found.context, geometry, Table(), found.planes)
    if all(np.array_equal(a, b) for a, b in zip(coded, found.planes, strict=True)):
        pixel_count = size[0] * size[1]
        assert found.bpp == pytest.approx(payload.ideal_bits / pixel_count, rel=0.03, abs=0.01)


def test_the_picture_is_that_of_the_latents() -> None:
    pixels = scene(37, 53)
    fit = made(pixels)
    before = fit.latents.stored.clone()
    shown = fit.picture()
    assert (shown.shape, shown.dtype) == (pixels.shape, np.uint8)
    assert torch.equal(fit.latents.stored, before)
    with ThreadPoolExecutor(1) as pool:
        mse = fit.backward(fit.latents.rounded(), pool).mse
    error = np.square(shown.astype(float) - pixels).mean() / 255**2
    assert error == pytest.approx(mse, rel=0.02)  # the one is rounded to 8 bits


def test_a_time_limit_ends_it() -> None:
    begin = time.monotonic()
    found, seen = reports_of(made(scene(37, 53), steps=10**6, seconds=0.4))
    assert time.monotonic() - begin < 10
    assert 1 <= seen[-1].step < 10**6
    assert seen[-1].hard
    assert seen[-1].share >= 1
    # the schedule is that of the time: latents are soft at first, and the rates fall
    assert not seen[0].hard
    assert found.cost == min(report.cost for report in seen if report.hard)


def test_no_time_at_all() -> None:
    found, seen = reports_of(made(scene(9, 9), steps=10**6, seconds=1e-3))
    assert seen[-1].step <= 2
    assert found.cost == seen[-1].cost


@pytest.mark.parametrize("after", [0, 1, 4])
def test_an_interruption_ends_with_a_true_cost(after: int) -> None:
    pixels = scene(37, 53)
    fit = made(pixels, steps=100)
    asked: Callable[[], bool] = iter([False] * after + [True] * 9).__next__
    found, seen = reports_of(fit, interrupted=asked)
    assert [report.step for report in seen] == list(range(after + 1))
    assert [report.hard for report in seen] == [False] * after + [True]
    assert found.cost == seen[-1].cost
    assert found.mse == pytest.approx(drawn_mse(found, fit, pixels), rel=1e-4)


def test_without_the_prior_networks_start_at_random() -> None:
    pixels = scene(20, 20)
    recipe = {"filters": 8}
    trained, fresh = made(pixels, **recipe), made(pixels, **recipe, prior=False)
    other = made(pixels, **recipe, prior=False, seed=1)
    weights = [fit.network.weights[0] for fit in (trained, fresh, other)]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])
    assert torch.equal(weights[0], made(pixels, **recipe, seed=1).network.weights[0])

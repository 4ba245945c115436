"""The hand-written rate and its gradients, against automatic differentiation of the definition."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.model import ContextNetwork
from imcodec.pyramid.rate import BEYOND, Layers, Pass
from imcodec.pyramid.rate_kernel import CompiledPass
from imcodec.pyramid.walk import encode_latents
from pyramids import random_latents
from rates import LAW, TABLE, Seen, assert_close, detached, reference

SCALE = 0.37
GEOMETRIES = [
    pytest.param(choose_geometry(40, 64), id="40x64"),
    pytest.param(Geometry.derived(64, 48, 3, 4), id="four strips"),
    pytest.param(Geometry.derived(7, 50, 2, 3, 1), id="row factor 1"),
    pytest.param(choose_geometry(1, 33), id="1x33"),
    pytest.param(Geometry.derived(5, 6, 1, 1), id="one level"),
    pytest.param(Geometry.derived(40, 30, 2, 2, 2, 2), id="pitch 2"),
]


def network(wild: float = 0.0, seed: int = 0, levels: int = 6, filters: int = 5) -> ContextNetwork:
    """A random network; a wild one leaves the table, and the range of its widths."""
    made = ContextNetwork(filters, levels, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        made.biases += torch.randn(made.biases.shape, generator=generator)
        if wild:
            made.outer.copy_(torch.randn(made.outer.shape, generator=generator) * 0.4 * wild)
            made.first.mul_(2)
    made.settling.advance(1.0)  # sums of real numbers depend on their order
    return made


def planes_of(geometry: Geometry, grain: int = 1, seed: int = 0) -> list[Tensor]:
    """Multiples of 1 / grain, which float32 adds without error."""
    generator = torch.Generator().manual_seed(seed)
    return [
        (torch.randn(geometry.strips, geometry.rows(k), geometry.columns(k), generator=generator))
        .mul_(2 * grain)
        .round_()
        .div_(grain)
        for k in range(1, geometry.levels + 1)
    ]


def written(
    geometry: Geometry, layers: Layers, planes: Sequence[Tensor], block: int
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """(nats, gradients of planes, gradients of parameters) by the code under test."""
    work = Pass(geometry, layers, LAW, SCALE, block)
    grads = [torch.zeros_like(plane) for plane in planes]
    with torch.no_grad():
        nats = torch.stack(work.run(planes, grads))
    return nats, grads, work.grads


def in_pieces(
    geometry: Geometry,
    layers: Layers,
    planes: Sequence[Tensor],
    piece: int,
    each: Callable[..., Iterable[Any]] = map,
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The same by the compiled pass, gradients of planes added to ones."""
    work = CompiledPass(geometry, layers, LAW, SCALE, piece)
    grads = [torch.ones_like(plane) for plane in planes]
    with torch.no_grad():
        nats = torch.stack(work.run(planes, grads, each))
    return nats, grads, work.grads


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(("wild", "grain"), [(0.0, 1), (1.0, 1), (0.05, 16)])
def test_nats_and_all_gradients(geometry: Geometry, wild: float, grain: int) -> None:
    layers = detached(network(wild).layers(), torch.float64)
    planes = [plane.double().requires_grad_() for plane in planes_of(geometry, grain)]
    for value in layers:
        value.requires_grad_()
    expected = reference(planes, geometry, layers, Seen())
    (expected.sum() * SCALE).backward()
    plain = [plane.detach() for plane in planes]
    nats, grads, network_grads = written(geometry, detached(layers, torch.float64), plain, 300)
    torch.testing.assert_close(nats, expected.detach())
    assert_close(grads, [plane.grad for plane in planes], 1e-7)
    assert_close(network_grads, [value.grad for value in layers], 1e-7)


def test_single_precision_is_enough() -> None:
    """Where the table is flat, sigmoids near 1 leave three digits."""
    geometry = choose_geometry(40, 64)
    layers = detached(network(1.0).layers())
    planes = planes_of(geometry)
    exact = [plane.double() for plane in planes]
    nats, grads, network_grads = written(geometry, layers, planes, 300)
    twice = written(geometry, detached(layers, torch.float64), exact, 300)
    torch.testing.assert_close(nats.double(), twice[0], rtol=1e-5, atol=1e-3)
    assert_close(grads, twice[1], 5e-3)
    assert_close(network_grads, twice[2], 1e-3)


@pytest.mark.parametrize(
    "geometry", [*GEOMETRIES, pytest.param(choose_geometry(24, 800), id="wide")]
)
@pytest.mark.parametrize(("wild", "grain"), [(0.0, 1), (1.0, 1), (0.05, 16)])
@pytest.mark.parametrize("filters", [1, 4, 7])
def test_the_compiled_pass_is_the_same(
    geometry: Geometry, wild: float, grain: int, filters: int
) -> None:
    made = network(wild, filters=filters)
    layers, planes = detached(made.layers()), planes_of(geometry, grain)
    exact = written(
        geometry, detached(made.layers(), torch.float64), [plane.double() for plane in planes], 300
    )
    nats, grads, network_grads = in_pieces(geometry, layers, planes, 300)
    torch.testing.assert_close(nats, exact[0], rtol=1e-5, atol=1e-3)
    assert_close([grad - 1 for grad in grads], exact[1], 5e-3)
    assert_close(network_grads, exact[2], 2e-3)


@pytest.mark.parametrize(
    "geometry", [*GEOMETRIES, pytest.param(Geometry.derived(53, 37, 3, 1), id="one strip")]
)
def test_pieces_change_nothing(geometry: Geometry) -> None:
    """Bands down to single rows, whose queues go back over several others."""
    layers, planes = detached(network(0.05).layers()), planes_of(geometry)
    nats, grads, network_grads = in_pieces(geometry, layers, planes, 10**9)
    for piece in (1, 77, 640):
        other, plane_grads, other_grads = in_pieces(geometry, layers, planes, piece)
        torch.testing.assert_close(other, nats, rtol=1e-12, atol=0)
        assert_close(plane_grads, grads, 1e-5)
        assert_close(other_grads, network_grads, 1e-5)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_whichever_piece_is_done_first(geometry: Geometry) -> None:
    """Not one bit depends on it."""

    def backwards(work: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
        return reversed([work(item) for item in reversed(items)])

    layers, planes = detached(network(0.05).layers()), planes_of(geometry, 16)
    one = in_pieces(geometry, layers, planes, 77)
    with ThreadPoolExecutor(5) as pool:
        for each in (backwards, pool.map):
            nats, grads, network_grads = in_pieces(geometry, layers, planes, 77, each)
            assert torch.equal(nats, one[0])
            for a, b in zip([*grads, *network_grads], [*one[1], *one[2]], strict=True):
                assert torch.equal(a, b)


def test_the_wild_network_goes_everywhere() -> None:
    """The test above is only worth something if clipped and lost symbols occur in it."""
    geometry = choose_geometry(40, 64)
    seen = Seen()
    layers = detached(network(1.0).layers(), torch.float64)
    reference([plane.double() for plane in planes_of(geometry)], geometry, layers, seen)
    means, widths = (torch.cat([part[i] for part in seen.outputs]) for i in range(2))
    first_seen, hidden = seen.all("first"), seen.all("hidden")
    first, last = (torch.cat([part[i] for part in seen.places]) for i in range(2))
    for happened in (
        means < -128,
        means > 127,
        widths < 1,
        widths > LAW.widest,
        first_seen < 0,
        first_seen > 0,
        hidden < 0,
        hidden > 0,
        first < 0,
        last > LAW.size - 1,
    ):
        assert happened.any()


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_size_of_a_block_changes_nothing(geometry: Geometry) -> None:
    layers, planes = detached(network(0.05).layers()), planes_of(geometry)
    nats, grads, network_grads = written(geometry, layers, planes, block=10**9)
    for block in (1, 77, 640):
        other, plane_grads, other_grads = written(geometry, layers, planes, block)
        torch.testing.assert_close(other, nats, rtol=1e-5, atol=1e-3)
        assert_close(plane_grads, grads, 1e-5)
        assert_close(other_grads, network_grads, 1e-5)


def test_strips_are_independent() -> None:
    """Groups of strips add up to the whole."""
    geometry = Geometry.derived(64, 48, 3, 4)
    layers, planes = detached(network(0.05).layers()), planes_of(geometry)
    nats, grads, network_grads = written(geometry, layers, planes, 300)
    parts = [
        written(geometry, layers, [plane[part] for plane in planes], 300)
        for part in (slice(0, 1), slice(1, 4))
    ]
    nats_parts, plane_parts, network_parts = zip(*parts, strict=True)
    torch.testing.assert_close(sum(nats_parts), nats)
    assert_close([torch.cat(pair) for pair in zip(*plane_parts, strict=True)], grads, 1e-5)
    assert_close([sum(pair) for pair in zip(*network_parts, strict=True)], network_grads, 1e-5)


def test_gradients_are_added_to_what_is_there() -> None:
    geometry = choose_geometry(20, 12)
    layers, planes = detached(network().layers()), planes_of(geometry)
    _, once, _ = written(geometry, layers, planes, 100)
    twice = [grad.clone() for grad in once]
    Pass(geometry, layers, LAW, SCALE, 100).run(planes, twice)
    assert_close(twice, [2 * grad for grad in once], 1e-5)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_rate_is_the_length_of_the_entropy_code(geometry: Geometry) -> None:
    """Also: what the fit computes is what the integer network says that the graph will run."""
    made = network(0.03)
    payload, coded = encode_latents(made.context(), geometry, TABLE, random_latents(geometry))
    stacks = [
        torch.from_numpy(plane).float().view(geometry.strips, -1, plane.shape[1]) for plane in coded
    ]
    nats, _, _ = written(geometry, detached(made.layers()), stacks, 300)
    bits = float(nats.sum()) / math.log(2)
    # the table's floor takes up to a slot of 16384 from a symbol, or gives it one
    assert bits == pytest.approx(payload.ideal_bits, rel=0.01)


def test_the_formula_is_the_table() -> None:
    """P(v) * M against the counts of slots, for every value of a few hundred distributions."""
    generator = np.random.default_rng(0)
    mean = generator.integers(-128, 128, 400)
    width = generator.integers(1, LAW.widest + 1, 400)
    edge = TABLE.edge(mean, width)
    value = generator.integers(-4, 5, 400)
    _, count = TABLE.frequencies(edge, width, value)
    last = edge - width * value
    inside = (last >= width) & (last < TABLE.size)
    assert 50 < inside.sum() < 400
    work = Pass(choose_geometry(4, 4), detached(network().layers()), LAW, 1.0, 100)
    for m, w, v, slots in zip(*(a[inside] for a in (mean, width, value, count)), strict=True):
        output = torch.tensor([m, w]).float().expand(2, 2).unsqueeze(2)
        nats, _, _ = work._code_length(output, torch.full((2, 1), float(v)), BEYOND)
        assert math.exp(-float(nats) / 2) * TABLE.total == pytest.approx(slots, abs=1.01)

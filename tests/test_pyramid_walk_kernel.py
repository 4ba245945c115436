"""The compiled walk and rANS coder against those in NumPy: every integer must be the same."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from imcodec.pyramid import walk, walk_kernel
from imcodec.pyramid.context import Context
from imcodec.pyramid.file import TABLE
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.rans import Payload, encode
from imcodec.pyramid.table import CodingError, Ints
from pyramids import random_context, random_latents


def assert_same(one: tuple[Payload, list[Ints]], other: tuple[Payload, list[Ints]]) -> None:
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    assert_same_payload(one[0], other[0])


def assert_same_payload(one: Payload, other: Payload) -> None:
    np.testing.assert_array_equal(one.words, other.words)
    np.testing.assert_array_equal(one.states, other.states)
    assert one.words.dtype == other.words.dtype
    assert other.ideal_bits == pytest.approx(one.ideal_bits, rel=1e-9)


@pytest.mark.parametrize("size", [(1, 1), (37, 53), (129, 5), (3, 70), (9, 1700)])
@pytest.mark.parametrize("filters", [1, 3, 8])
@pytest.mark.parametrize("scale", [1, 40])
def test_both_walks_give_the_same(size: tuple[int, int], filters: int, scale: int) -> None:
    """Also where values must be clamped: scaled by 40, most leave the table or a byte."""
    geometry, context = choose_geometry(*size), random_context(filters)
    latents = [scale * plane for plane in random_latents(geometry)]
    expected = walk.encode_latents(context, geometry, TABLE, latents)
    for threads in (1, 3):
        found = walk_kernel.encode_latents(context, geometry, TABLE, latents, threads)
        assert_same(expected, found)
    clamped = any((a != b).any() for a, b in zip(latents, expected[1], strict=True))
    assert clamped or scale == 1 or size == (1, 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("width", [1, 80])
def test_wild_networks_and_wild_latents(seed: int, width: int) -> None:
    """Sums, means and widths at the ends of their ranges, and values between empty slots."""
    random = np.random.default_rng(seed)
    geometry = Geometry.derived(40, 48, 3, 4, 2 - seed % 2)
    drawn = random_context(4, 3, seed, width)
    shapes = drawn.first.shape, drawn.later.shape, drawn.biases.shape
    first, later, biases = (random.integers(-63, 64, shape).astype(np.int8) for shape in shapes)
    later[:, 0] = 0  # the constant, and what the outputs make of it
    later[:, drawn.hidden :] = drawn.later[:, drawn.hidden :]
    context = Context(first // 2, later, biases)
    shapes = [geometry.plane(level) for level in range(1, geometry.levels + 1)]
    latents = [random.integers(-200, 201, shape) for shape in shapes]
    assert_same(
        walk.encode_latents(context, geometry, TABLE, latents),
        walk_kernel.encode_latents(context, geometry, TABLE, latents),
    )


def test_the_latents_are_left_alone() -> None:
    geometry = choose_geometry(24, 32)
    wild = [1000 * plane for plane in random_latents(geometry)]
    before = [plane.copy() for plane in wild]
    walk_kernel.encode_latents(random_context(), geometry, TABLE, wild)
    assert all((a == b).all() for a, b in zip(wild, before, strict=True))


def test_another_window_is_refused() -> None:
    shapes = ((2, 3, 8, 3), (2, 8, 6, 1), (5, 2, 6))
    context = Context(*(np.ones(shape, np.int8) for shape in shapes))
    geometry = choose_geometry(8, 8)
    with pytest.raises(ValueError, match="7 rows of 5 columns"):
        walk_kernel.encode_latents(context, geometry, TABLE, random_latents(geometry))


def test_sums_that_may_not_be_exact_are_refused() -> None:
    geometry = Geometry.derived(16, 16, 1, 1)
    planes = [np.full(geometry.plane(1), 127)]
    for first, filters, refused in ((4, 1, False), (127, 1, True), (4, 40, True)):
        context = random_context(filters, 1)
        context.first[:] = first
        context.later[:, : context.hidden] = 127
        context.later[:, context.hidden :] = 0
        context.biases[:] = 127
        with pytest.raises(CodingError, match="not exact") if refused else nullcontext():
            walk_kernel.encode_latents(context, geometry, TABLE, planes)


@pytest.mark.parametrize("lanes", [1, 7])
@pytest.mark.parametrize("largest", [1, 2, 16382])
def test_both_coders_give_the_same(lanes: int, largest: int) -> None:
    """The rarest symbols take a word each, sure ones hardly any."""
    random = np.random.default_rng(lanes)
    counts = random.integers(max(1, largest - 2), largest + 1, (90, lanes))
    lows = random.integers(0, TABLE.total - 1 - counts)
    slots = [values.astype(np.uint16).ravel() for values in (lows, counts)]
    found = walk_kernel.encode(slots[0], slots[1], lanes, TABLE.total)
    assert_same_payload(encode(lows, counts, TABLE.total), found)

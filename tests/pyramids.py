"""Pyramid files that the tests make up: random networks, random latents."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.context import PARENTS, Context
from imcodec.pyramid.file import TABLE, Stored, build
from imcodec.pyramid.filters import identity
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.header import QUEUE, TAPS, PyramidHeader
from imcodec.pyramid.table import MEAN_UNIT, Ints
from imcodec.pyramid.walk import encode_latents
from imcodec.pyramid.walk_kernel import encode


def random_context(filters: int = 3, levels: int = 6, seed: int = 0, width: int = 9) -> Context:
    """A random integer network whose widths are about `width` and vary from symbol to symbol."""
    random = np.random.default_rng(seed)

    def draw(spread: float, *shape: int) -> NDArray[np.int8]:
        return np.clip(np.rint(random.normal(0, spread, shape)), -127, 127).astype(np.int8)

    hidden = 2 * filters
    first = draw(9, 2, filters, QUEUE + PARENTS, TAPS)
    later = draw(20, 2, hidden + 2, hidden, 1)
    # the first unit is the constant that mean and width take their biases from
    later[:, 0] = 0
    later[:, hidden:] = 0
    later[:, hidden:, 0, 0] = MEAN_UNIT // 2, width
    later[:, hidden, 1 % hidden] += 6
    later[:, hidden, 2 % hidden] -= 4
    later[:, hidden + 1, 2 % hidden] += 4
    biases = draw(9, levels, 2, hidden)
    biases[:, :, 0] = 64 + np.arange(levels)[:, None] % 3
    return Context(first, later, biases)


def random_latents(geometry: Geometry, seed: int = 0, reach: int = 3) -> list[Ints]:
    """Independent Laplace values, finer levels smaller, clipped to +-reach."""
    random = np.random.default_rng(seed)
    spreads = np.geomspace(2.0, 0.3, geometry.levels)
    planes = (random.laplace(0, s, geometry.plane(k + 1)) for k, s in enumerate(spreads))
    return [np.clip(np.rint(plane), -reach, reach).astype(np.int64) for plane in planes]


def random_synthesis(shape: tuple[int, ...], levels: int, seed: int = 0) -> NDArray[np.int8]:
    """A synthesis whose unit 0 is constant: middle grey."""
    random = np.random.default_rng(seed)
    weights = np.clip(np.rint(random.normal(0, 20, shape)), -127, 127)
    weights[levels, 0] = 127
    weights[:levels, 0] = 0
    weights[levels + 1 :, 0] = 64
    return weights.astype(np.int8)


def made_pyramid(
    width: int = 53,
    height: int = 37,
    channels: int = 3,
    *,
    seed: int = 0,
    filters: int = 3,
    units: int = 5,
    levels: int = 6,
    pitch: int = 1,
    geometry: Geometry | None = None,
) -> tuple[PyramidHeader, Stored, list[Ints]]:
    """A header, what fits it, and the latents behind it as they were coded."""
    sizes = geometry or choose_geometry(height, width, levels, pitch)
    context = random_context(filters, sizes.levels, seed)
    payload, planes = encode_latents(context, sizes, TABLE, random_latents(sizes, seed))
    header = PyramidHeader.of(sizes, channels, filters=filters, units=units)
    header = replace(header, psnr=3012)
    synthesis = random_synthesis(header.synthesis_shape, header.levels, seed)
    stored = Stored(
        context.stored,
        synthesis,
        random_filters(sizes.levels, seed),
        payload.words,
        payload.states,
    )
    return header, stored, planes


def random_filters(levels: int, seed: int = 0) -> NDArray[np.int8]:
    """Filters that spread and shift a little, int8 [levels, 3, 3]."""
    generator = np.random.default_rng(seed + 77)
    return (identity(levels) + generator.integers(-12, 13, (levels, 3, 3))).astype(np.int8)


@cache
def made_pyramid_file(*arguments: int, **changes: int) -> bytes:
    """A valid file with random networks and latents; arguments as of made_pyramid()."""
    header, stored, _ = made_pyramid(*arguments, **changes)
    return build(header, stored)


def damaged_word(stored: Stored) -> Stored:
    """The same with one bit of one word flipped; its file has a valid checksum."""
    words = stored.words.copy()
    words[len(words) // 2] ^= 1
    return replace(stored, words=words)


def pixel_grid(height: int, width: int) -> NDArray[np.float32]:
    """Pixel centres, float32 [1, height, width, 2], x then y."""
    x, y = (2 * np.arange(width) + 1) / width - 1, (2 * np.arange(height) + 1) / height - 1
    return np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)


def reference_picture(
    header: PyramidHeader, stored: Stored, planes: list[Ints], grid: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """What a file shows at a grid [1, H', W', 2], computed in float64: uint8 [H', W', C]."""
    pairs = header.geometry.affine()
    scale, offset = (np.array([float(value) for value in pair]) for pair in pairs)
    places = grid[0] * scale + offset
    smooth = [_filtered(*pair) for pair in zip(planes, stored.filters, strict=True)]
    features = np.stack([_bilinear(plane, places) for plane in smooth]) * TABLE.step
    weights = stored.synthesis[:, :, 0, 0] / 64
    first, threshold, second = np.split(weights, [header.levels, header.levels + 1])
    hidden = np.maximum(np.einsum("lu,lhw->hwu", first, features), threshold[0])
    return np.clip(np.rint(64 * (hidden @ second.T)), 0, 255).astype(np.uint8)


def _filtered(plane: Ints, weights: NDArray[np.int8]) -> NDArray[np.float64]:
    """A plane through its filter, zeros outside, cell by cell."""
    found = np.zeros(plane.shape)
    height, width = plane.shape
    for y, x in np.ndindex(height, width):
        for i, j in np.ndindex(3, 3):
            if 0 <= y + i - 1 < height and 0 <= x + j - 1 < width:
                found[y, x] += weights[i, j] / 64 * plane[y + i - 1, x + j - 1]
    return found


def _bilinear(plane: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of a plane [H, W] at places [..., 2] in -1 .. 1, edges repeated."""
    height, width = plane.shape
    x = np.clip(((places[..., 0] + 1) * width - 1) / 2, 0, width - 1)
    y = np.clip(((places[..., 1] + 1) * height - 1) / 2, 0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x, y = x - left, y - top
    upper = plane[top, left] * (1 - x) + plane[top, right] * x
    lower = plane[bottom, left] * (1 - x) + plane[bottom, right] * x
    return np.asarray(upper * (1 - y) + lower * y)


def flat_pyramid(geometry: Geometry, bits: float = 0.0, filters: int = 3, units: int = 5) -> bytes:
    """A valid file of any size, in no time: all latents are 0, at about `bits` bits each.

    The context network says the same everywhere, so all lanes go through the same states.
    """
    mean, width = _distribution_of(bits)
    hidden = 2 * filters
    later = np.zeros((2, hidden + 2, hidden, 1), np.int8)
    later[:, hidden:, 0, 0] = mean, width
    biases = np.zeros((geometry.levels, 2, hidden), np.int8)
    biases[:, :, 0] = 64
    first = np.zeros((2, filters, QUEUE + PARENTS, TAPS), np.int8)
    low, count = _slots(mean, width)
    steps = geometry.symbols // geometry.lanes
    lane = encode(*(np.full(steps, n, np.uint16) for n in (low, count)), 1, TABLE.total)
    header = PyramidHeader.of(geometry, 3, filters=filters, units=units)
    stored = Stored(
        (first, later, biases),
        random_synthesis(header.synthesis_shape, header.levels),
        random_filters(header.levels),
        np.repeat(lane.words, geometry.lanes),
        np.repeat(lane.states, geometry.lanes),
    )
    return build(header, stored)


def _slots(mean: int, width: int) -> tuple[int, int]:
    """(low, count) of the value 0."""
    edge = TABLE.edge(np.array([mean]), np.array([width]))
    low, count = TABLE.frequencies(edge, np.array([width]), np.zeros(1, np.int64))
    return int(low[0]), int(count[0])


def _distribution_of(bits: float) -> tuple[int, int]:
    """The even (mean, width) with which a 0 takes about so many bits."""
    pairs = [(mean, width) for mean in range(-126, 127, 2) for width in range(2, 81, 2)]
    pairs = [pair for pair in pairs if _slots(*pair)[1] > 0]
    return min(pairs, key=lambda pair: abs(np.log2(TABLE.total / _slots(*pair)[1]) - bits))

"""Drawing tools of the demo picture: grids, colours, noise, blur, splines and tubes.

Everything is measured in scene units: the picture is 640 units wide and 480 high whatever the
number of pixels, so the drawing keeps its look at every size. Light is linear until the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[Any]
"""Planes and colours; the large ones are float32."""


@dataclass(frozen=True)
class Grid:
    """A raster over the scene: its corner in scene units, pixels per unit, and size in pixels."""

    x0: float
    y0: float
    scale: float
    width: int
    height: int

    @property
    def x(self) -> Array:
        """Scene x of the pixel centres, as one row."""
        return ((np.arange(self.width, dtype=np.float32) + 0.5) / self.scale + self.x0)[None, :]

    @property
    def y(self) -> Array:
        """Scene y of the pixel centres, as one column."""
        return ((np.arange(self.height, dtype=np.float32) + 0.5) / self.scale + self.y0)[:, None]

    def window(self, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
        """Rows and columns of the pixels inside a box given in scene units."""
        left, right = (int((x - self.x0) * self.scale) for x in (x0, x1))
        top, bottom = (int((y - self.y0) * self.scale) for y in (y0, y1))
        return (
            slice(max(top, 0), max(min(bottom + 2, self.height), 0)),
            slice(max(left, 0), max(min(right + 2, self.width), 0)),
        )


def rgb(code: str) -> Array:
    """Linear light of an sRGB colour written as six hex digits."""
    value = np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def to_srgb(light: Array) -> Array:
    """Encode linear light in 0..1 as sRGB in 0..1."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def smooth(low: float, high: float, x: Array) -> Array:
    """Smoothstep from 0 at `low` to 1 at `high` (which may be the smaller one)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a: Array, b: Array, t: Array | float) -> Array:
    """Blend colours `a` and `b` by the plane or number `t`."""
    amount = np.asarray(t, np.float32)[..., None]
    return a + (b - a) * amount


def over(under: Array, colour: Array, alpha: Array) -> None:
    """Paint `colour` (not yet multiplied by its coverage) on an RGBA layer in place."""
    a = alpha[..., None]
    under[..., :3] = under[..., :3] * (1 - a) + colour * a
    under[..., 3] = under[..., 3] * (1 - alpha) + alpha


def value_noise(x: Array, y: Array, seed: int) -> Array:
    """Value noise in -1..1 with one lattice point per unit; x and y broadcast."""
    lattice = np.random.default_rng(seed).uniform(-1, 1, (256, 256)).astype(np.float32)
    xi, yi = np.floor(x), np.floor(y)
    fx, fy = x - xi, y - yi
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    x0, y0 = xi.astype(np.int32) & 255, yi.astype(np.int32) & 255
    x1, y1 = (x0 + 1) & 255, (y0 + 1) & 255
    top = lattice[y0, x0] * (1 - fx) + lattice[y0, x1] * fx
    low = lattice[y1, x0] * (1 - fx) + lattice[y1, x1] * fx
    blend: Array = top * (1 - fy) + low * fy
    return blend


def fractal(x: Array, y: Array, seed: int, octaves: int = 4) -> Array:
    """Sum of octaves of value noise, about -1..1."""
    total: Array = np.asarray(0, np.float32)
    weight = 0.5
    for octave in range(octaves):
        # An odd ratio keeps the lattices from lining up into visible squares.
        zoom = 2.03**octave
        total = total + weight * value_noise(x * zoom + 17.3 * octave, y * zoom, seed + octave)
        weight *= 0.5
    return total


def _convolve(image: Array, kernel_of_distance: Array, pad: int) -> Array:
    planes = image[..., None] if image.ndim == 2 else image
    padded = np.pad(planes, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    shape = padded.shape[:2]
    kernel = np.zeros(shape, np.float32)
    size = kernel_of_distance.shape[0]
    kernel[:size, :size] = kernel_of_distance / kernel_of_distance.sum()
    kernel = np.roll(kernel, (-(size // 2), -(size // 2)), (0, 1))
    transfer = np.fft.rfft2(kernel)
    out = np.empty_like(padded)
    for c in range(planes.shape[2]):
        out[..., c] = np.fft.irfft2(np.fft.rfft2(padded[..., c]) * transfer, s=shape)
    out = out[pad:-pad, pad:-pad]
    return out[..., 0] if image.ndim == 2 else out


def gaussian(image: Array, sigma: float) -> Array:
    """Gaussian blur; sigma in pixels."""
    pad = max(int(3 * sigma) + 1, 1)
    d = np.arange(-pad, pad + 1, dtype=np.float32)
    bell = np.exp(-0.5 * (d / max(sigma, 1e-3)) ** 2)
    return _convolve(image, np.outer(bell, bell), pad)


def lens(image: Array, radius: float) -> Array:
    """Blur of an open lens: a soft-edged disc, a little brighter at its rim; radius in pixels."""
    pad = int(radius) + 2
    d = np.arange(-pad, pad + 1, dtype=np.float32)
    r = np.hypot(d[:, None], d[None, :])
    disc = np.clip(radius + 0.5 - r, 0, 1) * (1 + 0.35 * smooth(0.55, 1.0, r / radius))
    return _convolve(image, disc, pad)


def sample(image: Array, x: Array, y: Array) -> Array:
    """Bilinear look-up at pixel coordinates, clamped at the edges."""
    height, width = image.shape[:2]
    x = np.clip(x - 0.5, 0, width - 1.001)
    y = np.clip(y - 0.5, 0, height - 1.001)
    xi, yi = x.astype(np.int32), y.astype(np.int32)
    fx, fy = (x - xi)[..., None], (y - yi)[..., None]
    top = image[yi, xi] * (1 - fx) + image[yi, xi + 1] * fx
    low = image[yi + 1, xi] * (1 - fx) + image[yi + 1, xi + 1] * fx
    return top * (1 - fy) + low * fy


def spline(points: Sequence[Sequence[float]], closed: bool = False, steps: int = 10) -> Array:
    """Catmull-Rom curve through points of any dimension."""
    p = np.array(points, np.float32)
    if closed:
        p = np.concatenate([p[-1:], p, p[:2]])
    else:
        p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    pieces = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        pieces.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2)
            + 0.5 * (3 * b - a - 3 * c + d) * t**3
        )
    if not closed:
        pieces.append(p[-2:-1])
    return np.concatenate(pieces)


def fill(grid: Grid, outline: Array) -> Array:
    """Antialiased coverage of a polygon."""
    finer = 3
    mask = Image.new("L", (grid.width * finer, grid.height * finer))
    corner = np.array([grid.x0, grid.y0], np.float32)
    corners = (outline[:, :2] - corner) * grid.scale * finer
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in corners], fill=255)
    small = mask.resize((grid.width, grid.height), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def tube(
    grid: Grid, path: Array, soft: float = 0.0
) -> tuple[tuple[slice, slice], Array, Array, Array]:
    """Rasterise a tapering round stroke; `path` rows are x, y, radius.

    Gives the window it covers, and there: coverage, the way along (0..1), the way across (-1..1,
    positive on the right of the direction of travel as seen on the page).
    """
    reach = path[:, 2].max() + soft + 1
    low, high = path[:, :2].min(0) - reach, path[:, :2].max(0) + reach
    window = grid.window(low[0], low[1], high[0], high[1])
    x, y = grid.x[:, window[1]], grid.y[window[0]]
    shape = (y.shape[0], x.shape[1])
    best = np.full(shape, 1e9, np.float32)
    along, across = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    count = len(path) - 1
    for i, (a, b) in enumerate(pairwise(path)):
        d = b[:2] - a[:2]
        length = max(float(np.hypot(*d)), 1e-6)
        px, py = x - a[0], y - a[1]
        t = np.clip((px * d[0] + py * d[1]) / length**2, 0, 1)
        radius = a[2] + (b[2] - a[2]) * t
        qx, qy = px - t * d[0], py - t * d[1]
        gap = np.hypot(qx, qy) - radius
        nearer = gap < best
        best = np.where(nearer, gap, best)
        along = np.where(nearer, (i + t) / count, along)
        side = (px * -d[1] + py * d[0]) / length / np.maximum(radius, 1e-3)
        across = np.where(nearer, side, across)
    width = max(soft, 0.5 / grid.scale)
    return window, np.clip(0.5 - best / (2 * width), 0, 1), along, np.clip(across, -1, 1)

"""Shallow water: ripples in true perspective, and what they mirror."""

from __future__ import annotations

import numpy as np
from canvas import Array, Grid, fractal, gaussian, mix, rgb, sample, smooth, value_noise
from marsh import FOOT, SHORE

HORIZON = 158.0
FOCAL = 1500.0
"""Focal length in scene units: a long lens close to the water."""


def _ground(grid: Grid) -> tuple[Array, Array]:
    """Where the ray of each pixel meets the water: sideways and away, in units at the bird."""
    below = np.maximum(grid.y - HORIZON, 4.0)
    away = FOCAL * (FOOT - HORIZON) / below
    return (grid.x - 320) * away / FOCAL, away


def slopes(grid: Grid, rng: np.random.Generator, feet: list[tuple[float, float]]) -> Array:
    """Tilt of the water towards the camera for every pixel of the grid."""
    side, away = _ground(grid)
    # One pixel covers a long stretch of far water; waves shorter than that average out.
    footprint = away**2 / (FOCAL * (FOOT - HORIZON))
    tilt = np.zeros((grid.height, grid.width), np.float32)
    for _ in range(46):
        length = float(np.exp(rng.uniform(np.log(26), np.log(800))))
        heading = rng.normal(0.35, 0.55)
        k = 2 * np.pi / length
        kept = np.exp(-((footprint * 2.2 / length) ** 2))
        phase = k * (away * np.cos(heading) + side * np.sin(heading)) + rng.uniform(0, 6.28)
        tilt += kept * np.cos(heading) * (length / 160) ** 0.25 * np.cos(phase)
    gusts = 0.75 + 0.9 * fractal(side / 420, away / 700, 71, 3)
    tilt *= 0.0012 * np.clip(gusts, 0.2, 1.7)
    for x, y in feet:
        near = FOCAL * (FOOT - HORIZON) / (y - HORIZON)
        r = np.hypot(side - (x - 320) * near / FOCAL, (away - near) * 0.8)
        ring = np.cos(2 * np.pi * r / 34) * np.exp(-r / 95) * smooth(2, 10, r)
        tilt += 0.022 * ring * np.clip((away - near) / np.maximum(r, 1), -1, 1)
    return tilt


def _mirrored_row(grid: Grid, tilt: Array, plane: float) -> Array:
    """Row seen by reflection on an upright plane that stands in the water at row `plane`."""
    below = np.maximum(grid.y - HORIZON, 4.0)
    reach = np.maximum(1 - (plane - HORIZON) / below, 0)
    return plane - reach * (below + 2 * FOCAL * tilt)


def render(
    grid: Grid,
    tilt: Array,
    behind: tuple[Grid, Array],
    standing: tuple[Grid, list[tuple[float, Array]]],
) -> Array:
    """Colour of the water: mirrored backdrop, mirrored upright layers, and its own depth.

    Args:
        grid: The part of the picture that is water.
        tilt: What `slopes` gave for that grid.
        behind: The backdrop and its grid.
        standing: The grid of the upright layers, and each with the row where it stands.
    """
    home, image = behind
    x = np.broadcast_to(grid.x, tilt.shape)
    row = _mirrored_row(grid, tilt, SHORE)
    light = sample(image, (x - home.x0) * home.scale, (row - home.y0) * home.scale)
    whole, layers = standing
    for plane, layer in layers:
        near = grid.y[:, 0] > plane
        row = _mirrored_row(grid, tilt, plane)[near]
        wobble = (260 * tilt * smooth(0, 60, grid.y - plane))[near]
        left, top = x[near] + wobble - whole.x0, row - whole.y0
        seen = sample(layer, left * whole.scale, top * whole.scale)
        light[near] = light[near] * (1 - seen[..., 3:]) + seen[..., :3]
    glance = np.clip((grid.y - HORIZON) / FOCAL + tilt, 0, 1)
    mirror = 0.16 + 0.84 * (1 - glance) ** 5
    bed = mix(rgb("2c3a42"), rgb("3d3a30"), 0.5 + 0.5 * fractal(x / 90, grid.y / 14, 83, 3))
    return mix(bed, light * rgb("f4f6fa"), mirror) + _glitter(grid, tilt)


def _glitter(grid: Grid, tilt: Array) -> Array:
    """Sun caught by the smallest ripples, below the sun only."""
    side, away = _ground(grid)
    fine = value_noise(side / 3.2, away / 26, 97) + 0.6 * value_noise(side / 15, away / 70, 98)
    path = np.exp(-(((grid.x - 660) / 120) ** 2)) * smooth(SHORE, 240, grid.y)
    flash = smooth(1.1, 1.4, fine + 60 * tilt) * path * smooth(400, 270, grid.y)
    light: Array = flash[..., None] * rgb("ffc27a") * 2.2
    return light


def soften(grid: Grid, image: Array) -> Array:
    """Depth of field of the surface: sharp at the bird, softer before and behind it."""
    off = (grid.y - FOOT) / (FOOT - HORIZON) + 0 * grid.x
    a = gaussian(image, 0.9 * grid.scale)
    b = gaussian(image, 2.6 * grid.scale)
    image = mix(image, a, np.maximum(smooth(0.25, 0.8, off), smooth(-0.12, -0.4, off)))
    return mix(image, b, np.maximum(0.6 * smooth(0.7, 1.1, off), smooth(-0.35, -0.7, off)))

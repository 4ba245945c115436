"""Draw the demo picture: a godwit wading at sunrise.

Use: ``python benchmarks/demo/godwit.py OUT.png``. Only numpy and Pillow are needed, and nothing is
loaded from disk: every reed, ripple and feather is computed, so the picture is free of rights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bird import draw_bird
from canvas import Array, Grid, gaussian, mix, rgb, sample, smooth, to_srgb
from marsh import FOOT, SHORE, backdrop, near_reeds, spit
from numpy.typing import NDArray
from PIL import Image
from water import render, slopes, soften

FINER = 2
"""Pixels drawn per pixel shown, each way."""
BIRD_SCALE = 0.88
BIRD_AT = (15.0, FOOT - BIRD_SCALE * 362)
"""Size of the bird in the scene, and where its origin lies."""
REED_BASE = 294.0
SPIT_BASE = 208.0


def _bird_layer(grid: Grid, rng: np.random.Generator) -> Array:
    """The bird drawn in its own units and put on the grid of the scene."""
    layer = np.zeros((grid.height, grid.width, 4), np.float32)
    left, top = (int(v * grid.scale) for v in (70, 46))
    wide, high = (int(v * grid.scale) for v in (370, 272))
    x0, y0 = grid.x0 + left / grid.scale, grid.y0 + top / grid.scale
    own = Grid(
        (x0 - BIRD_AT[0]) / BIRD_SCALE,
        (y0 - BIRD_AT[1]) / BIRD_SCALE,
        grid.scale * BIRD_SCALE,
        wide,
        high,
    )
    layer[top : top + high, left : left + wide] = draw_bird(own, rng)
    return layer


def _feet() -> list[tuple[float, float]]:
    """Where the legs enter the water, in the scene."""
    own = [(213.0, 362.0), (252.5, 359.0)]
    return [(x * BIRD_SCALE + BIRD_AT[0], y * BIRD_SCALE + BIRD_AT[1]) for x, y in own]


def _put(image: Array, layer: Array) -> Array:
    """Lay a layer of colour times coverage over the image."""
    both: Array = image * (1 - layer[..., 3:]) + layer[..., :3]
    return both


def _above(grid: Grid, layer: Array, line: float) -> Array:
    """The part of an upright layer that is out of the water."""
    return layer * smooth(line + 0.7, line - 0.7, grid.y)[..., None]


def compose(grid: Grid, rng: np.random.Generator) -> Array:
    """The whole scene in linear light, before the camera has its say."""
    air = Grid(grid.x0 - 40, -330, grid.scale / 2, 0, 0)
    width = int((grid.width / grid.scale + 80) * air.scale)
    air = Grid(air.x0, air.y0, air.scale, width, int((SHORE + 14 + 330) * air.scale))
    behind = backdrop(air, rng)
    bird = _bird_layer(grid, rng)
    stand = near_reeds(grid, rng, REED_BASE + 4)
    bank = spit(grid, SPIT_BASE, bird)
    # Only the rows from just above the shore down are water.
    top = int((SHORE - 4) * grid.scale)
    pool = Grid(grid.x0, top / grid.scale, grid.scale, grid.width, grid.height - top)
    tilt = slopes(pool, rng, _feet())
    upright = [(SPIT_BASE, bank), (REED_BASE, stand), (FOOT, bird)]
    water = soften(pool, render(pool, tilt, (air, behind), (grid, upright)))
    x, y = np.broadcast_arrays(grid.x, grid.y)
    image = np.zeros((grid.height, grid.width, 3), np.float32)
    dry = int((SHORE + 6) * grid.scale)
    x, y = (x[:dry] - air.x0) * air.scale, (y[:dry] - air.y0) * air.scale
    image[:dry] = sample(behind, x, y)
    wet = smooth(SHORE - 2.5, SHORE + 3.5, pool.y) + 0 * pool.x
    image[top:] = mix(image[top:], water, wet)
    image = _put(image, _above(grid, bank, SPIT_BASE))
    image = _put(image, _above(grid, stand, REED_BASE))
    image = _put(image, _above(grid, bird, FOOT))
    return image


def develop(grid: Grid, light: Array) -> Array:
    """Exposure, bloom, vignette and a film-like curve; the result is sRGB in 0..1."""
    bloom = gaussian(np.maximum(light - 0.75, 0), 9 * grid.scale)
    light = light + 0.35 * bloom
    x, y = (grid.x - 330) / 400, (grid.y - 230) / 310
    light = light * (1 - 0.30 * smooth(0.5, 1.5, x * x + y * y))[..., None]
    # Roll the highlights off so that the glow keeps its hue instead of clipping.
    light = light * 1.12
    light = light * (1 + light / 2.9) / (1 + light)  # Reinhard's curve with white at 1.7
    value = to_srgb(light * 1.36)
    # A gentle S, cool in the shadows and warm in the lights.
    value = value + 0.2 * (value - 0.5) * (1 - np.abs(2 * value - 1))
    luma = value.mean(2, keepdims=True)
    value = value + (1 - luma) * (rgb("7f8890") - 0.22) * 0.05
    value = value + luma * (rgb("c0b8a8") - 0.48) * 0.04
    return np.asarray(value, np.float32)


def grain(image: Array, rng: np.random.Generator) -> Array:
    """Silver grain: mostly brightness, a little colour, strongest in the middle tones."""
    height, width = image.shape[:2]
    coarse = gaussian(rng.standard_normal((height, width)).astype(np.float32), 0.7)
    coarse /= coarse.std()
    tint = rng.standard_normal(image.shape).astype(np.float32)
    luma = image.mean(2)
    strength = 0.0065 * (0.4 + 1.2 * np.sqrt(np.clip(luma * (1 - luma), 0, 1)))
    grainy: Array = image + strength[..., None] * (coarse[..., None] + 0.35 * tint)
    return grainy


def draw(width: int = 640, height: int = 480, seed: int = 7) -> NDArray[np.uint8]:
    """Draw the picture; other shapes than 4:3 show the middle of the scene.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        seed: Seed of everything random; the same seed gives the same picture.

    Returns:
        The picture as height × width × 3 bytes of sRGB.
    """
    rng = np.random.default_rng(seed)
    shown = max(width / 640, height / 480)
    full = (round(640 * shown), round(480 * shown))
    grid = Grid(0, 0, shown * FINER, full[0] * FINER, full[1] * FINER)
    image = develop(grid, compose(grid, rng))
    image = image.reshape(full[1], FINER, full[0], FINER, 3).mean((1, 3))
    top, left = (full[1] - height) // 2, (full[0] - width) // 2
    image = grain(image[top : top + height, left : left + width], rng)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def main() -> None:
    """Write the picture to the path on the command line."""
    parser = argparse.ArgumentParser(description="Draw the demo picture, a wading godwit.")
    parser.add_argument("out", type=Path, help="image file to write, for example godwit.png")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    Image.fromarray(draw(args.width, args.height, args.seed)).save(args.out)


if __name__ == "__main__":
    main()

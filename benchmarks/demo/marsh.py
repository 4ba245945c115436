"""What lies around the bird: morning sky, far bank, reeds, and a mud spit with more birds."""

from __future__ import annotations

import numpy as np
from canvas import (
    Array,
    Grid,
    fractal,
    gaussian,
    lens,
    mix,
    over,
    rgb,
    sample,
    smooth,
    spline,
    tube,
)

FOOT = 308.0
"""Scene row where the bird's near leg enters the water."""
SHORE = 176.0
"""Scene row where the water meets the far bank."""


def sky(grid: Grid) -> Array:
    """Haze at sunrise: gold to the right and low, blue-grey to the left and high."""
    x, y = grid.x, grid.y
    rise = (SHORE - y) / 300
    sunward = np.exp(-(((x - 690) / 330) ** 2))
    low = mix(rgb("b39a92"), rgb("ffc98a") * 1.35, sunward)
    middle = mix(rgb("8f9aa6"), rgb("f0c9a0"), sunward * 0.9)
    high = mix(rgb("5d7287"), rgb("8193a3"), sunward)
    light = mix(low, middle, smooth(0.0, 0.55, rise) + 0 * x)
    light = mix(light, high, smooth(0.35, 1.05, rise) + 0 * x)
    drift = fractal(x / 210, y / 46, 11, 4)
    # Lit clouds above the frame: seen only in the water, where they break up on the ripples.
    cloud = smooth(0.02, 0.45, fractal(x / 170, y / 30, 23, 4)) * smooth(0.60, 0.85, rise)
    light = mix(light, rgb("f2c6a0"), 0.6 * cloud)
    glow = np.exp(-(((x - 676) / 150) ** 2) - ((y - 92) / 120) ** 2)
    return light * (1 + 0.13 * drift[..., None]) + glow[..., None] * rgb("ffb870") * 0.9


def _bank(grid: Grid, image: Array) -> None:
    """A far line of bushes and a strip of wet mud, in the haze."""
    x, y = grid.x, grid.y
    sunward = np.exp(-(((x - 690) / 300) ** 2))
    for i, (height, rough, shade, warm) in enumerate(
        [(74, 34, "7d7a80", "dfae7c"), (44, 24, "5f5a52", "c08a50"), (22, 12, "453d30", "96652f")]
    ):
        crest = SHORE - height - rough * fractal(x / (95 - 22 * i), x * 0 + i, 31 + 7 * i, 4)
        colour = mix(rgb(shade), rgb(warm), sunward * 0.95 + 0 * y)
        tone = 1 + 0.35 * fractal(x / 16, y / 30, 41 + i, 3)
        cover = (0.62 + 0.13 * i) * smooth(-6, 6, y - crest)
        image[:] = mix(image, colour * tone[..., None], cover)
    mud = smooth(SHORE - 9, SHORE - 5, y) + 0 * x
    wet = 0.8 + 0.5 * fractal(x / 60, y / 3, 53, 3)
    image[:] = mix(image, mix(rgb("4a3d30"), rgb("a8794c"), sunward + 0 * y) * wet[..., None], mud)


def _reed(rng: np.random.Generator, x: float, base: float, height: float, lean: float) -> Array:
    """Path of one stalk, bending over with the wind towards its tip."""
    bow = lean * height * rng.uniform(0.6, 1.4)
    points = [
        (x, base, 1.0),
        (x + 0.12 * bow, base - 0.4 * height, 0.9),
        (x + 0.42 * bow, base - 0.75 * height, 0.65),
        (x + bow, base - height, 0.2),
    ]
    return spline(points, steps=5)


def _plume(rng: np.random.Generator, tip: Array, size: float, width: float) -> list[Array]:
    """The nodding seed head of a reed: a brush of fine branches."""
    branches = []
    for t in np.linspace(0, 1, 13):
        x, y = tip[0] + size * 0.5 * t * t, tip[1] + size * (0.35 - 0.9 * t)
        out = size * (0.2 + 0.5 * t * (1.2 - t)) * rng.uniform(0.5, 1.2)
        droop = rng.uniform(-0.6, 0.3)
        path = [
            (x, y, width * 0.3),
            (x + 0.6 * out, y - 0.3 * out, width * 0.55),
            (x + 1.1 * out, y + droop * out, 0.1),
        ]
        branches.append(spline(path, steps=3))
    return branches


def reeds(
    layer: Array,
    grid: Grid,
    rng: np.random.Generator,
    spots: Array,
    base: float,
    height: float,
    width: float,
    colours: tuple[str, str],
) -> None:
    """Draw a stand of reeds, each stalk with a few blades and some with a seed head."""
    dark, bright = rgb(colours[0]), rgb(colours[1])
    for x in spots:
        tall = height * rng.uniform(0.35, 1.1)
        lean = rng.normal(0.06, 0.09)
        stalk = _reed(rng, float(x), base + rng.uniform(-1.5, 1.5), tall, lean)
        stalk[:, 2] *= width
        paths = [stalk]
        for _ in range(rng.integers(1, 4)):
            root = stalk[rng.integers(2, 10)]
            side = rng.choice([-1.0, 1.0])
            reach = tall * rng.uniform(0.18, 0.4)
            blade = [
                (root[0], root[1], width * 0.5),
                (root[0] + side * 0.3 * reach, root[1] - 0.55 * reach, width * 1.15),
                (root[0] + side * 0.7 * reach, root[1] - 0.75 * reach, width * 0.8),
                (root[0] + side * 1.1 * reach, root[1] - rng.uniform(0.5, 1.15) * reach, 0.15),
            ]
            paths.append(spline(blade, steps=5))
        if rng.random() < 0.35:
            paths += _plume(rng, stalk[-1], tall * 0.16, width)
        tone = rng.uniform(0.7, 1.2)
        for path in paths:
            window, cover, along, across = tube(grid, path)
            # Low sun from the right: the right flank of every blade is lit, the left one is not.
            lit = np.clip(0.35 + 0.65 * across * np.sign(-path[-1, 1] + path[0, 1]), 0, 1)
            colour = mix(dark, bright, lit * (0.45 + 0.55 * along)) * tone
            over(layer[window], colour, cover)


def _sparkle(grid: Grid, rng: np.random.Generator) -> Array:
    """Single very bright points (dew, wet leaves) that the lens turns into discs."""
    points = np.zeros((grid.height, grid.width, 3), np.float32)
    for _ in range(70):
        x = 668 - abs(rng.normal(0, 150))
        y = SHORE - 8 - abs(rng.normal(0, 50))
        row, column = int((y - grid.y0) * grid.scale), int((x - grid.x0) * grid.scale)
        if 0 <= row < grid.height and 0 <= column < grid.width:
            tint = mix(rgb("ffd9a0"), rgb("ff9d4a"), rng.random())
            points[row, column] += tint * rng.lognormal(-0.2, 0.8) * 27 * grid.scale**2
    return points


def backdrop(grid: Grid, rng: np.random.Generator) -> Array:
    """Everything beyond the water, as the lens focused on the bird sees it."""
    image = sky(grid)
    _bank(grid, image)
    image = lens(image, 9 * grid.scale)
    far = np.zeros((grid.height, grid.width, 4), np.float32)
    reeds(far, grid, rng, rng.normal(20, 95, 70), SHORE + 2, 105, 1.6, ("4b4334", "c39a5c"))
    reeds(far, grid, rng, rng.normal(610, 60, 46), SHORE + 2, 120, 1.6, ("6b4c28", "f3bd6c"))
    # Blur colour times coverage, so that the soft edges do not pick up black.
    far[..., :3] *= far[..., 3:]
    far = lens(far, 6.5 * grid.scale)
    image = image * (1 - far[..., 3:]) + far[..., :3]
    for radius, share in [(13.0, 0.9), (9.0, 0.55), (5.5, 0.2)]:
        discs = lens(_sparkle(grid, rng), radius * grid.scale)
        image = image + share * gaussian(discs, 0.9 * grid.scale)
    return image


def near_reeds(grid: Grid, rng: np.random.Generator, base: float) -> Array:
    """A few reeds standing in the water about as far away as the bird, nearly sharp."""
    layer = np.zeros((grid.height, grid.width, 4), np.float32)
    spots = np.concatenate([np.minimum(rng.normal(24, 22, 17), 66), rng.normal(612, 16, 10)])
    reeds(layer, grid, rng, spots, base, 155, 0.95, ("3d3120", "e6b974"))
    layer[..., :3] *= layer[..., 3:]
    return gaussian(layer, 0.7 * grid.scale)


def spit(grid: Grid, base: float, bird: Array) -> Array:
    """A low tongue of wet mud in the middle distance, out of focus, with more birds at its edge."""
    layer = np.zeros((grid.height, grid.width, 4), np.float32)
    x, y = grid.x, grid.y
    rise = smooth(400, 590, x) * (12 + 9 * fractal(x / 55, x * 0 + 3.3, 57, 4))
    rise += 4.5 * smooth(330, 420, x) * smooth(520, 430, x) * (0.6 + fractal(x / 30, x * 0, 59, 3))
    crest = base - rise
    lit = smooth(5, 0, y - crest) * (0.6 + 0.6 * fractal(x / 9, y / 2, 58, 3))
    layer[..., :3] = mix(rgb("3f3329"), rgb("c98d55"), lit)
    layer[..., 3] = smooth(-0.5, 0.5, y - crest) * smooth(base + 0.5, base - 0.5, y)
    layer[..., :3] *= layer[..., 3:]
    for left, size in [(446, 0.17), (500, -0.15)]:
        _distant(layer, grid, bird, left, base, size)
    return lens(layer, 2.0 * grid.scale)


def _distant(layer: Array, grid: Grid, bird: Array, left: float, base: float, size: float) -> None:
    """The bird again, far off and small; a negative size turns it round."""
    small = abs(size)
    window = grid.window(left, base - 290 * small, left + 380 * small, base)
    x, y = np.broadcast_arrays(grid.x[:, window[1]], grid.y[window[0]])
    across = (x - left) / small
    across = across + 70 if size > 0 else 450 - across
    # They wade deeper than the one in front, so that the mud does not cut off thin legs.
    row = FOOT - 38 + (y - base) / small
    seen = sample(bird, (across - grid.x0) * grid.scale, (row - grid.y0) * grid.scale)
    # Seen through the haze against the sun it is darker and flatter.
    grey = seen[..., :3].mean(2, keepdims=True)
    seen[..., :3] = 0.2 * seen[..., :3] + grey * rgb("8f7a66") + seen[..., 3:] * rgb("553d28") * 0.4
    layer[window] = layer[window] * (1 - seen[..., 3:]) + seen

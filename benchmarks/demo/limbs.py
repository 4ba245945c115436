"""The bare parts of the godwit: legs, bill and eye; and the light that falls on the bird."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from canvas import Array, Grid, fractal, mix, over, rgb, smooth, spline, tube

NEAR_LEG = [(214, 260, 4.2), (211.5, 280, 2.8), (206.5, 304, 2.6), (205.5, 309, 3.7),
            (206.5, 315, 2.6), (210, 338, 2.1), (213, 364, 2.3)]  # fmt: skip
FAR_LEG = [(240, 258, 3.8), (238.5, 277, 2.5), (235, 299, 2.4), (234.5, 304, 3.4),
           (236.5, 310, 2.3), (245, 334, 1.9), (253, 362, 2.1)]  # fmt: skip
BILL = [(328, 110.2, 5.6), (341, 111.5, 4.6), (362, 114.3, 3.3), (392, 117.0, 2.5),
        (420, 116.8, 2.0), (440, 114.4, 1.5), (450, 112.6, 0.8)]  # fmt: skip

SUN = np.array([0.70, -0.52, 0.49], np.float32)
SUN_LIGHT = rgb("ffd3a2") * 2.7
SKY_LIGHT = rgb("93a7bf") * 0.74
WATER_LIGHT = rgb("b09478") * 0.52


def light_of(normal: Array, shade: Array | float = 1.0) -> Array:
    """Light that reaches a surface: low warm sun, cool sky above, warm water below."""
    sun = np.clip((normal @ SUN + 0.12) / 1.12, 0, None) * shade
    up = 0.5 - 0.5 * normal[..., 1]
    glow = np.clip(1 - normal[..., 2], 0, 1) ** 2.5 * np.clip(normal[..., 0] - normal[..., 1], 0, 2)
    light: Array = (
        sun[..., None] * SUN_LIGHT
        + up[..., None] * SKY_LIGHT
        + (1 - up)[..., None] * WATER_LIGHT
        + glow[..., None] * SUN_LIGHT * 0.75
    )
    return light


def _round_normal(path: Array, along: Array, across: Array) -> Array:
    """Normals of a tube from the way along and across it."""
    step = np.diff(path[:, :2], axis=0)
    step = step / np.maximum(np.hypot(step[:, 0], step[:, 1])[:, None], 1e-6)
    index = np.minimum((along * len(step)).astype(int), len(step) - 1)
    side = np.stack([-step[index, 1], step[index, 0]], -1) * across[..., None]
    return np.dstack([side, np.sqrt(np.clip(1 - across**2, 0.02, 1))]).astype(np.float32)


def draw_leg(layer: Array, grid: Grid, points: Sequence[Sequence[float]], dim: float) -> None:
    """A wet, scaly leg with its joint, in round relief."""
    path = spline(points, steps=8)
    window, cover, along, across = tube(grid, path)
    normal = _round_normal(path, along, across)
    x, y = grid.x[:, window[1]], grid.y[window[0]]
    scutes = 1 + 0.16 * np.sin(y * 2.4) + 0.2 * fractal(x / 1.2, y / 2.5, 61, 3)
    colour = rgb("403a38") * scutes[..., None] * light_of(normal) * dim
    # In the shadow of the belly at the top.
    colour *= (0.55 + 0.45 * smooth(262, 285, y))[..., None]
    over(layer[window], colour, cover)


def draw_bill(layer: Array, grid: Grid) -> None:
    """The long bill: flesh-coloured at the base, dark and turned up a little at the tip."""
    path = spline(BILL, steps=8)
    window, cover, along, across = tube(grid, path)
    normal = _round_normal(path, along, across)
    x, y = grid.x[:, window[1]], grid.y[window[0]]
    grain = fractal(x / 7, y / 1.1, 67, 3)
    colour = mix(rgb("e39a7e"), rgb("241d1c"), smooth(0.30, 0.66, along + 0.05 * grain))
    colour = colour * (1 + 0.18 * grain)[..., None]
    colour = colour * (1 - 0.25 * smooth(0.1, 0.6, -across) * smooth(0.75, 0.35, along))[..., None]
    # The line where the mandibles meet, and the long nostril.
    gape = np.exp(-(((across - 0.18) / 0.16) ** 2)) * smooth(0.93, 0.6, along)
    nostril = np.exp(-(((across + 0.35) / 0.2) ** 2) - ((along - 0.17) / 0.035) ** 2)
    colour = mix(colour, rgb("3a2018"), 0.6 * np.maximum(gape, nostril))
    half = SUN + np.array([0, 0, 1], np.float32)
    gloss = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 26
    lit = colour * light_of(normal) + gloss[..., None] * SUN_LIGHT * 0.16
    over(layer[window], lit, cover)


def draw_eye(layer: Array, grid: Grid) -> None:
    """A dark eye in a pale lid, with the sky in it."""
    window = grid.window(310, 96, 326, 112)
    x, y = grid.x[:, window[1]] - 317.6, grid.y[window[0]] - 103.6
    r = np.hypot(x, y)
    lid = np.clip((4.0 - r) * grid.scale + 0.5, 0, 1)
    over(layer[window], rgb("c79a72") * (0.6 - 0.1 * y)[..., None], lid * 0.75)
    ball = np.clip((3.0 - r) * grid.scale + 0.5, 0, 1)
    brown = mix(rgb("070504"), rgb("3a1d0c"), smooth(-0.4, 2.6, y - 0.4 * x) * smooth(1.2, 2.6, r))
    over(layer[window], brown, ball)
    glint = np.exp(-((x - 0.95) ** 2 + (y + 1.15) ** 2) / 0.55)
    rim = np.exp(-((x + 0.8) ** 2 + (y - 1.5) ** 2) / 1.1)
    layer[window][..., :3] += glint[..., None] * rgb("fff0d8") * 1.4 + rim[..., None] * 0.03

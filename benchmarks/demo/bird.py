"""The godwit itself: outline, relief and plumage; its bare parts are in `limbs.py`.

The bird has its own units: it looks to the right, its breast is near x = 305 and its near foot
meets the water at y = 362. `godwit.py` puts it into the scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from canvas import Array, Grid, fill, fractal, gaussian, mix, over, rgb, smooth, spline
from limbs import FAR_LEG, NEAR_LEG, draw_bill, draw_eye, draw_leg, light_of
from plumage import Coat, Feather

BODY = [
    (336, 106), (331, 97), (321, 90.5), (309, 90), (299, 96), (292, 109), (286, 126), (275, 144),
    (254, 158), (222, 167), (186, 178), (152, 192), (126, 203), (104, 211), (108, 217),
    (134, 226), (160, 239), (188, 252), (220, 259), (252, 257), (280, 245), (300, 226),
    (310, 205), (311, 186), (306, 166), (304, 149), (309, 134), (319, 122.5), (330, 117.8),
    (337, 114.5),
]  # fmt: skip
THIGHS = [
    [(196, 246), (242, 250), (227, 266), (217, 281), (211, 280), (205, 265)],
    [(222, 246), (262, 248), (250, 263), (242, 275), (237, 274), (230, 261)],
]
WING = [
    (292, 178), (296, 200), (286, 216), (262, 226), (226, 229), (190, 226), (150, 216), (104, 211),
    (130, 200), (170, 184), (210, 172), (250, 161), (276, 163),
]  # fmt: skip
# Which way the feathers lie: x, y, and the direction from root to tip.
FLOW = np.array([
    (334, 108, -1.0, 0.0), (320, 94, -1.0, 0.05), (304, 97, -0.75, 0.65), (318, 118, -0.85, 0.5),
    (297, 120, -0.40, 0.92), (302, 140, -0.25, 0.97), (285, 145, -0.55, 0.83),
    (302, 175, -0.30, 0.95), (302, 205, -0.50, 0.86), (285, 235, -0.85, 0.5),
    (265, 165, -0.90, 0.40), (220, 175, -0.96, 0.26), (150, 200, -0.95, 0.3),
    (240, 250, -0.98, 0.1), (190, 245, -0.95, -0.22), (140, 222, -0.93, -0.25),
    (188, 254, -0.98, 0.0), (206, 257, -0.92, 0.35), (229, 260, -0.9, 0.4),
    (215, 275, -0.15, 0.98), (242, 270, -0.12, 0.98),
], np.float32)  # fmt: skip
SPINE = np.array([(336, 109), (310, 100), (296, 130), (290, 165), (250, 200), (180, 215),
                  (90, 216)], np.float32)  # fmt: skip


def _pillow(mask: Array, levels: int = 4) -> Array:
    """Inflate a mask: solve Poisson's equation inside, coarse to fine, and take the root.

    For a strip this is exactly a half cylinder, and unlike a distance field it has no ridges.
    """
    height, width = mask.shape
    u = np.zeros((1, 1), np.float32)
    for level in reversed(range(levels)):
        step = 2**level
        inside = mask[::step, ::step] > 0.5
        rows = np.minimum(np.arange(inside.shape[0]) // 2, u.shape[0] - 1)
        columns = np.minimum(np.arange(inside.shape[1]) // 2, u.shape[1] - 1)
        u = u[np.ix_(rows, columns)] * inside
        for _ in range(160 if level else 60):
            p = np.pad(u, 1)
            around = p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:]
            u = np.where(inside, 0.25 * (around + step * step), 0).astype(np.float32)
    swell: Array = np.sqrt(2.6 * u[:height, :width])
    return swell


def _relief(grid: Grid, masks: list[tuple[Array, float]]) -> Array:
    """Height of the body towards the viewer, in units: pillows of the masks, weighted, summed."""
    total = np.zeros((grid.height, grid.width), np.float32)
    for mask, weight in masks:
        total += weight * _pillow(mask, 5) / grid.scale
    return gaussian(total, 0.9 * grid.scale)


def _flow(x: float, y: float) -> float:
    """Angle in which a feather rooted at x, y lies."""
    weight = 1 / ((FLOW[:, 0] - x) ** 2 + (FLOW[:, 1] - y) ** 2 + 60) ** 1.6
    return float(np.arctan2((weight * FLOW[:, 3]).sum(), (weight * FLOW[:, 2]).sum()))


def _rank(x: Array, y: Array) -> Array:
    """How far along from bill to tail; feathers further back lie under those before them."""
    best, rank = np.full(x.shape, 1e9, np.float32), np.zeros(x.shape, np.float32)
    run = 0.0
    for a, b in pairwise(SPINE):
        d = b - a
        t = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1]) / (d @ d), 0, 1)
        gap = np.hypot(x - a[0] - t * d[0], y - a[1] - t * d[1])
        rank = np.where(gap < best, run + t * np.hypot(*d), rank)
        best = np.minimum(gap, best)
        run += float(np.hypot(*d))
    return rank


def pigment(x: Array, y: Array) -> Array:
    """Ground colour of the plumage without the wing."""
    x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
    patch = fractal(x / 16, y / 16, 91, 3)
    colour = mix(rgb("9e5f3e"), rgb("7b452c"), smooth(-0.5, 0.5, patch))
    # Belly and vent pale; the russet breaks up into them rather than ending at a line.
    rear = smooth(272, 205, x + 20 * patch + 0.25 * (y - 240)) * smooth(205, 235, y)
    colour = mix(colour, rgb("efe2cb"), rear)
    bars = smooth(0.25, 0.8, np.sin(x * 0.62 + y * 0.35 + 3 * patch)) * smooth(285, 240, x)
    colour = mix(colour, rgb("6b4a34"), 0.6 * bars * smooth(208, 226, y))
    colour = mix(colour, rgb("8d7c69"), smooth(190, 140, x) * smooth(214, 200, y))
    # Mantle and rump: grey-brown.
    back = smooth(292, 262, x + 8 * patch + (y - 150) * 0.3) * smooth(222, 195, y)
    colour = mix(colour, rgb("6d5a48"), back)
    # Crown streaked dark, face paler, a light brow and a dark line through the eye.
    crown = smooth(100, 93, y) * smooth(290, 300, x)
    streaks = smooth(-0.35, 0.35, fractal(x / 7 + y / 5, (y - 0.2 * x) / 1.1, 93, 2))
    colour = mix(colour, rgb("3f271a"), (0.35 + 0.6 * streaks) * crown)
    # Fine dark streaks down the hind neck and on the side of the breast.
    nape = smooth(302, 290, x - 0.3 * (120 - y)) * smooth(150, 130, y) * smooth(96, 104, y)
    down = smooth(0.0, 0.4, fractal((x + 0.35 * y) / 1.8, y / 9, 95, 2))
    colour = mix(colour, rgb("4a2c1c"), np.maximum(0.75 * nape, 0.35 * smooth(130, 150, y)) * down)
    cheek = np.exp(-(((x - 309) / 6) ** 2) - ((y - 109.5) / 3.2) ** 2)
    colour = mix(colour, rgb("70402a"), 0.55 * cheek)
    colour = mix(
        colour, rgb("d0a27a"), 0.85 * np.exp(-(((x - 329) / 9) ** 2) - ((y - 115) / 5) ** 2)
    )
    brow = np.exp(-(((y - 99.4 - 0.16 * (x - 318)) / 1.6) ** 2)) * smooth(296, 310, x)
    colour = mix(colour, rgb("cfa883"), 0.75 * brow)
    lore = np.exp(-(((y - 105.8 - 0.20 * (x - 322)) / 1.5) ** 2)) * smooth(300, 312, x)
    return mix(colour, rgb("2c1810"), 0.85 * lore)


def _cover(coat: Coat, rng: np.random.Generator, mask: Array) -> None:
    """Small body feathers everywhere on the outline, laid from the tail forwards."""
    grid = coat.grid
    n = 9000
    x = rng.uniform(100, 338, n).astype(np.float32)
    y = rng.uniform(88, 288, n).astype(np.float32)
    row = np.clip(((y - grid.y0) * grid.scale).astype(int), 0, grid.height - 1)
    column = np.clip(((x - grid.x0) * grid.scale).astype(int), 0, grid.width - 1)
    x, y = x[mask[row, column] > 0.6], y[mask[row, column] > 0.6]
    head = np.hypot(x - 318, y - 106)
    extra = rng.normal(0, 1, (1100, 2)) * (13, 10) + (317, 106)
    keep = [(px, py) for px, py in extra if coat.covers(px, py)]
    x = np.concatenate([x[head > 12], np.array([p[0] for p in keep], np.float32)])
    y = np.concatenate([y[head > 12], np.array([p[1] for p in keep], np.float32)])
    # Few tips may stick out of the outline: a sleek bird, yet no edge cut with scissors.
    angle = np.array([_flow(float(px), float(py)) for px, py in zip(x, y, strict=True)])
    out = [not coat.covers(px + 5 * c, py + 5 * s) for px, py, c, s in
           zip(x, y, np.cos(angle), np.sin(angle), strict=True)]  # fmt: skip
    kept = ~np.array(out) | (rng.random(len(x)) < 0.25)
    x, y, angle = x[kept], y[kept], angle[kept]
    colours = pigment(x, y)
    order = np.argsort(-_rank(x, y) + rng.normal(0, 3, len(x)))
    for i in order:
        far = float(np.hypot(x[i] - 330, y[i] - 106))
        grow = float(np.clip((far - 6) / 110, 0.0, 1.0))
        leg = y[i] > 262
        tone = float(np.exp(rng.normal(0, 0.13)))
        core = colours[i] * tone
        coat.lay(
            Feather(
                x=float(x[i]), y=float(y[i]),
                angle=float(angle[i] + rng.normal(0, 0.12)),
                length=3.2 + 8.5 * grow - (4 if leg else 0),
                width=0.6 + 1.25 * grow - (0.5 if leg else 0),
                core=core * 0.92, edge=core * 1.14 + 0.008, centre=core * 0.80,
                fringe=0.4 + 0.3 * grow, bend=float(rng.normal(0, 0.08)),
                lift=0.12 + 0.22 * grow, round=2.4,
            )
        )  # fmt: skip


def _tract(
    coat: Coat,
    rng: np.random.Generator,
    roots: Sequence[Sequence[float]],
    count: int,
    colours: tuple[str, str, str],
    **shape: float,
) -> None:
    """One row of wing feathers along a curve whose rows are x, y, angle, length, half width."""
    curve = spline(roots, steps=12)
    for t in np.linspace(0, 1, count):
        at = t * (len(curve) - 1)
        low = min(int(at), len(curve) - 2)
        x, y, angle, length, width = curve[low] + (curve[low + 1] - curve[low]) * (at - low)
        tone = float(np.exp(rng.normal(0, 0.17)))
        core, edge, centre = (rgb(c) * tone for c in colours)
        # Old feathers have lost their pale edges, fresh ones have not.
        edge = mix(core, edge, rng.uniform(0.25, 1.1))
        coat.lay(
            Feather(
                x=float(x + rng.normal(0, 1.3)), y=float(y + rng.normal(0, 0.7)),
                angle=float(np.radians(angle) + rng.normal(0, 0.05) * min(1, 26 / length)),
                length=float(length * rng.uniform(0.85, 1.15)),
                width=float(width * rng.uniform(0.85, 1.1)),
                core=core, edge=edge, centre=centre, bend=float(rng.normal(0.02, 0.03)),
                fringe=shape.get("fringe", 1.0) * float(rng.uniform(0.6, 1.25)),
                round=shape.get("round", 4.0), notch=shape.get("notch", 0.0),
                lift=1.0, shaft=1.0,
            )
        )  # fmt: skip


def _wing(coat: Coat, rng: np.random.Generator) -> None:
    """The folded wing, row by row in the order in which the feathers overlap."""
    dusk = ("2b2420", "75685a", "1d1917")
    tertial = ("5d5043", "aa967a", "382d25")
    covert = ("786c60", "a89a85", "4c4138")
    scapular = ("5a483b", "a08463", "2b221c")
    # Tail, then the long primaries that reach past it.
    _tract(coat, rng, [(150, 212, 172, 56, 5), (150, 206, 168, 58, 5)], 4,
           ("8a7d70", "e6dccb", "5a4d42"), notch=0.8, round=3)  # fmt: skip
    _tract(coat, rng, [(196, 221, 183, 88, 4.2), (190, 210, 176, 100, 4.6)], 6, dusk, round=2.2,
           fringe=0.6)  # fmt: skip
    _tract(coat, rng, [(236, 226, 180, 60, 5.2), (196, 219, 178, 62, 5.5)], 7, dusk, round=3)
    # Coverts from the lower edge of the wing upwards.
    _tract(coat, rng, [(210, 219, 178, 36, 5.4), (250, 220, 176, 34, 5.4), (283, 210, 165, 30, 5)],
           11, covert, fringe=1.2)  # fmt: skip
    _tract(coat, rng, [(214, 209, 176, 30, 5.2), (256, 209, 173, 27, 5), (288, 198, 158, 23, 4.4)],
           12, covert, fringe=1.1)  # fmt: skip
    # Tertials: long, stepped, with notched pale edges.
    _tract(coat, rng, [(214, 213, 177, 74, 6.2), (212, 202, 174, 84, 6.8), (214, 194, 171, 78, 7)],
           5, tertial, fringe=1.3, notch=1.0, round=3.2)  # fmt: skip
    for lower, size, n in [(201, 21, 13), (194, 18, 14), (187, 16, 14), (180, 14, 13)]:
        _tract(coat, rng, [(222, lower, 174, size * 1.25, 4.4), (260, lower - 2, 168, size, 4.1),
                           (290, lower - 8, 150, size * 0.8, 3.5)], n, covert,
               fringe=1.0)  # fmt: skip
    # Scapulars: dark hearts, buff edges, falling over the wing from the back.
    for drop, size, n in [(26, 36, 8), (19, 32, 10), (12, 27, 12), (6, 22, 13), (1, 18, 13)]:
        _tract(coat, rng, [(176 + drop, 181 + 0.75 * drop, 166, size * 1.15, 5.6),
                           (225, 167 + drop, 164, size, 5.2), (262, 158 + 0.9 * drop, 152,
                            size * 0.75, 4.4), (280, 150 + 0.9 * drop, 135, size * 0.5, 3.4)],
               n, scapular, fringe=1.15, round=3)  # fmt: skip


def _tuck(coat: Coat, rng: np.random.Generator) -> None:
    """Breast feathers that lie over the bend and the lower edge of the wing and hide its seam."""
    seam = [(284, 150), (296, 168), (299, 190), (294, 208), (278, 221), (250, 230), (216, 232)]
    edge = spline(seam, steps=12)
    count = 620
    inward = np.abs(rng.normal(0, 1, count))
    place = edge[rng.integers(len(edge), size=count)] + rng.normal(0, 2.2, (count, 2)) + 1.5
    xs = np.minimum(place[:, 0] - 5 * inward, 306)
    ys = place[:, 1] - 2 * inward * (place[:, 1] > 205)
    # Those further in take on the grey-brown of the wing, so that no seam shows.
    worn = np.clip(0.42 * inward * rng.uniform(0.4, 1.3, count), 0, 0.9)
    cores = mix(pigment(xs + 6, ys + 4), rgb("5d4a3c"), worn)
    for x, y, ground in zip(xs, ys, cores, strict=True):
        core = ground * float(np.exp(rng.normal(0, 0.14)))
        coat.lay(
            Feather(
                x=float(x), y=float(y), angle=_flow(float(x), float(y)) + float(rng.normal(0, 0.2)),
                length=float(rng.uniform(8, 13)), width=float(rng.uniform(1.2, 2.2)),
                core=core * 0.92, edge=core * 1.16 + 0.01, centre=core * 0.8, fringe=0.6,
                bend=float(rng.normal(0, 0.12)), lift=0.3, round=2.4,
            )
        )  # fmt: skip


def _lit_coat(coat: Coat, relief: Array, mask: Array) -> Array:
    """Light the plumage: the big form from the relief, the small from the feathers."""
    grid = coat.grid
    dy, dx = np.gradient(relief, 1 / grid.scale)
    fy, fx = np.gradient(gaussian(coat.relief, 0.35 * grid.scale), 1 / grid.scale)
    inside = smooth(0.2, 0.9, mask)
    # Feathers that stick out of the outline go on with the slope of the body next to them.
    slope = np.dstack([np.clip(dx, -4, 4) * inside, np.clip(dy, -4, 4) * inside, inside])
    spread = gaussian(slope.astype(np.float32), 2.5 * grid.scale)
    spread = spread / (spread[..., 2:] + 1e-3)
    gx = mix(spread[..., :1], slope[..., :1], inside)[..., 0] + np.clip(0.5 * fx, -0.7, 0.7)
    gy = mix(spread[..., 1:2], slope[..., 1:2], inside)[..., 0] + np.clip(0.5 * fy, -0.7, 0.7)
    normal = np.dstack([-gx, -gy, np.ones_like(gx)]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    # The head throws a soft shadow on the neck, and the belly is far from the sky.
    y = grid.y + 0 * grid.x
    shade = 1 - 0.5 * smooth(215, 258, y)
    shut = 1 - 0.25 * smooth(225, 262, y)
    return coat.rgb * light_of(normal, shade) * shut[..., None]


def draw_bird(grid: Grid, rng: np.random.Generator) -> Array:
    """The bird as a layer of linear RGB times coverage, and coverage."""
    layer = np.zeros((grid.height, grid.width, 4), np.float32)
    body = fill(grid, spline(BODY, closed=True))
    thighs = [fill(grid, spline(t, closed=True)) for t in THIGHS]
    mask = np.maximum(body, np.maximum(*thighs))
    wing = fill(grid, spline(WING, closed=True))
    coat = Coat(grid, pigment(grid.x, grid.y) * 0.8, mask)
    _cover(coat, rng, mask)
    _wing(coat, rng)
    _tuck(coat, rng)
    relief = _relief(grid, [(mask, 1.1), (wing, 0.3)])
    draw_leg(layer, grid, FAR_LEG, 0.7)
    draw_leg(layer, grid, NEAR_LEG, 1.0)
    draw_bill(layer, grid)
    over(layer, _lit_coat(coat, relief, mask), coat.alpha)
    draw_eye(layer, grid)
    layer[..., :3] *= layer[..., 3:]
    return layer

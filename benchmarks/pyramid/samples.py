"""Networks and latents to try the graph with: random but plausible, and from photos."""

from __future__ import annotations

import numpy as np
from context import Context
from geometry import Geometry
from tables import Ints, Table


def random_context(
    kind: str = "halfrow",
    hidden: int = 14,
    depth: int = 2,
    queue: int = 7,
    taps: int = 3,
    seed: int = 0,
    width: int = 9,
    shared: bool = False,
    lookahead: bool = False,
    fresh: bool = False,
    table: Table | None = None,
) -> Context:
    """A random integer network whose widths are about `width` and vary from symbol to symbol.

    Unit 0 of every hidden layer has no weights: it is the constant that the last layer takes its
    biases from.
    """
    table = table or Table()
    random = np.random.default_rng(seed)
    fourphase = kind == "fourphase"
    phases, queue = (4, 4) if fourphase else (2, queue)

    def draw(spread: float, *shape: int) -> np.ndarray:
        return np.clip(np.rint(random.normal(0, spread, shape)), -63, 63).astype(np.int8)

    first = draw(9, phases, hidden, queue + fresh, taps if fourphase else 1, taps)
    first[:, 0] = 0
    weights = [first]
    for _ in range(depth - 2):
        middle = draw(5, phases, hidden, hidden, 1, 1)
        middle[:, 0] = 0
        weights.append(middle)
    last = np.zeros((phases, 2, hidden, 1, 1), np.int8)
    last[:, 0, 1 % hidden] += 3
    last[:, 0, 2 % hidden] -= 2
    last[:, 1, 2 % hidden] += 2
    # at rest every unit says -128, so a channel says -2 times the sum of its weights
    for channel, wanted in ((0, table.centre - width / 2), (1, width)):
        last[:, channel, 0] -= round(wanted / 2 + float(last[0, channel].sum()))
    weights.append(last)
    if shared:
        weights[1:] = [weight[0] for weight in weights[1:]]
    return Context(kind, tuple(weights), gain=table.step, fresh=fresh, lookahead=lookahead)


def laplace_latents(geometry: Geometry, seed: int = 0, reach: int = 3) -> list[Ints]:
    """Independent Laplace values, finer levels smaller, clipped to +-reach."""
    random = np.random.default_rng(seed)
    spreads = np.geomspace(2.0, 0.3, geometry.levels)
    planes = (random.laplace(0, s, geometry.plane(k + 1)) for k, s in enumerate(spreads))
    return [np.clip(np.rint(plane), -reach, reach).astype(np.int64) for plane in planes]


def photo_latents(geometry: Geometry, grey: np.ndarray, step: float = 16.0) -> list[Ints]:
    """Rounded Laplacian pyramid of a grey photo [H, W] in 0 .. 255, stretched over the planes."""
    height, width = geometry.plane(geometry.levels)
    rows = np.minimum(np.arange(height) * len(grey) // height, len(grey) - 1)
    columns = np.minimum(np.arange(width) * grey.shape[1] // width, grey.shape[1] - 1)
    picture = grey[rows][:, columns].astype(np.float64) - 128
    planes: list[Ints] = []
    for level in range(geometry.levels, 0, -1):
        factor = geometry.row_factor
        height, width = picture.shape
        coarse = picture.reshape(height // factor, factor, width // 2, 2).mean((1, 3))
        detail = picture - coarse.repeat(factor, 0).repeat(2, 1)
        target = detail if level > 1 else picture
        planes.append(np.rint(target / step).astype(np.int64))
        picture = coarse
    return planes[::-1]


def random_synthesis(levels: int, channels: int, hidden: int = 16, seed: int = 0) -> np.ndarray:
    """int8 [levels + 1 + channels, hidden, 1, 1]."""
    random = np.random.default_rng(seed)
    weights = np.clip(
        np.rint(random.normal(0, 20, (levels + 1 + channels, hidden, 1, 1))), -127, 127
    )
    weights[levels, 0] = 127  # a constant unit: middle grey
    weights[:levels, 0] = 0
    weights[levels + 1 :, 0] = 64
    return weights.astype(np.int8)

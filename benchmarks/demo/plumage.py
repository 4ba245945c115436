"""Feathers: one shape, laid many thousand times on a coat of colour and relief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from canvas import Array, Grid


@dataclass(frozen=True)
class Feather:
    """One feather: where its root is, how it lies, its size in units and its three colours."""

    x: float
    y: float
    angle: float
    length: float
    width: float
    core: Array
    edge: Array
    centre: Array
    fringe: float = 0.8
    bend: float = 0.0
    lift: float = 0.5
    round: float = 3.0
    notch: float = 0.0
    shaft: float = 0.0


class Coat:
    """Colour, fine relief and coverage of the plumage on a grid."""

    def __init__(self, grid: Grid, ground: Array, mask: Array) -> None:
        self.grid = grid
        self.rgb = ground.astype(np.float32)
        self.alpha = mask.copy()
        self.relief = np.zeros(mask.shape, np.float32)
        self._x, self._y = grid.x, grid.y

    def covers(self, x: float, y: float) -> bool:
        """Whether the point is on the coat."""
        row = int((y - self.grid.y0) * self.grid.scale)
        column = int((x - self.grid.x0) * self.grid.scale)
        return bool(self.alpha[row, column] > 0.5)

    def lay(self, f: Feather) -> None:
        """Lay one feather over what is there, with its thin shadow on the feathers below."""
        c, s = float(np.cos(f.angle)), float(np.sin(f.angle))
        tip_x, tip_y = f.x + c * f.length, f.y + s * f.length
        m = f.width + abs(f.bend) * f.length + 2
        window = self.grid.window(
            min(f.x, tip_x) - m, min(f.y, tip_y) - m, max(f.x, tip_x) + m, max(f.y, tip_y) + m
        )
        px, py = self._x[:, window[1]] - f.x, self._y[window[0]] - f.y
        u = (px * c + py * s) / f.length
        inside = np.clip(u, 0.0, 1.0)
        v = py * c - px * s - f.bend * f.length * inside * inside
        half = f.width * (inside**0.4 * np.sqrt(1 - inside**f.round))
        far = np.abs(v)
        # Barbs leave the shaft at a slant; they tint the vane and fray its edge.
        barb = np.sin(7.0 * (u * f.length - 0.8 * far) + f.x * 5 + f.y * 3)
        gap = half * (1 + 0.05 * barb) - far
        cover = np.clip(gap * self.grid.scale + 0.5, 0, 1) * (u > 0) * (u < 1)
        shadow = np.clip(1 + gap / 1.6, 0, 1) * (u > 0.25) * (u < 1.1)
        # Distance from the edge of the vane, tip included, in units.
        rim = np.minimum(gap, (1 - inside) * f.length * 0.9)
        # Worn along the sides, fresh at the tip.
        fringe = np.clip(1.25 - rim / (1.9 * f.fringe), 0, 1) ** 1.6 * (0.2 + 0.7 * inside**1.5)
        if f.notch:
            teeth = 0.5 + 0.5 * np.sin(u * f.length * 0.85 + f.y)
            fringe = np.maximum(fringe, f.notch * (teeth > 0.62) * np.clip(1.9 - rim / 1.6, 0, 1))
        dark = np.exp(-((far / (0.42 * f.width)) ** 2)) * np.clip(3.2 * (1 - inside), 0, 1)
        tone = (0.74 + 0.3 * inside) * (1 + 0.07 * barb)
        if f.shaft:
            tone = tone * (1 - 0.45 * np.exp(-((v / 0.35) ** 2)) * (inside < 0.93))
        d, e = dark[..., None], fringe[..., None]
        colour = (f.core + (f.centre - f.core) * d) * (1 - e) + f.edge * e
        a = cover[..., None]
        under = self.rgb[window]
        under *= (1 - 0.30 * min(f.lift, 1.0) * shadow)[..., None]
        self.rgb[window] = under * (1 - a) + colour * tone[..., None] * a
        camber = np.clip(gap / np.maximum(half, 1e-3), 0, 1)
        height = f.lift * (0.4 + 0.9 * inside) + 0.35 * f.lift * f.width * 0.3 * camber
        self.relief[window] += (height - self.relief[window]) * cover
        self.alpha[window] = np.maximum(self.alpha[window], cover)

"""What the graph's synthesis computes, in NumPy: for tests, and said in plain code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from geometry import Geometry
from graph_pyramid import Picture
from numpy.typing import NDArray
from tables import Ints


def pixel_grid(height: int, width: int) -> NDArray[np.float32]:
    """Pixel centres, float32 [1, height, width, 2], x then y."""
    x, y = (2 * np.arange(width) + 1) / width - 1, (2 * np.arange(height) + 1) / height - 1
    return np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)


def lattice_grid(geometry: Geometry) -> tuple[NDArray[np.float32], list[slice]]:
    """A grid [1, P, 1, 2] that visits every cell of every level, and each level's part of it."""
    (scale_x, scale_y), (offset_x, offset_y) = geometry.affine()
    points, parts, start = [], [], 0
    for level in range(1, geometry.levels + 1):
        height, width = geometry.plane(level)
        cells = pixel_grid(height, width).astype(np.float64).reshape(-1, 2)
        cells = (cells - [float(offset_x), float(offset_y)]) / [float(scale_x), float(scale_y)]
        points.append(cells)
        parts.append(slice(start, start + len(cells)))
        start += len(cells)
    return np.concatenate(points).astype(np.float32)[None, :, None], parts


def sample(plane: Ints, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear values of a plane [H, W] at places [..., 2] in -1 .. 1, edges repeated."""
    height, width = plane.shape
    x = np.clip(((places[..., 0] + 1) * width - 1) / 2, 0, width - 1)
    y = np.clip(((places[..., 1] + 1) * height - 1) / 2, 0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x, y = x - left, y - top
    upper = plane[top, left] * (1 - x) + plane[top, right] * x
    lower = plane[bottom, left] * (1 - x) + plane[bottom, right] * x
    return np.asarray(upper * (1 - y) + lower * y)


def draw(picture: Picture, planes: Sequence[Ints], grid: NDArray[np.float32]) -> NDArray[np.uint8]:
    """uint8 [1, H', W', C]; the graph's result may differ by 1 (float32 there, float64 here)."""
    scale, offset = (np.array([float(v) for v in pair]) for pair in picture.geometry.affine())
    places = grid[0] * scale + offset
    features = (
        np.stack([sample(plane, places) for plane in planes]) * picture.table.step
    )  # [L, H', W']
    weights = picture.synthesis[:, :, 0, 0] * picture.context.scale
    levels = picture.geometry.levels
    hidden = np.einsum("lu,lhw->uhw", weights[:levels], features)
    hidden = np.maximum(hidden, weights[levels][:, None, None])
    colour = np.einsum("uhw,cu->hwc", hidden, weights[levels + 1 :]) / picture.context.scale
    return np.asarray(np.clip(np.rint(colour), 0, 255)[None], np.uint8)

"""Planes to pixels: bilinear interpolation of every level at the pixels' centres, and its adjoint.

What GridSample does at the pixel grid (border padding) is, for planes whose cells are a whole
number of pixels, the same small matrix for every run of cells; so a level is stretched by two
batches of dense products, which is several times faster on a CPU than a general resampler.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from imcodec.pyramid.filter_kernel import by_filter, filtered
from imcodec.pyramid.geometry import Geometry

#: pixels in one run of cells: enough to keep the products dense, few enough to waste little
RUN = 32


class Stretch:
    """Bilinear stretch of one axis of `cells` cells by a whole factor, edges repeated."""

    def __init__(self, cells: int, factor: int, device: torch.device) -> None:
        self.cells, self.factor = cells, factor
        self.run = max(1, min(cells, RUN // factor))  # cells a run
        self.runs = -(-cells // self.run)
        places = (torch.arange(self.run * factor, dtype=torch.float64) + 0.5) / factor + 0.5
        left = places.floor().long()  # cell -1 is column 0
        matrix = torch.zeros(self.run * factor, self.run + 2, dtype=torch.float64)
        rows = torch.arange(self.run * factor)
        matrix[rows, left] = 1 - (places - left)
        matrix[rows, left + 1] += places - left
        # [run * factor, run + 2]: a run, and the last and first cells of its neighbours
        self._matrix = matrix.float().to(device)
        self._inner = self._matrix[:, 1:-1].T.contiguous()
        self.surplus = self.runs * self.run - cells

    def forward(self, values: Tensor) -> Tensor:
        """[n, cells] -> [n, cells * factor]."""
        if self.factor == 1:
            return values
        if self.surplus:
            values = torch.cat([values, values[:, -1:].expand(-1, self.surplus)], 1)
        runs = values.reshape(len(values), self.runs, self.run)
        result = runs @ self._inner  # [n, runs, run * factor]
        # the neighbouring runs reach half a cell into this one
        half = (self.factor + 1) // 2
        before = torch.cat([runs[:, :1, 0], runs[:, :-1, -1]], 1)
        after = torch.cat([runs[:, 1:, 0], runs[:, -1:, -1]], 1)
        result[:, :, :half] += before[:, :, None] * self._matrix[:half, 0]
        result[:, :, -half:] += after[:, :, None] * self._matrix[-half:, -1]
        return result.view(len(values), -1)[:, : self.cells * self.factor]

    def adjoint(self, grad: Tensor) -> Tensor:
        """[n, cells * factor] -> [n, cells]."""
        if self.factor == 1:
            return grad
        count = grad.shape[0]
        if self.surplus:
            grad = F.pad(grad, (0, self.surplus * self.factor))
        runs = grad.view(count, self.runs, -1) @ self._matrix  # [n, runs, run + 2]
        whole = grad.new_zeros(count, self.runs * self.run + 2)
        whole[:, 1:-1] = runs[:, :, 1:-1].reshape(count, -1)
        whole[:, : -2 : self.run] += runs[:, :, 0]
        whole[:, self.run + 1 :: self.run] += runs[:, :, -1]
        result = whole[:, 1 : self.cells + 1].clone()
        result[:, 0] += whole[:, 0]
        result[:, -1] += whole[:, self.cells + 1 :].sum(1)
        return result


class Interpolation:
    """One level of a geometry at the pixels' centres."""

    def __init__(self, geometry: Geometry, level: int, device: torch.device) -> None:
        height, width = geometry.plane(level)
        finer = geometry.levels - level
        self.down = Stretch(height, geometry.row_factor**finer * geometry.pitch, device)
        self.across = Stretch(width, 2**finer * geometry.pitch, device)
        _, (offset_x, offset_y) = geometry.affine()
        whole_h, whole_w = (side * geometry.pitch for side in geometry.plane(geometry.levels))
        # an even surplus lies on both sides, an odd one right and below (Geometry.affine)
        self.top = 0 if offset_y else (whole_h - geometry.height) // 2
        self.left = 0 if offset_x else (whole_w - geometry.width) // 2
        self.size = geometry.height, geometry.width
        self.whole = whole_h, whole_w

    @classmethod
    def of_levels(cls, geometry: Geometry, device: torch.device) -> list[Interpolation]:
        """Those of all levels, coarse to fine."""
        return [cls(geometry, level, device) for level in range(1, geometry.levels + 1)]

    def forward(self, plane: Tensor) -> Tensor:
        """A plane [h, w] at the pixels [height, width]."""
        rows = self.down.forward(plane.T).T
        rows = rows[self.top : self.top + self.size[0]]
        return self.across.forward(rows.contiguous())[:, self.left : self.left + self.size[1]]

    def adjoint(self, grad: Tensor) -> Tensor:
        """The transpose of forward(): [height, width] -> [h, w]."""
        if self.whole != self.size:
            right = self.whole[1] - self.size[1] - self.left
            grad = F.pad(grad, (self.left, right))
        rows = self.across.adjoint(grad.contiguous())
        if self.whole != self.size:
            rows = F.pad(rows, (0, 0, self.top, self.whole[0] - self.size[0] - self.top))
        return self.down.adjoint(rows.T.contiguous()).T


class Filtering:
    """A plane [h, w] through a filter [3, 3], zeros outside, and its adjoint."""

    def __init__(self, plane: Tensor, weights: Tensor) -> None:
        self._padded = F.pad(plane, (1, 1, 1, 1))
        self._weights = weights
        self.size = plane.shape

    def forward(self) -> Tensor:
        """The filtered plane [h, w]."""
        return self._shifted(self._padded, self._weights)

    def adjoint(self, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by the plane [h, w] and the filter [3, 3] from that by the filtered plane."""
        by_plane = self._shifted(F.pad(grad, (1, 1, 1, 1)), self._weights.flip(0, 1))
        if grad.device.type == "cpu" and grad.dtype == torch.float32:
            total = torch.zeros(3, 3)
            by_filter(total.numpy(), grad.contiguous().numpy(), self._padded.numpy())
            return by_plane, total
        products = [(view * grad).sum() for view in self._views(self._padded)]
        return by_plane, torch.stack(products).view(3, 3)

    def _views(self, padded: Tensor) -> list[Tensor]:
        height, width = self.size
        return [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]

    def _shifted(self, padded: Tensor, weights: Tensor) -> Tensor:
        if padded.device.type == "cpu" and padded.dtype == torch.float32:
            out = torch.empty(self.size)
            filtered(out.numpy(), padded.numpy(), weights.contiguous().numpy())
            return out
        total = padded.new_zeros(self.size)
        for view, weight in zip(self._views(padded), weights.flatten(), strict=True):
            total.addcmul_(view, weight)
        return total

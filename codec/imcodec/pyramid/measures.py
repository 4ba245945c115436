"""What a fit can minimise in place of the squared error, with its gradient by the drawn colours.

* ssim: 1 - MS-SSIM (Wang et al. 2003), with a little squared error, without which flat parts drift.
* perceptual: squared differences of Laplacian pyramids in a colour space with the eye's response
  (cube roots of cone responses, as opponent colours), divided by what is in the picture there and
  nearby already, which hides them: a normalised Laplacian pyramid (Laparra et al. 2016) that takes
  the normalisation from the original; and a little squared error.

Both are scaled so that one lambda makes files of about the same size as with the squared error
(benchmarks/tune.md). Large pictures are measured in tiles.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

#: a tile's longest side in pixels, at most
TILE = 512
#: 1 - MS-SSIM, and the pyramids' distance, times these are as large as the squared error
SSIM_SCALE, PERCEPTUAL_SCALE = 0.035, 0.016
#: share of the squared error in each
SSIM_SQUARES, PERCEPTUAL_SQUARES = 0.1, 0.2
#: linear light to the responses of cones, and what is added to these
CONES = ((0.3, 0.622, 0.078), (0.23, 0.692, 0.078), (0.2434, 0.2048, 0.5518))
LIGHT = 0.0038
#: levels of the Laplacian pyramids, their weights from the finest to what is left, and weights of
#: the three opponent colours: red - green, lightness, blue
LEVELS = (0.5, 1.0, 1.5, 2.0, 2.0, 2.0)
OPPONENTS = (2.0, 1.0, 0.25)
#: contrast below which nothing is hidden
THRESHOLD = 0.05

Distance = Callable[[Tensor], Tensor]


class Measure:
    """A distance to a picture. `wanted` [channels, height * width], colours 0 .. 255."""

    def __init__(self, tune: str, wanted: Tensor, size: tuple[int, int]) -> None:
        self._wanted = wanted.view(1, len(wanted), *size)
        height, width = size
        rows, columns = _cuts(height), _cuts(width)
        self._parts = [(top, left) for top in rows for left in columns]
        self._squares = SSIM_SQUARES if tune == "ssim" else PERCEPTUAL_SQUARES
        kind: Any = _structure if tune == "ssim" else _Pyramids
        self._distances: list[Distance] = [kind(self._tile(self._wanted, p)) for p in self._parts]

    def __call__(self, colours: Tensor, pool: ThreadPoolExecutor) -> tuple[float, Tensor]:
        """The distance of colours [channels, height * width], 0 .. 255, and its gradient."""
        picture = colours.view_as(self._wanted)
        gradient = torch.empty_like(picture)
        whole = picture.shape[2] * picture.shape[3]

        def tile(index: int) -> float:
            part = self._parts[index]
            shown = self._tile(picture, part).clone().requires_grad_()
            share = shown.shape[2] * shown.shape[3] / whole
            with torch.enable_grad():
                squares = (shown - self._tile(self._wanted, part)).square().mean() / 255**2
                distance = self._distances[index](shown)
                value = share * ((1 - self._squares) * distance + self._squares * squares)
            (found,) = torch.autograd.grad(value, shown)
            self._tile(gradient, part).copy_(found)
            return float(value.detach())

        total = sum(pool.map(tile, range(len(self._parts))))
        return total, gradient.view_as(colours)

    @staticmethod
    def _tile(picture: Tensor, part: tuple[slice, slice]) -> Tensor:
        return picture[:, :, part[0], part[1]]


def _cuts(length: int) -> list[slice]:
    """Pieces of nearly the same length."""
    count = -(-length // TILE)
    edges = [length * i // count for i in range(count + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def _structure(wanted: Tensor) -> Distance:
    """1 - MS-SSIM; its window shrinks with the picture, and a few pixels have no structure."""
    from pytorch_msssim import ms_ssim

    window = min(11, (min(wanted.shape[2:]) - 1) // 16)
    window -= 1 - window % 2
    if window < 3:
        return lambda shown: (shown - wanted).square().mean() / (255**2 * SSIM_SCALE)

    def distance(shown: Tensor) -> Tensor:
        similarity: Tensor = ms_ssim(shown, wanted, data_range=255, win_size=window)
        return SSIM_SCALE * (1 - similarity)

    return distance


class _Pyramids:
    """The normalised pyramids' distance."""

    def __init__(self, wanted: Tensor) -> None:
        self._wanted = _opponents(wanted)
        self._hidden = [1 / (_nearby(band) + THRESHOLD**2) for band in _bands(self._wanted)]
        self._alpha = wanted[:, 3 if wanted.shape[1] == 4 else 1 :] if _has_alpha(wanted) else None

    def __call__(self, shown: Tensor) -> Tensor:
        bands = _bands(_opponents(shown) - self._wanted)
        weights = shown.new_tensor(OPPONENTS).view(1, 3, 1, 1)
        total = shown.new_zeros(())
        for band, hidden, share in zip(bands, self._hidden, LEVELS, strict=False):
            total = total + share * (band.square() * hidden * weights).mean()
        total = PERCEPTUAL_SCALE * total
        if self._alpha is not None:
            alpha = shown[:, -1:] - self._alpha
            total = total + alpha.square().mean() / 255**2
        return total


def _has_alpha(picture: Tensor) -> bool:
    return picture.shape[1] in (2, 4)


def _opponents(picture: Tensor) -> Tensor:
    """Colours 0 .. 255 [1, channels, h, w] to opponent colours [1, 3, h, w]."""
    colours = picture[:, :-1] if _has_alpha(picture) else picture
    colours = (colours.expand(-1, 3, -1, -1) / 255).clamp(1e-4, 1)
    light = torch.where(
        colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055).clamp_min(0.05) ** 2.4
    )
    cones = torch.einsum("oc,nchw->nohw", light.new_tensor(CONES), light)
    long, medium, short = ((cones + LIGHT) ** (1 / 3)).unbind(1)
    return torch.stack([(long - medium) / 2, (long + medium) / 2, short], 1)


def _bands(picture: Tensor) -> list[Tensor]:
    """A Laplacian pyramid, finest first; what is left comes last."""
    bands = []
    for _ in LEVELS[:-1]:
        if min(picture.shape[2:]) < 4:
            break
        coarse = F.avg_pool2d(picture, 2, ceil_mode=True, count_include_pad=False)
        size = picture.shape[2:]
        fine = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        bands.append(picture - fine[:, :, : size[0], : size[1]])
        picture = coarse
    return [*bands, picture]


def _nearby(band: Tensor) -> Tensor:
    """The mean square of a band around each place."""
    return F.avg_pool2d(band.square(), 5, 1, 2, count_include_pad=False)

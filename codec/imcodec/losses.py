"""What the fit minimises, and how it draws the pixels for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from imcodec.errors import MissingExtraError

#: where the Huber loss turns from square to linear; colours are in [0, 1]
HUBER_DELTA = 0.1
#: share of SSIM in the mix with L1 (Zhao et al. 2017, "Loss Functions for Image Restoration")
SSIM_SHARE = 0.84
PATCH = 32

LossFunction = Callable[[Tensor, Tensor], Tensor]


def loss_function(name: str, size: tuple[int, int]) -> LossFunction:
    """Mean loss over (colours, wanted), both [N, C] in [0, 1]; for "ssim" N is whole patches.

    `size` is (width, height) of the picture. Raises MissingExtraError without pytorch-msssim.
    """
    if name == "mse":
        return F.mse_loss
    if name == "l1":
        return F.l1_loss
    if name == "huber":
        return lambda colours, wanted: F.huber_loss(colours, wanted, delta=HUBER_DELTA)
    patch = patch_size(size)
    # A patch of one or two pixels has no structure to compare.
    return _ssim_mix(patch) if min(patch) > 2 else F.l1_loss


def patch_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the patches that the SSIM mix is measured on."""
    return min(PATCH, size[1]), min(PATCH, size[0])


def _ssim_mix(patch: tuple[int, int]) -> LossFunction:
    try:
        from pytorch_msssim import ssim
    except ImportError as error:
        raise MissingExtraError(
            'the ssim loss needs pytorch-msssim: pip install "imcodec[encode]"'
        ) from error
    window = min(11, min(patch) - 1 + min(patch) % 2)  # odd, and inside the patch

    def loss(colours: Tensor, wanted: Tensor) -> Tensor:
        a, b = (
            value.reshape(-1, *patch, value.shape[-1]).permute(0, 3, 1, 2)
            for value in (colours, wanted)
        )
        similarity: Tensor = ssim(a, b, data_range=1.0, win_size=window)
        return SSIM_SHARE * (1 - similarity) + (1 - SSIM_SHARE) * F.l1_loss(colours, wanted)

    return loss


def batches(
    name: str, size: tuple[int, int], batch: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """Indices into the pixels, row by row, of each step of one epoch."""
    if name == "ssim":
        return _patches(size, batch, generator)
    return iter(torch.split(torch.randperm(size[0] * size[1], generator=generator), batch))


def steps_per_epoch(name: str, size: tuple[int, int], batch: int) -> int:
    """Number of tensors that batches() yields."""
    pixels = size[0] * size[1]
    if name == "ssim":
        height, width = patch_size(size)
        batch = max(1, batch // (height * width)) * height * width
    return -(-pixels // batch)


def _patches(size: tuple[int, int], batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Patches at random places, as many as hold the picture's number of pixels."""
    height, width = patch_size(size)
    count = max(1, batch // (height * width))
    inside = torch.arange(height)[:, None] * size[0] + torch.arange(width)  # [h, w]
    for _ in range(steps_per_epoch("ssim", size, batch)):
        top = torch.randint(size[1] - height + 1, (count,), generator=generator)
        left = torch.randint(size[0] - width + 1, (count,), generator=generator)
        yield ((top * size[0] + left)[:, None, None] + inside).flatten()

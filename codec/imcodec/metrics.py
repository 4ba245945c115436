"""How close two pictures are: PSNR, SSIM and MS-SSIM over all channels, for uint8 pixels.

PSNR is 10 log10(255² / MSE), the error averaged over pixels and channels. SSIM is Wang et al. 2004
with its Gaussian window (sigma 1.5, 11x11), computed for each channel and averaged; MS-SSIM is
Wang et al. 2003 with its five scales. Both similarity measures need the extra `encode`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import MissingExtraError, UsageError

SSIM_MIN_SIDE = 11
MS_SSIM_MIN_SIDE = 161

_BAND_SAMPLES = 1 << 22


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB of uint8 [H, W] or [H, W, C]; infinite if they are equal.

    Raises UsageError if the two do not match.
    """
    check_pictures(a, b)
    rows = max(1, _BAND_SAMPLES // max(1, a[0].size))
    total = 0
    for top in range(0, a.shape[0], rows):
        error = a[top : top + rows].astype(np.int32) - b[top : top + rows]
        total += int(np.square(error, out=error).sum(dtype=np.int64))
    return math.inf if total == 0 else 10 * math.log10(255**2 * a.size / total)


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float | None:
    """Structural similarity, at most 1, of uint8 [H, W] or [H, W, C].

    None if a side is shorter than the window of 11 pixels. Raises UsageError if the two do not
    match, and MissingExtraError without scikit-image.
    """
    check_pictures(a, b)
    try:
        from skimage.metrics import structural_similarity
    except ImportError as exc:
        raise _missing("SSIM", "scikit-image") from exc
    if min(a.shape[:2]) < SSIM_MIN_SIDE:
        return None
    untyped: Any = structural_similarity
    return float(
        untyped(
            _with_channels(a),
            _with_channels(b),
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
    )


def ms_ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float | None:
    """Multi-scale structural similarity, 0 to 1, of uint8 [H, W] or [H, W, C].

    None if a side is shorter than 161 pixels: the window does not fit the coarsest scale. Raises
    UsageError if the two do not match, and MissingExtraError without torch and pytorch-msssim.
    """
    check_pictures(a, b)
    try:
        import pytorch_msssim
        import torch
    except ImportError as exc:
        raise _missing("MS-SSIM", "torch and pytorch-msssim") from exc
    if min(a.shape[:2]) < MS_SSIM_MIN_SIDE:
        return None

    def planes(pixels: NDArray[np.uint8]) -> Any:  # [1, C, H, W]
        return torch.tensor(_with_channels(pixels)).permute(2, 0, 1)[None].float()

    with torch.no_grad():
        return float(pytorch_msssim.ms_ssim(planes(a), planes(b), data_range=255))


def check_pictures(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> None:
    """Raise UsageError unless both are uint8 [H, W] or [H, W, C] of one shape."""
    for pixels in (a, b):
        if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.size == 0:
            form = "x".join(map(str, pixels.shape))
            raise UsageError(f"pixels are {pixels.dtype} {form}; give uint8 [H, W] or [H, W, C]")
    if a.shape != b.shape:
        first, second = ("x".join(map(str, pixels.shape)) for pixels in (a, b))
        raise UsageError(
            f"the pictures differ in size or channels ({first} and {second}, rows x columns x"
            " channels); compare pictures of one form"
        )


def _with_channels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _missing(measure: str, packages: str) -> MissingExtraError:
    return MissingExtraError(f'{measure} needs {packages}; pip install "imcodec[encode]"')

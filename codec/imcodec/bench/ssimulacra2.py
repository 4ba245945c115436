"""SSIMULACRA 2 (Sneyers 2022, version 2.1) as the reference program measures it.

The package `ssimulacra2` brings the colours, the error maps and the weights. Its blur is not the
reference's, and it stops one scale early for small pictures, which together moves scores by up to
5 points; so both are done here. Checked against scores of the reference program: JPEGs within 0.2
(tests/test_bench_quality.py).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from imcodec.errors import MissingExtraError
from imcodec.metrics import check_pictures

SIGMA = 1.5
SCALES = 6
#: shortest side of a picture
MIN_SIDE = 8


def ssimulacra2(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float | None:
    """SSIMULACRA 2 of uint8 RGB [H, W, 3], at most 100, below 0 for very bad pictures.

    `a` is the original. None if a side is shorter than 8 pixels. Raises UsageError if the two do
    not match, MissingExtraError without the package ssimulacra2.
    """
    check_pictures(a, b)
    try:
        import ssimulacra2.ssimulacra2 as package
    except ImportError as error:
        raise MissingExtraError(
            'SSIMULACRA 2 needs ssimulacra2; pip install "imcodec[bench]"'
        ) from error
    if min(a.shape[:2]) < MIN_SIDE:
        return None
    linear = [package.srgb_to_linear(pixels.astype(np.float64)) for pixels in (a, b)]
    scales = package.Msssim()
    for scale in range(SCALES):
        # the reference asks before it halves: the last scale may have 4 pixels
        if min(linear[0].shape[:2]) < MIN_SIDE:
            break
        if scale:
            linear = [package.downsample(pixels, 2, 2) for pixels in linear]
        x, y = (package.make_positive_xyb(package.linear_rgb_to_xyb(pixels)) for pixels in linear)
        mean_x, mean_y = _blurred(x), _blurred(y)
        found = package.MsssimScale()
        found.avg_ssim = package.ssim_map(
            mean_x, mean_y, _blurred(x * x), _blurred(y * y), _blurred(x * y)
        )
        found.avg_edgediff = package.edge_diff_map(x, mean_x, y, mean_y)
        scales.scales.append(found)
    return float(scales.score())


def _blurred(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Planes [H, W, 3], smoothed; beyond the edges is nothing."""
    from scipy.ndimage import correlate1d

    for axis in (0, 1):
        planes = correlate1d(planes, _kernel(), axis=axis, mode="constant")
    return planes


@cache
def _kernel() -> NDArray[np.float64]:
    """The impulse response of the reference's recursive Gaussian filter.

    Three truncated cosines (Charalampidis, "Recursive Implementation of the Gaussian Filter Using
    Truncated Cosine Functions", 2016; the numbers in brackets are its equations).
    """
    radius = round(3.2795 * SIGMA + 0.2546)  # (57)
    omega = np.array([1, 3, 5]) * np.pi / (2 * radius)
    sign = np.array([1, -1, 1])
    p = sign / np.tan(omega / 2)  # (37)
    r = sign * p**2 / np.sin(omega)  # (44)
    rho = np.exp(-0.5 * (SIGMA * omega) ** 2) / radius  # (50)
    zeta = np.cross(p, r)  # (52), up to a factor that the next line takes out
    zeta = zeta / zeta[2]
    target = [1.0, radius**2 - SIGMA**2, float(zeta @ rho)]  # (55)
    beta = np.linalg.solve(np.array([p, r, zeta]), target)  # (53), (56)
    steps = np.arange(-radius, radius + 1)
    return np.asarray(beta @ np.cos(np.outer(omega, steps)))

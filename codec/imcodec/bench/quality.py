"""The measures of quality that rows hold, and how curves are made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from imcodec.bench.ssimulacra2 import ssimulacra2
from imcodec.colour import Pixels
from imcodec.errors import MissingExtraError, UsageError
from imcodec.metrics import ms_ssim, psnr, ssim


@dataclass(frozen=True)
class Metric:
    """A measure of how close two pictures are."""

    name: str
    label: str
    #: what its values are, in words
    described: str
    measure: Callable[[Pixels, Pixels], float | None]
    #: similarities near 1 are compared as -10 log10(1 - x), as is the custom
    is_similarity: bool = False
    digits: int = 2

    def scale(self, value: float) -> float:
        """The value on the scale on which curves are interpolated and averaged over."""
        if not self.is_similarity:
            return value
        return -10 * math.log10(max(1 - value, 1e-10))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", "dB, RGB, 8 bits; the mean of the pictures' dB", psnr),
        Metric(
            "ms_ssim",
            "MS-SSIM",
            "five scales, mean of R, G and B; curves in -10 log10(1 - x)",
            ms_ssim,
            is_similarity=True,
            digits=4,
        ),
        Metric(
            "ssim",
            "SSIM",
            "Gaussian window of 11x11, mean of R, G and B; curves in -10 log10(1 - x)",
            ssim,
            is_similarity=True,
            digits=4,
        ),
        Metric("ssimulacra2", "SSIMULACRA 2", "100: equal, 70: high, 50: medium", ssimulacra2),
    )
}


def able_metrics(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those that can be measured here, and a line about each that cannot.

    Raises UsageError for unknown names.
    """
    small = np.zeros((8, 8, 3), np.uint8)
    able, missing = [], []
    for name in names:
        if name not in METRICS:
            raise UsageError(f"metric '{name}' is unknown; choose from {', '.join(METRICS)}")
        try:
            METRICS[name].measure(small, small)
            able.append(name)
        except MissingExtraError as error:
            missing.append(f"{METRICS[name].label} is left out: {error}")
    return able, missing


def measure_all(a: Pixels, b: Pixels, names: Sequence[str]) -> dict[str, float | None]:
    """Each metric of two pictures [H, W, 3]; None if it is infinite or the picture too small.

    Metrics whose package is missing are left out.
    """
    found: dict[str, float | None] = {}
    for name in names:
        try:
            value = METRICS[name].measure(a, b)
        except MissingExtraError:
            continue
        found[name] = None if value is None or not math.isfinite(value) else round(value, 6)
    return found

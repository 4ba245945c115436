"""How many bits soft rounding adds to a latent on the way of a fit (targets.md).

    python benchmarks/softness.py PHOTO ... [--steps 150] [--lambdas 0.1 0.03 0.01 0.003]

Fits the middle 384x256 pixels of each photo, reduced to 768 pixels, with and without the plane of
single pixels. Bits per pixel at shares of the steps, less those that the fit ends with, over the
cells of the finest plane for each pixel; mean and standard deviation over photos and lambdas.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from starts import crop

from imcodec.pyramid.choice import choose
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.settings import PyramidSettings

SHARES = (0.12, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--lambdas", type=float, nargs="+", default=[0.1, 0.03, 0.01, 0.003])
    arguments = parser.parse_args()
    photos = [crop(path) for path in arguments.photos]
    print("| plane of single pixels |", " | ".join(map(str, SHARES)), "|")
    print("| --- |" + " ---: |" * len(SHARES))
    for pitch in (1, 2):
        settings = PyramidSettings(steps=arguments.steps)
        found = np.array([added(p, settings, x, pitch) for p in photos for x in arguments.lambdas])
        cells = [
            f"{mean:.3f} ({spread:.3f})"
            for mean, spread in zip(found.mean(0), found.std(0), strict=True)
        ]
        print(f"| {'with' if pitch == 1 else 'without'} |", " | ".join(cells), "|", flush=True)


def added(
    pixels: NDArray[np.uint8], settings: PyramidSettings, price: float, pitch: int
) -> NDArray[np.float64]:
    """Bits for each cell besides those at the end, at SHARES of the steps."""
    recipe, _ = choose(Jpeg(pixels), settings, price)
    geometry = choose_geometry(*pixels.shape[:2], pitch=pitch)
    recipe = replace(recipe, empty=min(recipe.empty, geometry.levels - 1))
    curve: list[tuple[float, float]] = []
    fit = Fit(pixels, geometry, recipe, torch.device("cpu"), 2)
    end = fit.run(lambda report: curve.append((report.share, report.bpp))).bpp
    shares, bits = np.array(curve).T
    return np.asarray((np.interp(SHARES, shares, bits) - end) * pitch**2)


if __name__ == "__main__":
    main()

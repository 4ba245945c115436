"""What a quality stands for in one picture: lambda, the price of a bit.

    usual   = 10 ** (-1.6 - 0.024 * quality)                   imcodec.pyramid.settings
    picture = usual * sqrt(cost / (0.05 * usual ** 0.52))      at most four times more or less

`cost` is JPEG's least mse + usual * bits per pixel for the picture; 0.05 * usual ** 0.52 is what it
is for training photos (geometric mean, within 2 % for qualities from 0 to 100).

A bit buys fewer decibels where there is much to say. At one price for all, a folder's textured
pictures take bits with which its smooth ones would gain more; so a picture that costs twice as
much as usual has bits at 1.4 times the price. A folder takes 4 % fewer bytes then for the same mean
PSNR, or SSIMULACRA 2 (benchmarks/fitting.md). No picture's file is smaller for its own PSNR.
"""

from __future__ import annotations

from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.settings import PyramidSettings, lambda_of

#: JPEG's cost of a usual photo is FACTOR * lambda ** POWER
FACTOR, POWER = 0.05, 0.52
#: how far the price follows the picture's cost, and how far at most
SHARE, MOST = 0.5, 4.0


def price_of(settings: PyramidSettings, jpeg: Jpeg) -> float:
    """Lambda for one picture: the one that was given, or what its quality stands for."""
    if settings.lmbda is not None:
        return settings.lmbda
    usual = lambda_of(settings.quality)
    dearer = jpeg.cost(usual) / (FACTOR * usual**POWER)
    return usual * min(max(float(dearer**SHARE), 1 / MOST), MOST)

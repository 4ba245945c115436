"""What a file is to be: of a size, or of a quality."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from imcodec.pyramid.finish import Coded
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.fitted import Fitted
from imcodec.pyramid.settings import PyramidSettings

#: a file may be this much smaller than asked for, and this many decibels better; never the reverse
SMALLER, BETTER = 0.02, 0.1
#: what is aimed at, within that
AIM_SMALLER, AIM_BETTER = 0.006, 0.08
#: what is kept as a distance to the limit as long as the file has not been decoded
SPARE_SMALLER, SPARE_BETTER = 0.001, 0.005


@dataclass(frozen=True)
class Found:
    """What a file is, or will be."""

    size: int
    #: dB, 8-bit
    psnr: float


@dataclass(frozen=True)
class Goal:
    """A number of bytes, or a PSNR in dB."""

    kind: Literal["size", "psnr"]
    value: float

    @classmethod
    def of(cls, settings: PyramidSettings, pixels: int) -> Goal | None:
        """The goal of some settings for a picture of so many pixels, if they have one."""
        if settings.target_psnr is not None:
            return cls("psnr", settings.target_psnr)
        if settings.target_bpp is not None:
            return cls("size", settings.target_bpp * pixels / 8)
        return None if settings.target_size is None else cls("size", settings.target_size)

    @property
    def aim(self) -> float:
        """The middle of what is allowed, a little to the safe side."""
        if self.kind == "size":
            return self.value * (1 - AIM_SMALLER)
        return self.value + AIM_BETTER

    def met(self, found: Found) -> bool:
        """Whether a file is what was asked for."""
        if self.kind == "size":
            return self.value * (1 - SMALLER) <= found.size <= self.value
        return self.value <= found.psnr <= self.value + BETTER

    @property
    def limit(self) -> float:
        """What a file that has not been decoded yet must keep to."""
        if self.kind == "size":
            return self.value * (1 - SPARE_SMALLER)
        return self.value + SPARE_BETTER

    def safe(self, found: Found) -> bool:
        """Whether a file that has not been decoded yet will be what was asked for."""
        inside = found.size <= self.limit if self.kind == "size" else found.psnr >= self.limit
        return inside and self.met(found)

    def difference(self, found: Found) -> float:
        """log of a file's bytes, or of its squared error, over what is aimed at."""
        return self._over(found, self.aim)

    def missing(self, found: Found) -> float:
        """log of a file's bytes, or of its squared error, over what it may have at most."""
        return self._over(found, self.limit)

    def _over(self, found: Found, value: float) -> float:
        if self.kind == "size":
            return math.log(found.size / value)
        return (value - found.psnr) * math.log(10) / 10

    def rank(self, found: Found) -> tuple[int, float]:
        """The smaller the better: files that are what was asked for, the best picture or fewest
        bytes first; then the others, the nearest first.
        """
        if not self.safe(found):
            return 1, self.distance(found)
        return 0, -found.psnr if self.kind == "size" else found.size

    def distance(self, found: Found) -> float:
        """How far a file is from the goal, less is better; files on the wrong side are far."""
        if self.kind == "size":
            over = found.size / self.value - 1
            return 1 + over if over > 0 else -over
        under = self.value - found.psnr
        return 100 + under if under > 0 else -under

    def missed(self, found: Found) -> str:
        """One line about a file that is not what was asked for."""
        if self.kind == "size":
            nearest = f"{found.size:,} bytes"
            asked = f"{int(self.value):,} bytes"
        else:
            nearest, asked = f"{found.psnr:.2f} dB", f"{self.value:g} dB"
        return f"the target of {asked} was not reached; the nearest file has {nearest}"


@dataclass(frozen=True)
class Aim:
    """A goal, and how many bytes a file has that is built of a state and its code."""

    goal: Goal
    size_of: Callable[[Fitted, Coded], int]

    def found(self, fit: Fit, fitted: Fitted, coded: Coded) -> Found:
        """The file of a state of a fit, without decoding it; `fit` draws with its networks then."""
        fit.recall(fitted)
        return Found(self.size_of(fitted, coded), decibels(fit.mse_of(coded.planes)))


def decibels(mse: float) -> float:
    """PSNR of a mean squared error of colours in 0 .. 1."""
    return -10 * math.log10(max(mse, 1e-10))

"""How long an encoding will take, from its first steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from imcodec.encoder import encode_picture, require_torch
from imcodec.grid import MAX_PIXELS
from imcodec.image import Picture, read_picture
from imcodec.progress import Progress
from imcodec.settings import EncodeSettings, PyramidSettings


@dataclass(frozen=True)
class Estimate:
    """What is expected of an encoding."""

    #: from reading the picture to the finished file
    seconds: float
    #: steps of the fit in all
    steps: int


class _EnoughError(Exception):
    """Ends an encoding as soon as it says how long it will take."""


def estimate(
    image: Any, settings: EncodeSettings | None = None, *, max_pixels: int = MAX_PIXELS
) -> Estimate:
    """How long encode_picture() will take for this picture and settings, here and now.

    It begins to encode, and stops after a few steps. Raises what encode_picture() raises.
    """
    settings = settings or PyramidSettings()
    require_torch()
    picture = image if isinstance(image, Picture) else read_picture(image, max_pixels=max_pixels)
    if isinstance(settings, PyramidSettings):
        _compile(picture, settings)
    found: list[Progress] = []

    def look(progress: Progress) -> None:
        found.append(progress)
        if progress.expected is not None:
            raise _EnoughError

    try:
        seconds = encode_picture(picture, settings, progress=look, max_pixels=max_pixels).seconds
    except _EnoughError:
        seconds = found[-1].expected or 0.0
    return Estimate(seconds, found[-1].steps)


def _compile(picture: Picture, settings: PyramidSettings) -> None:
    """What a first run does once must not count."""
    channels = picture.pixels.shape[2]
    plain = replace(
        settings, steps=1, time_limit=0, target_size=None, target_bpp=None, target_psnr=None
    )
    encode_picture(np.zeros((8, 8, channels), np.uint8), plain)

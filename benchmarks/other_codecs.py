"""The codecs that people would use instead, all by Pillow, with their better settings."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: keywords of Image.save for a quality of 0 to 100
CODECS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "JPEG": lambda quality: {"quality": max(1, quality), "optimize": True, "progressive": True},
    "WebP": lambda quality: {"quality": quality, "method": 6},
    "AVIF": lambda quality: {"quality": quality, "speed": 4, "subsampling": "4:4:4"},
}


@dataclass(frozen=True)
class Coded:
    """What another codec made of a picture."""

    codec: str
    quality: int
    data: bytes
    #: decoded again, uint8 [H, W, 3]
    pixels: NDArray[np.uint8]


def code(codec: str, pixels: NDArray[np.uint8], quality: int) -> Coded:
    """Encode and decode RGB or grey `pixels` [H, W, C] at a quality of 0 to 100."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    stream = io.BytesIO()
    image.save(stream, codec, **CODECS[codec](quality))
    decoded = np.asarray(Image.open(stream).convert(image.mode)).reshape(pixels.shape)
    return Coded(codec, quality, stream.getvalue(), decoded)


def nearest_size(codec: str, pixels: NDArray[np.uint8], size: int) -> Coded:
    """The quality whose file comes nearest to `size` bytes; sizes grow with quality, nearly."""
    low, high = 0, 100
    tried: dict[int, Coded] = {}
    while low <= high:
        quality = (low + high) // 2
        tried[quality] = code(codec, pixels, quality)
        if len(tried[quality].data) < size:
            low = quality + 1
        else:
            high = quality - 1
    return min(tried.values(), key=lambda coded: abs(len(coded.data) - size))

"""Pictures that the tests draw for themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def scene(width: int, height: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture with an edge and some grain, uint8 [H, W, C]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    u, v = (x + 0.5) / width, (y + 0.5) / height
    planes = [
        0.5 + 0.4 * np.sin(3 * u + 2 * v),
        0.2 + 0.6 * v,
        np.where(u + 0.3 * v > 0.6, 0.8, 0.3),
        0.4 + 0.5 * u,
    ]
    if channels == 2:
        planes = [planes[0], planes[3]]
    pixels = np.stack(planes[:channels], axis=-1) + rng.normal(0, 0.01, (height, width, channels))
    return (pixels.clip(0, 1) * 255).round().astype(np.uint8)


def made_header(**changes: object):  # type: ignore[no-untyped-def]
    """A header with small layers; any field can be replaced."""
    from imcodec.header import Header

    fields: dict[str, object] = {
        "width": 37,
        "height": 53,
        "channels": 3,
        "digits": 10,
        "features": "normalised",
        "frequencies": 0,
        "widths": (12, 12),
        "activations": ("sine", "tanh"),
        "output_activation": "linear",
        "psnr": 3012,
    }
    return Header(**(fields | changes))  # type: ignore[arg-type]


def made_weights(header, seed: int = 0):  # type: ignore[no-untyped-def]
    """Random stored weights that fit a header."""
    from imcodec.graph import StoredWeights
    from imcodec.packing import half_range, pack

    rng = np.random.default_rng(seed)
    half = half_range(header.digits)
    weights = rng.integers(-half, half + 1, sum(header.tensor_sizes))
    steps = rng.uniform(0.2, 1.0, len(header.tensor_sizes)) / half
    return StoredWeights(steps.astype("<f4").tobytes(), pack(weights, header.digits))


def made_file(seed: int = 0, **changes: object) -> bytes:
    """A valid file with random weights."""
    from imcodec.graph import build

    header = made_header(**changes)
    return build(header, made_weights(header, seed))

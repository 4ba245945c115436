"""Plane waves: the table behind `features="fourier"`.

A network that sees only (x, y) learns smooth things first and fine detail late (Tancik et al.
2020, "Fourier Features Let Networks Learn High Frequency Functions"). Showing it sines and cosines
of many plane waves cures that. The table is a fixed function of its length, so it costs no bits to
choose: directions turn by the golden angle, and frequencies grow up to a largest one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: half-waves over the picture's width (or height) for the fastest wave; fits a signed byte
MAX_HALF_WAVES = 96
GOLDEN_ANGLE = np.pi * (3 - 5**0.5)


def plane_waves(count: int) -> NDArray[np.int8]:
    """Half-waves over the picture along x and y of each wave, int8 [2, count].

    Wave i is sin and cos of pi/2 * (fx x + fy y), x and y in [-1, 1].
    """
    i = np.arange(count, dtype=np.float64)
    # A power above 1/2 puts more waves at low frequencies, where photos have more to say.
    radius = 1 + (MAX_HALF_WAVES - 1) * (i / max(count, 1)) ** 1.5
    angle = i * GOLDEN_ANGLE
    table = np.stack([radius * np.cos(angle), radius * np.sin(angle)])
    return np.rint(table).astype(np.int8)

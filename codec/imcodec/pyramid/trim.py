"""The last per cent: latents that lie nearest to a rounding edge go one step towards 0.

That saves bits, and spoils a little; how many latents go is found by halving. It costs about twice
what a higher lambda would cost for the same bits, so it is for small differences only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.finish import Coded
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.latents import LATENT_UNIT
from imcodec.pyramid.table import Ints, Table
from imcodec.pyramid.walk_kernel import encode_latents

#: share of the latents that are not 0 that may be moved, and how often the number is halved
LARGEST_SHARE, HALVINGS = 0.1, 8


def trim(fit: Fit, coded: Coded, enough: Callable[[Coded], bool]) -> Coded | None:
    """The code with the fewest latents moved that is `enough`, or none."""
    values = np.concatenate([plane.ravel() for plane in coded.planes])
    order = _nearest_to_an_edge(values, fit.latents.stored.cpu().numpy() * LATENT_UNIT)
    low, high = 0, int(LARGEST_SHARE * len(order))
    found: Coded | None = None
    for _ in range(HALVINGS):
        count = (low + high + 1) // 2 if found else high
        if count <= low:
            break
        made = _coded(fit, coded, values, order[:count])
        if enough(made):
            found, high = made, count
        elif found is None:
            return None
        else:
            low = count
    return found


def _nearest_to_an_edge(values: Ints, soft: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """Places of latents other than 0, those that a little less would have rounded down first."""
    places = np.flatnonzero(values)
    return places[np.argsort(np.abs(soft[places]) - np.abs(values[places]), kind="stable")]


def _coded(fit: Fit, coded: Coded, values: Ints, moved: NDArray[np.intp]) -> Coded:
    fewer = values.copy()
    fewer[moved] -= np.sign(fewer[moved])
    ends = np.cumsum([plane.size for plane in coded.planes])[:-1]
    parts = zip(np.split(fewer, ends), coded.planes, strict=True)
    planes = [part.reshape(plane.shape) for part, plane in parts]
    payload, planes = encode_latents(coded.context, fit.geometry, Table(), planes, fit.threads)
    return Coded(coded.context, payload, planes, coded.cost)

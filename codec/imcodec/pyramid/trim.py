"""The last per cent: latents that lie nearest to a rounding edge go one step towards 0.

That saves bits, and spoils a little; how many latents go is found by doubling, because too many
would surprise the context network and cost bits, and then by halving. It costs about twice what a
higher lambda would cost for the same bits, so it is for small differences only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.finish import Coded, coded_latents
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.latents import LATENT_UNIT
from imcodec.pyramid.table import Ints

#: share of the latents other than 0 that may be moved, how often the first number is doubled until
#: it is as large, and how often the difference of the last two is halved
LARGEST_SHARE, DOUBLINGS, HALVINGS = 0.1, 7, 4


def trim(fit: Fit, coded: Coded, enough: Callable[[Coded], bool]) -> Coded | None:
    """The code with the fewest latents moved that is `enough`, or none."""
    values = np.concatenate([plane.ravel() for plane in coded.planes])
    order = _nearest_to_an_edge(values, fit.latents.stored.cpu().numpy() * LATENT_UNIT)
    most = int(LARGEST_SHARE * len(order))
    if most == 0:
        return None
    low, high = 0, max(1, most >> DOUBLINGS)
    while not enough(found := _coded(fit, coded, values, order[:high])):
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    for _ in range(HALVINGS):
        count = (low + high) // 2
        if count == low:
            break
        made = _coded(fit, coded, values, order[:count])
        if enough(made):
            found, high = made, count
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
    context, payload, planes = coded_latents(fit, coded.context, planes)
    return Coded(context, payload, planes, coded.cost)

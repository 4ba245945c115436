"""From a finished fit to the entropy code: every latent is made one that the table can code.

A value far from what the network expected may lie outside the table; the encoder then codes the
nearest one that does not, which spoils the pixels under it. Drawing all widths together makes the
table reach further, for some more bits; whichever costs less is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from imcodec.pyramid.context import Context
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.fitted import Fitted
from imcodec.pyramid.rans import Payload
from imcodec.pyramid.table import CodingError, Ints, Table
from imcodec.pyramid.walk_kernel import encode_latents

#: factors on widths, tried in this order
FACTORS = (1.0, 0.85, 0.7, 0.5, 0.25)
#: share of the cost that spoilt pixels may have before another factor is tried
ACCEPTED = 0.005


@dataclass(frozen=True)
class Coded:
    """What goes into the file, and what it costs: distortion + lambda * bpp."""

    context: Context
    payload: Payload
    planes: list[Ints]
    cost: float


def code(fit: Fit, fitted: Fitted) -> Coded:
    """The entropy code of a fit that costs least."""
    best: Coded | None = None
    for factor in FACTORS:
        context, payload, planes = coded_latents(fit, shrunk(fitted.context, factor), fitted.planes)
        pixels = fit.geometry.height * fit.geometry.width
        same = all(np.array_equal(a, b) for a, b in zip(planes, fitted.planes, strict=True))
        distortion = fitted.distortion if same else fit.distortion_of(planes)
        rate = fit.lmbda * payload.ideal_bits / pixels
        coded = Coded(context, payload, planes, distortion + rate)
        # one factor may be worse than the one before and the next one better than both
        if best is None or coded.cost < best.cost:
            best = coded
        if distortion - fitted.distortion <= ACCEPTED * coded.cost:
            break
    assert best is not None
    return best


def coded_latents(
    fit: Fit, context: Context, planes: Sequence[Ints]
) -> tuple[Context, Payload, list[Ints]]:
    """The latents' entropy code, with a network whose arithmetic is exact for them.

    Hardly any fit finds another one; its weights are halved until they are small enough.
    """
    while True:
        try:
            payload, coded = encode_latents(context, fit.geometry, Table(), planes, fit.threads)
        except CodingError:
            first, later = (
                np.trunc(each / 2).astype(np.int8) for each in (context.first, context.later)
            )
            context = replace(context, first=first, later=later)
        else:
            return context, payload, coded


def shrunk(context: Context, factor: float) -> Context:
    """The same network with all widths times a factor."""
    if factor == 1:
        return context
    later = context.later.copy()
    later[:, context.hidden + 1] = np.rint(later[:, context.hidden + 1] * factor)
    return replace(context, later=later)

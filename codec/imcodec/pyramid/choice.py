"""What is chosen for a picture before it is fitted: its planes, and the size of its networks."""

from __future__ import annotations

import math
from dataclasses import replace

from imcodec.pyramid.context import OUTPUTS, PARENTS
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.header import QUEUE, TAPS
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.quality import price_of
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import NETWORKS, NetworkSize, PyramidSettings

#: the finest plane is left out when half of the size loses less than this share of JPEG's cost:
#: J = mse + lambda * bits is up to 9 % less without it then, and up to 58 % more above that; a PSNR
#: that is asked for may be out of reach without it, as this much is nearly all of its squared error
LEAST_LOST, LEAST_LOST_FOR_PSNR = 0.25, 0.03
#: latents with small networks are guessed to take this share of what JPEG's data need at the same
#: price of a bit (they take 0.43 to 0.56 after 1500 steps; GAINS are shares of the guess)
JPEG_SHARE = 0.8
#: steps in which a fit comes to twice the bytes that it ends with
HALF_WAY = 40
#: fits of fewer steps than this start from the prior, with one empty plane; longer ones find
#: better networks of their own
FEW = 250
#: share of those that a size of the networks saves, quality counted as bytes, at USUAL_PRICE: in
#: fits of fewer steps than that, in fits of FIRST_STEPS, and more for each e-fold of steps
USUAL_PRICE, FIRST_STEPS = 1.7e-3, 300
GAINS = {
    "tiny": (-0.08, -0.12, -0.01),
    "small": (0.0, 0.0, 0.0),
    "medium": (0.081, 0.088, 0.0105),
    "large": (0.13, 0.142, 0.0135),
    "huge": (0.134, 0.1565, 0.017),
}
#: where a bit is cheaper, a larger network saves a larger share: their power, and at most
GAINS_POWER, MOST_GAINS = -0.3, 1.6
#: fits of fewer steps than this take shorter averages and longer steps of the latents; networks
#: from the prior take shorter steps
QUICK, QUICK_BETAS = 500, (0.6, 0.9)
QUICK_RATES, PRIOR_RATES = (1.5e-2, 4e-2, 3e-2, 6e-3), (1.5e-2, 2.5e-2, 2e-2, 6e-3)
#: fits of FEW steps or more start with all planes but the two finest; but from empty planes if the
#: latents will take so many bits per pixel or more, and steps times these bits are so many: what is
#: found from there is better in the end for rich pictures, but takes longer to find
RICH, PATIENT = 0.45, 450
#: from empty planes context networks learn slowly until this share of the steps, and units that
#: fell silent there begin again after those
SLOW, RENEW_AT = 0.1, (0.2, 0.4, 0.6)
#: in fits of so many steps or more that start from empty planes filters and the synthesis become
#: whole while there is time for the latents to make up for it: mse + lambda * bits is 1 % less
#: after 11,000 steps; after 3000 it makes no difference
EARLY, FILTERS_SETTLE, SYNTHESIS_SETTLES = 6000, (0.6, 0.7), (0.6, 0.9)
#: other fits of so many steps or more round latents harder at first, with less noise, let go of
#: weights that nothing needs, and have so many steps with truly rounded latents at the end, which
#: begin to jump after more: mse + lambda * bits is 1 % less after 1500 steps, 4 % after 6000
CALM, HARD = 1000, 50
CALM_TEMPERATURE, CALM_NOISE, CALM_DECAY = (0.35, 0.05), (0.22, 0.15), 0.1
#: where a PSNR is asked for, the price of a bit is only guessed, and networks that are too large
#: cost time; so they are chosen as if it were so many times higher
DEARER_FOR_PSNR = 1.6
#: nobody asks about a few hundred bytes in a picture with more pixels than this
LARGE = 2**21


def choose(
    jpeg: Jpeg, settings: PyramidSettings, price: float | None = None
) -> tuple[Recipe, Geometry]:
    """How a picture will be fitted, at the price that price_of() says, or from another one on.

    Networks come in a few sizes. How many bytes the latents will take is guessed from JPEG's, and
    that says what a larger network would save; its own bytes are added, and the cheapest size is
    taken. The same guess says whether planes start empty, and JPEG's cost whether there is a plane
    of single pixels.
    """
    height, width, channels = jpeg.pixels.shape
    geometry = choose_geometry(height, width)
    steps, price = settings.chosen_steps, price or price_of(settings, jpeg)
    prior = settings.prior and steps < FEW
    recipe = Recipe(lmbda=price, steps=steps, prior=prior, tune=settings.tune, seed=settings.seed)
    name, size = settings.network, jpeg.size(price)
    if name == "auto" and jpeg.area > LARGE:
        name = "large"
    elif name == "auto":
        dearer = price if settings.target_psnr is None else price * DEARER_FOR_PSNR
        latents = guessed_share(steps) * jpeg.size(dearer)
        name = cheapest(latents, steps, geometry.levels, channels, dearer)
    least_lost = LEAST_LOST if settings.target_psnr is None else LEAST_LOST_FOR_PSNR
    if min(height, width) > 1 and jpeg.lost_in_half(price) < least_lost:
        geometry = choose_geometry(height, width, pitch=2)
    recipe = recipe.resized(NETWORKS[name])
    if steps < QUICK:
        recipe = quick(recipe)
    empty = 1 if steps < FEW else 2
    bpp = JPEG_SHARE * size * 8 / jpeg.area
    if bpp >= RICH and steps * bpp >= PATIENT:
        empty = geometry.levels
        recipe = for_empty_planes(recipe)
    elif steps >= CALM:
        recipe = calm(recipe, steps_known=not settings.time_limit)
    return replace(recipe, empty=min(empty, geometry.levels - 1)), geometry


def quick(recipe: Recipe) -> Recipe:
    """The same, as it suits a fit of fewer than QUICK steps."""
    rates = PRIOR_RATES if recipe.prior else QUICK_RATES
    return replace(recipe, betas=QUICK_BETAS, rates=rates)


def for_empty_planes(recipe: Recipe) -> Recipe:
    """The same, as it suits a fit that starts from empty planes."""
    recipe = replace(recipe, slow=SLOW, renew_at=RENEW_AT)
    if recipe.steps < EARLY:
        return recipe
    return replace(recipe, filters_settle=FILTERS_SETTLE, synthesis_settles=SYNTHESIS_SETTLES)


def calm(recipe: Recipe, steps_known: bool = True) -> Recipe:
    """The same, as it suits other fits of CALM steps or more.

    With a time limit nobody knows how many steps there will be, so their last share stays.
    """
    recipe = replace(recipe, temperature=CALM_TEMPERATURE, noise=CALM_NOISE, decay=CALM_DECAY)
    return replace(recipe, hard_at=1 - HARD / recipe.steps) if steps_known else recipe


def guessed_share(steps: int) -> float:
    """Of JPEG's data what latents are guessed to take with small networks after so many steps."""
    return JPEG_SHARE * (1 + HALF_WAY / steps)


def cheapest(
    latents: float, steps: int, levels: int, channels: int, price: float = USUAL_PRICE
) -> str:
    """The size of the networks that makes the smallest file.

    `latents` are the bytes that latents are guessed to take with small networks after so many
    steps, at this price of a bit.
    """
    more = min((price / USUAL_PRICE) ** GAINS_POWER, MOST_GAINS)

    def size(name: str) -> float:
        few, first, later = GAINS[name]
        gain = few if steps < FEW else first + later * math.log(steps / FIRST_STEPS)
        gain *= more if gain > 0 else 1.0
        return latents * (1 - gain) + network_bytes(NETWORKS[name], levels, channels)

    return min(NETWORKS, key=size)


def context_bytes(size: NetworkSize, levels: int) -> int:
    """Bytes of the context network's weights, one each."""
    hidden = 2 * size.filters
    inputs = (QUEUE + PARENTS) * TAPS
    return 2 * (size.filters * inputs + (hidden + OUTPUTS + levels) * hidden)


def network_bytes(size: NetworkSize, levels: int, channels: int) -> int:
    """Bytes of the weights of both networks and of the filters, one each."""
    return context_bytes(size, levels) + size.units * (levels + 1 + channels) + 9 * levels

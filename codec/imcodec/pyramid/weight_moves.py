"""Weights moved by one where that makes the file cheaper, one after another.

Weights become whole numbers near the end of a fit without knowing what that costs together. Here
each is tried one step further along its gradient, the steepest first, and kept there if the file's
cost falls. A few candidates are judged side by side, against the same state; the first that helps
is taken, and those after it are judged again, so what comes out does not depend on threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor

from imcodec.devices import workers
from imcodec.pyramid.context import LARGEST_WEIGHT
from imcodec.pyramid.exact_cost import ExactCost
from imcodec.pyramid.latent_moves import LatentMoves

#: the context network's tensors in Fit.whole, and the filters'
CONTEXT, FILTERS = range(4), 7

#: tensor and place of a weight, and what is added to it
Move = tuple[int, int, int]


def candidates(weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> Iterator[Move]:
    """One for each weight that can be moved down its gradient, the steepest first."""
    slopes = torch.cat([grad.flatten() for grad in gradients])
    values = torch.cat([weight.flatten() for weight in weights])
    numbers = [number for number, weight in enumerate(weights) for _ in range(weight.numel())]
    places = [place for weight in weights for place in range(weight.numel())]
    for at in torch.argsort(slopes.abs(), descending=True, stable=True).tolist():
        step = -1 if slopes[at] > 0 else 1
        if slopes[at] != 0 and abs(values[at] + step) <= LARGEST_WEIGHT:
            yield numbers[at], places[at], step


def move_weights(
    cost: ExactCost,
    latents: LatentMoves,
    tries: int,
    proceed: Callable[[int], bool] = lambda tried: True,
) -> int:
    """Try so many weights; how many were moved. It goes on while `proceed(tried)`."""
    weights, planes = cost.fit.whole, latents.planes
    moves = list(islice(candidates(weights, latents.gradients()), tries))
    features = cost.features(planes)
    rate, distortion = cost.rate_of(latents.bits.values()), cost.distortion_of(latents.errors)

    def judged(move: Move) -> tuple[float, float]:
        """(rate, distortion) after a move."""
        number, place, step = move
        changed = [*weights]
        changed[number] = weights[number].clone()
        changed[number].view(-1)[place] += step
        if number in CONTEXT:
            bits = cost.bits(planes, weights=changed, each=map)
            return cost.rate_of(bits.values()), distortion
        seen = cost.features(planes, changed) if number == FILTERS else features
        return rate, cost.distortion_of(cost.errors(seen, changed))

    tried = moved = 0
    with workers(cost.fit.threads, cost.fit.device) as judges:
        while tried < len(moves) and proceed(tried):
            batch = moves[tried : tried + cost.fit.threads]
            for found, move in zip(list(judges.map(judged, batch)), batch, strict=True):
                tried += 1
                if sum(found) < rate + distortion:
                    rate, distortion = found
                    number, place, step = move
                    weights[number].view(-1)[place] += step
                    moved += 1
                    if number == FILTERS:
                        features = cost.features(planes)
                    break  # what was found for the others no longer holds
    latents.measure()
    return moved

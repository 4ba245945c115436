"""Weights of the context network moved by one where that makes the file cheaper, one by one.

Weights become whole numbers near the end of a fit without knowing what that costs together. Here
each is tried one step further along its gradient, the steepest first, and kept there if the file
takes fewer bits; the first layer's, which hardly ever do, after all others. A few candidates are
judged side by side, against the same state; the first that helps is taken, and those after it are
judged again, so what comes out does not depend on threads.
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

#: tensors in Fit.whole: the inner and the outer layer and the biases, and the first layer
GROUPS = (1, 2, 3), (0,)

#: tensor and place of a weight, and what is added to it
Move = tuple[int, int, int]


def candidates(weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> Iterator[Move]:
    """One for each weight that can be moved down its gradient, of each group the steepest first."""
    for group in GROUPS:
        slopes = torch.cat([gradients[number].flatten() for number in group])
        values = torch.cat([weights[number].flatten() for number in group])
        places = [(n, place) for n in group for place in range(weights[n].numel())]
        for at in torch.argsort(slopes.abs(), descending=True, stable=True).tolist():
            step = -1 if slopes[at] > 0 else 1
            if slopes[at] != 0 and abs(values[at] + step) <= LARGEST_WEIGHT:
                yield *places[at], step


def move_weights(
    cost: ExactCost,
    latents: LatentMoves,
    tries: int,
    proceed: Callable[[int], bool] = lambda tried: True,
) -> int:
    """Try so many weights; how many were moved. It goes on while `proceed(tried)`."""
    weights, planes = cost.fit.whole, latents.planes
    moves = list(islice(candidates(weights, latents.gradients()), tries))
    least = cost.total(latents.bits.values())

    def judged(move: Move) -> float:
        """Bits after a move."""
        number, place, step = move
        changed = [*weights]
        changed[number] = weights[number].clone()
        changed[number].view(-1)[place] += step
        return cost.total(cost.bits(planes, weights=changed, each=map).values())

    tried = moved = 0
    with workers(cost.fit.threads, cost.fit.device) as judges:
        while tried < len(moves) and proceed(tried):
            batch = moves[tried : tried + cost.fit.threads]
            for found, move in zip(list(judges.map(judged, batch)), batch, strict=True):
                tried += 1
                if found < least:
                    least = found
                    number, place, step = move
                    weights[number].view(-1)[place] += step
                    moved += 1
                    break  # what was found for the others no longer holds
    latents.measure()
    return moved

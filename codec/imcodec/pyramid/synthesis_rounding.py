"""The synthesis' and the filters' weights rounded anew, all of them together.

Weights become whole one after another while the others make up for it; how they should have been
rounded together is a least-squares problem in whole numbers. Colours are nearly linear in a few
steps of the weights, so the squared error of such a change is a quadratic form (Gauss-Newton). The
least is looked for by steps of one weight, and of two where one alone no longer helps; then the
true cost decides. No latent is moved, and no bit is spent.

Rounding weights by what it does to the output together is from networks' quantisation: Nagel et al.
2020, "Up or Down? Adaptive Rounding". What it is worth: benchmarks/fitting.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imcodec.pyramid.context import LARGEST_WEIGHT
from imcodec.pyramid.exact_cost import ExactCost
from imcodec.pyramid.latent_moves import LatentMoves
from imcodec.pyramid.products import Floats
from imcodec.pyramid.table import Table

#: pixels that say what changes do, at most, and how many are worked on together
PIXELS, TOGETHER = 2**19, 8192
#: steps that a weight may go at once: further away the form says little
FARTHEST = 3
#: W1, T, W2 and filters in Fit.whole
SYNTHESIS = slice(4, 8)

Doubles = NDArray[np.float64]


def round_together(cost: ExactCost, latents: LatentMoves) -> int:
    """Change the weights to what is best for them all, if cheaper; how many were changed."""
    weights, planes = cost.fit.whole[SYNTHESIS], latents.planes
    flat = torch.cat([each.flatten() for each in weights]).double().numpy()
    low, high = (
        np.clip(limit - flat, -FARTHEST, FARTHEST) for limit in (-LARGEST_WEIGHT, LARGEST_WEIGHT)
    )
    change = least(*quadratic(cost, planes), low, high)
    if not change.any():
        return 0
    parts = torch.split(torch.from_numpy(change).float(), [each.numel() for each in weights])
    new = [each + part.view(each.shape) for each, part in zip(weights, parts, strict=True)]
    changed = [*cost.fit.whole[: SYNTHESIS.start], *new]
    errors = cost.errors(cost.features(planes, changed), changed)
    if cost.distortion_of(errors) >= cost.distortion_of(latents.errors):
        return 0
    for each, better in zip(weights, new, strict=True):
        each.copy_(better)
    latents.measure()
    return int(np.count_nonzero(change))


def quadratic(cost: ExactCost, planes: Sequence[Floats]) -> tuple[Doubles, Doubles]:
    """Gradient [n] and Gauss-Newton matrix [n, n] of the squared error, colours in 0 .. 1.

    By W1, T, W2 and filters, in whole steps; before colours are rounded.
    """
    fit = cost.fit
    first, threshold, second, filters = (each.to(fit.device) for each in fit.whole[SYNTHESIS])
    (units, levels), channels = first.shape, len(second)
    pixels = fit.colours.shape[1]
    count = min(pixels, PIXELS)
    chosen = np.random.default_rng(fit.recipe.seed).choice(pixels, count, replace=False)
    places = torch.from_numpy(np.sort(chosen)).to(fit.device)
    features = cost.features(planes)[:, places]
    taps = torch.stack([each[:, places] for each in _by_taps(cost, planes, filters)], 1)
    wanted, slope = fit.colours[:, places], Table().step / 64
    shared = units * (levels + 1)
    size = shared + channels * units + filters.numel()
    # W2's rows are of one channel each, all others of all channels
    numbers = [
        np.r_[:shared, shared + c * units : shared + (c + 1) * units, size - filters.numel() : size]
        for c in range(channels)
    ]

    def part(start: int) -> list[tuple[Tensor, Tensor]]:
        where = slice(start, start + TOGETHER)
        seen, floor = features[:, where], threshold / 64
        sums = (first @ seen) * slope
        on = (sums > floor).float()
        hidden = torch.maximum(sums, floor)
        colours = second @ hidden
        inside = ((colours > 0) & (colours < 255)).float()
        error = colours.clamp_(0, 255).sub_(wanted[:, where])
        found = []
        for c in range(channels):
            by_hidden = second[c][:, None] * inside[c]
            by_sums = by_hidden * on * slope
            by_features = first.T @ by_sums
            rows = [
                (by_sums[:, None] * seen).flatten(0, 1),
                (by_hidden - by_hidden * on) / 64,
                hidden * inside[c],
                (by_features[:, None] * taps[:, :, where]).flatten(0, 1),
            ]
            jacobian = torch.cat(rows)
            found.append(((jacobian @ error[c]).cpu(), (jacobian @ jacobian.T).cpu()))
        return found

    gradient, matrix = np.zeros(size), np.zeros((size, size))
    for found in cost.pool.map(part, range(0, count, TOGETHER)):
        for mine, (by_one, by_two) in zip(numbers, found, strict=True):
            gradient[mine] += by_one.double().numpy()
            matrix[np.ix_(mine, mine)] += by_two.double().numpy()
    scale = 2 / (count * channels * 255**2)
    return gradient * scale, matrix * scale


def _by_taps(cost: ExactCost, planes: Sequence[Floats], filters: Tensor) -> Iterator[Tensor]:
    """Features that each of the nine taps alone would make with a weight of 1."""
    for tap in range(9):
        alone = torch.zeros_like(filters)
        alone.view(-1, 9)[:, tap] = 1
        yield cost.features(planes, [*cost.fit.whole[:-1], alone])


def least(gradient: Doubles, matrix: Doubles, low: Doubles, high: Doubles) -> Doubles:
    """Whole numbers d, low <= d <= high, of a small g' d + d' M d / 2: no one or two steps help."""
    d, slopes, half = np.zeros_like(gradient), gradient.copy(), matrix.diagonal() / 2
    steps = (1.0, -1.0)
    smallest = -1e-12 * float(np.abs(gradient).sum())
    while True:
        alone = [
            np.where((d + s <= high) & (d + s >= low), s * slopes + half, np.inf) for s in steps
        ]
        at = [int(each.argmin()) for each in alone]
        change, moves = min(
            (float(each[i]), [(i, s)]) for each, i, s in zip(alone, at, steps, strict=True)
        )
        if change >= smallest:
            change, moves = _best_pair(alone, steps, matrix)
        if change >= smallest:
            return d
        for i, s in moves:
            d[i] += s
            slopes += s * matrix[i]


def _best_pair(
    alone: Sequence[Doubles], steps: Sequence[float], matrix: Doubles
) -> tuple[float, list[tuple[int, float]]]:
    """What the best steps of two weights change, and these."""
    best: tuple[float, list[tuple[int, float]]] = (np.inf, [])
    for number, (s, by_one) in enumerate(zip(steps, alone, strict=True)):
        for t, by_other in zip(steps[number:], alone[number:], strict=True):
            changes = by_one[:, None] + by_other + s * t * matrix
            np.fill_diagonal(changes, np.inf)
            i, j = divmod(int(changes.argmin()), len(matrix))
            best = min(best, (float(changes[i, j]), [(i, s), (j, t)]))
    return best

"""How the networks' weights become whole numbers: one after another, near the end of a fit.

Weights that are rounded in every step, with the gradient going straight through, never come to
rest: those that lie near a half jump to and fro, at 1 % of the weights in each step, and each jump
changes bits and colours by more than many steps of learning gain. So weights are real numbers for
most of a fit. From a share of its steps on, those nearest to a whole number take it and keep it,
a few more in each step, while the others learn on and make up for what that changed. This is
incremental quantisation (Zhou et al. 2017, "Incremental Network Quantization"), by nearness instead
of by size. What it is worth: benchmarks/fitting.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Settling:
    """The weights of a network on their way to whole numbers of -largest to `largest`.

    Each of `parameters` is stored divided by its unit, `units`. All settle at the same pace.
    """

    def __init__(
        self, parameters: Sequence[Tensor], units: Sequence[float], largest: Sequence[float]
    ) -> None:
        self._parameters, self._units, self._largest = parameters, units, largest
        self._share = 0.0
        self._settled = [torch.zeros_like(value, dtype=torch.bool) for value in parameters]
        self._whole = [torch.zeros_like(value) for value in parameters]

    def values(self) -> list[Tensor]:
        """The weights, in steps of the integers that a file stores.

        The gradient of those that have settled is 0.
        """
        kept = zip(self._settled, self._whole, self._real(), strict=True)
        return [torch.where(mask, whole, real) for mask, whole, real in kept]

    @torch.no_grad()
    def advance(self, share: float) -> None:
        """Let a share of each parameter's weights be settled.

        If it was more, as when the end of a fit is repeated, all are free again before that.
        """
        if share == self._share:  # most steps of a fit
            return
        if share < self._share:
            self._free()
        for mask, whole, real in zip(self._settled, self._whole, self._real(), strict=True):
            more = round(share * mask.numel()) - round(self._share * mask.numel())
            distance = (real - real.round()).abs_().masked_fill_(mask, 1.0)
            nearest = distance.flatten().topk(more, largest=False).indices
            mask.view(-1)[nearest] = True
            whole.view(-1)[nearest] = real.round().view(-1)[nearest]
        self._share = share

    @torch.no_grad()
    def adopt(self, whole: Sequence[Tensor]) -> None:
        """Settle all, at these whole numbers."""
        for mask, mine, theirs in zip(self._settled, self._whole, whole, strict=True):
            mask.fill_(True)
            mine.copy_(theirs.reshape(mine.shape))
        self._share = 1.0

    @property
    def whole(self) -> list[Tensor]:
        """What the weights have settled at. Changes in place count."""
        return self._whole

    def _free(self) -> None:
        """Let all learn again, from where they had settled."""
        stored = zip(self._settled, self._whole, self._parameters, self._units, strict=True)
        for mask, whole, value, unit in stored:
            value.copy_(torch.where(mask, whole / unit, value))
            mask.zero_()
        self._share = 0.0

    def _real(self) -> list[Tensor]:
        stored = zip(self._parameters, self._units, self._largest, strict=True)
        return [(value * unit).clamp(-largest, largest) for value, unit, largest in stored]

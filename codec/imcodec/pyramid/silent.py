"""Units of the context networks that say nothing, made anew while there is time for them to learn.

Where a fit starts from empty planes, the networks' first steps see hardly a latent, and half of the
second layer's units fall silent: rectified to 0 nearly everywhere, they get no gradient and stay
so. That wastes half of their weights, which a file pays for. So those that are on in few places
begin again, as in the first step, and at first without effect on the last layer, which learns to
use them. The same is done to dormant neurons in reinforcement learning (Sokar et al. 2023, "The
Dormant Neuron Phenomenon in Deep Reinforcement Learning"). What it is worth: benchmarks/fitting.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imcodec.pyramid.model import ContextNetwork, inner_layer

#: a unit that is on in a smaller share of the places than this is silent
SILENT = 0.02


class Renewal:
    """Makes silent units of the last hidden layer anew, once after each of some shares.

    The network has two hidden layers or more.
    """

    def __init__(self, network: ContextNetwork, shares: Sequence[float], seed: int) -> None:
        self._network, self._shares = network, sorted(shares)
        self._generator = torch.Generator().manual_seed(seed)

    def due(self, share: float) -> bool:
        """Whether one of the shares has come; each comes once."""
        passed = [each for each in self._shares if each <= share]
        self._shares = self._shares[len(passed) :]
        return bool(passed)

    @torch.no_grad()
    def renew(self, on: Tensor) -> int:
        """How many units were made anew; `on` [2, units] is in what share of the places each is."""
        _, inner, outer = self._network.weights
        fresh = inner_layer(inner.shape[2], self._generator)
        silent = (on < SILENT).to(inner.device)
        inner.copy_(torch.where(silent[..., None], fresh, inner))
        self._network.biases.masked_fill_(silent[..., None], 0)
        outer.masked_fill_(silent[:, None], 0)
        return int(silent.sum())

"""The fitting loop: pixels in; integer latents, context networks and synthesis out.

loss = mse (colours in 0 .. 1) + lambda * bits per pixel.  Three stretches of one cosine schedule:
soft rounding and noise on the latents with float networks; the same with the graph's integer
arithmetic; true rounding, where the loss is the file's true cost and the best state is kept.
Everything pointwise runs in chunks, forward and backward together, so that it stays in cache.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from context import Context
from context_int import part_of, walk
from geometry import Geometry
from numpy.typing import NDArray
from pyramid import (
    LATENT_UNIT,
    MARGIN,
    ContextNetwork,
    Pyramid,
    Synthesis,
    code_length,
    distribution,
    draw,
    straight,
)
from tables import Ints, Table
from torch import Tensor

#: nats; log(2**14) = 9.7 is what the table can code, dearer values are clamped by the encoder
DEAR = 8.5
PRIOR = str(Path(__file__).with_name("prior.npz"))
#: further steps, with integers, if a width is outside its range at the end
REPAIR = 200


@dataclass(frozen=True)
class Settings:
    """How a picture is fitted."""

    lmbda: float = 1e-3
    steps: int = 300
    hidden: int = 14
    layers: int = 3
    synthesis: int = 16  # hidden units of the synthesis
    lr: float = 1e-2  # latents
    lr_networks: float = 1.5e-2
    quantise_at: float = 0.5  # share of the steps after which networks are integers
    hard_at: float = 0.85  # share after which latents are integers
    temperature: tuple[float, float] = (0.35, 0.08)
    noise: tuple[float, float] = (0.22, 0.15)
    clip: float = 0.1  # norm of the networks' gradient
    penalty: float = 10.0  # bits per table step that a width leaves its range by
    dear: float = 2.0  # bits more per nat that a value is dearer than the table can code
    dead: float = 1.0  # dead zone of the first latents; negative: start from zeros
    chunk: int = 8192
    prior: str = PRIOR  # file of `train_prior`: the networks' start values
    seed: int = 0


@dataclass(frozen=True)
class Report:
    """Where the fit stands."""

    step: int
    steps: int
    mse: float
    bpp: float
    cost: float
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """Integers of a picture, and its cost as the fit saw it."""

    planes: list[Ints]
    context: Context
    synthesis: NDArray[np.int8]
    mse: float
    bpp: float
    cost: float
    outside: float  # largest excess of a width over its range: 0 in a file that can be coded


def soft_round(value: Tensor, temperature: float) -> Tensor:
    """floor + 1/2 + tanh((fraction - 1/2) / T) / (2 tanh(1 / (2 T)))"""
    base = value.floor()
    slope = 0.5 / math.tanh(1 / (2 * temperature))
    return base + 0.5 + slope * torch.tanh((value - base - 0.5) / temperature)


def chunked(
    function: Callable[[list[Tensor], slice], Tensor], inputs: Sequence[Tensor], chunk: int
) -> tuple[float, list[Tensor]]:
    """Sum of `function` over chunks of the last axis, and its gradients by the inputs.

    Gradients of everything else that the function uses are accumulated where autograd puts them.
    """
    grads = [torch.empty_like(value) for value in inputs]
    total = 0.0
    for start in range(0, inputs[0].shape[-1], chunk):
        part = slice(start, start + chunk)
        pieces = [value[..., part].detach().requires_grad_() for value in inputs]
        result = function(pieces, part)
        result.backward()  # type: ignore[no-untyped-call]
        total += float(result.detach())
        for grad, piece in zip(grads, pieces, strict=True):
            assert piece.grad is not None
            grad[..., part] = piece.grad
    return total, grads


def leaves(values: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Copies that collect gradients over the chunks."""
    return [None if v is None else v.detach().requires_grad_() for v in values]


@dataclass
class Fit:
    """One picture being fitted.  `pixels` uint8 [height, width, 3]."""

    pixels: NDArray[np.uint8]
    geometry: Geometry
    settings: Settings
    table: Table = field(default_factory=Table)

    def __post_init__(self) -> None:
        s = self.settings
        channels = self.pixels.shape[2]
        self.pyramid = Pyramid(self.geometry)
        self.network = ContextNetwork(s.hidden, s.layers, seed=s.seed)
        self.synthesis = Synthesis(self.geometry.levels, channels, s.synthesis, seed=s.seed)
        colours = torch.from_numpy(self.pixels.reshape(-1, channels).T.copy())
        self.colours = colours.float()  # [channels, pixels]
        # a clamped value spoils its whole cell: [symbols / 2] bits per nat beyond reach
        stakes = [
            torch.full((latent.numel() // 2,), s.dear * max(1.0, 4.0**coarser / 8))
            for coarser, latent in zip(
                range(self.geometry.levels - 1, -1, -1), self.pyramid.latents, strict=True
            )
        ]
        self.stakes = torch.cat(stakes)
        self.generator = torch.Generator().manual_seed(s.seed)
        self.outside = 0.0
        if s.prior:
            self.load(Path(s.prior))
        self.start()

    @torch.no_grad()
    def load(self, source: Path) -> None:
        """Start values, for those parameters whose shapes agree."""
        arrays = np.load(source)
        for name, module in (("network", self.network), ("synthesis", self.synthesis)):
            values = {key: arrays.get(f"{name}/{key}") for key in module.state_dict()}
            if all(
                v is not None and v.shape == module.state_dict()[k].shape for k, v in values.items()
            ):
                module.load_state_dict(
                    {k: torch.from_numpy(v.astype(np.float32)) for k, v in values.items()}
                )

    @torch.no_grad()
    def start(self) -> None:
        """Latents that the untrained synthesis already draws the picture from."""
        if self.settings.dead < 0:
            return
        first, threshold, second = self.synthesis.integers(False)
        channels, step = len(self.colours), self.table.step / 64
        directions = (second[:, :channels] @ first[:channels] * step).T  # of the linear units
        constant = second[:, channels, None] * threshold[channels] / 64
        self.pyramid.start(self.colours - constant, directions, self.settings.dead)

    def planes(self, share: float) -> list[Tensor]:
        """Latents in integer units: soft and noisy, or truly rounded."""
        s = self.settings
        values = [latent * LATENT_UNIT for latent in self.pyramid.latents]
        if share >= s.hard_at:
            return [straight(value).clamp(-127, 127) for value in values]
        f = share / s.hard_at
        temperature = s.temperature[0] + (s.temperature[1] - s.temperature[0]) * f
        sigma = s.noise[0] + (s.noise[1] - s.noise[0]) * f
        noisy = []
        for value in values:
            noise = torch.randn(value.shape, generator=self.generator) * sigma
            noisy.append(soft_round(soft_round(value, temperature) + noise, temperature))
        return noisy

    def backward(self, planes: list[Tensor], quantised: bool) -> tuple[float, float]:
        """Gradients of the loss into all parameters; returns (mse, bpp)."""
        s, pixels = self.settings, self.colours.shape[1]
        tops: list[Tensor] = []
        grads: list[Tensor] = []

        features = self.pyramid.features(planes)
        weights = self.synthesis.integers(quantised)
        leaf = tuple(w.detach().requires_grad_() for w in weights)
        scale = 1 / (255**2 * self.colours.numel())

        def distortion(inputs: list[Tensor], part: slice) -> Tensor:
            colour = draw(inputs[0], (leaf[0], leaf[1], leaf[2]), self.table)
            colour = colour + (colour.detach().clamp(0, 255) - colour.detach())
            return (colour - self.colours[:, part]).square().sum() * scale

        mse, (grad,) = chunked(distortion, [features], s.chunk)
        tops += [features, *weights]
        grads += [grad, *[w.grad for w in leaf if w.grad is not None]]

        columns, values = self.pyramid.contexts(planes)
        flat = [tensor for pair in self.network.layers(quantised) for tensor in pair]
        leaf_ = leaves(flat)
        layers = [(w, b) for w, b in zip(leaf_[::2], leaf_[1::2], strict=True) if w is not None]
        per_bit = s.lmbda / (pixels * math.log(2))
        self.outside = 0.0

        def rate(inputs: list[Tensor], part: slice) -> Tensor:
            parameters = distribution(inputs[0], layers, quantised)
            nats, outside = code_length(parameters, inputs[1], self.table)
            self.outside = max(self.outside, float(outside.detach().max()) - MARGIN)
            dear = (nats - DEAR).clamp_min(0)
            return (
                nats.sum() + (self.stakes[part] * dear).sum() + s.penalty * outside.sum()
            ) * per_bit

        cost, (grad_columns, grad_values) = chunked(rate, [columns, values], s.chunk)
        tops += [columns, values, *[v for v in flat if v is not None]]
        grads += [grad_columns, grad_values]
        grads += [v.grad for v in leaf_ if v is not None and v.grad is not None]
        torch.autograd.backward(tops, grads)
        return mse, cost / s.lmbda

    def run(self, report: Callable[[Report], None] | None = None) -> Fitted:
        """All steps; the best state of the last stretch by its true cost."""
        s = self.settings
        networks = [*self.network.parameters(), *self.synthesis.parameters()]
        groups = [
            {"params": list(self.pyramid.parameters()), "lr": s.lr},
            {"params": networks, "lr": s.lr_networks},
        ]
        optimiser = torch.optim.Adam(groups, fused=True)
        best: Fitted | None = None
        start = time.monotonic()
        for step in range(s.steps + 1 + REPAIR):
            share = min(1.0, step / s.steps)
            for group, rate in zip(optimiser.param_groups, (s.lr, s.lr_networks), strict=True):
                falling = (1 + math.cos(math.pi * share)) / 2
                group["lr"] = rate * (0.2 if step > s.steps else max(0.02, falling))
            if share >= s.hard_at and (step % 4 == 0 or step >= s.steps):
                self.project()
            quantised = share >= s.quantise_at
            optimiser.zero_grad()
            mse, bpp = self.backward(self.planes(share), quantised)
            cost = mse + s.lmbda * bpp
            if report:
                report(Report(step, s.steps, mse, bpp, cost, time.monotonic() - start))
            if share >= s.hard_at and quantised:
                key = (self.outside > 0, cost)
                if best is None or key < (best.outside > 0, best.cost):
                    best = self.state(mse, bpp)
            if step >= s.steps and best is not None and best.outside == 0:
                break
            torch.nn.utils.clip_grad_norm_(networks, s.clip)
            optimiser.step()
        assert best is not None
        return best

    @torch.no_grad()
    def project(self) -> None:
        """Latents that the table cannot code become what the encoder would make of them."""
        rounded = self.pyramid.rounded()

        def code(edge: Ints, width: Ints, where: tuple[int, int, int]) -> Ints:
            level, row, phase = where
            value = part_of(self.geometry, "halfrow", rounded[level - 1], row, phase)
            # a width that left its range is for the next steps' penalty to mend
            return self.table.clamp(edge, width.clip(1, self.table.widest), value)

        planes = walk(self.network.context(), self.geometry, code)
        for latent, before, after in zip(self.pyramid.latents, rounded, planes, strict=True):
            changed = torch.from_numpy(before != after)
            latent[changed] = torch.from_numpy(after).float()[changed] / LATENT_UNIT

    def state(self, mse: float, bpp: float) -> Fitted:
        """The integers as they are now."""
        return copy.deepcopy(
            Fitted(
                self.pyramid.rounded(),
                self.network.context(),
                self.synthesis.array(),
                mse,
                bpp,
                mse + self.settings.lmbda * bpp,
                self.outside,
            )
        )

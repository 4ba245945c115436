"""Train what fits start from: context networks and filters, beside an analysis network.

    python benchmarks/prior/train.py FOLDER --minutes 30 [--resume] [--device cuda]

An analysis network (analysis.py) turns random crops into latents, and all of it learns together
what a fit minimises, mse + lambda * bits, at random lambdas. Context networks of all sizes learn
from the same latents: the first one in every step, the others in every third. The analysis network
itself is not shipped, as no fit gains from its latents (../fitting.md). The last 8 files of the
folder (sorted by name) are never used: they are there to measure on. Each hundredth step a line is
logged, and the result and the state beside it are written, so that --resume goes on where a run was
stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from analysis import SIZES, Analysis
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from imcodec.pyramid.fit import Fit
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.model import ContextNetwork
from imcodec.pyramid.rate import Layers
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import NETWORKS
from imcodec.pyramid.soap import Soap
from imcodec.pyramid.start import CELLS, FILTERS, PRIOR, colours_of, key

#: filters of the context networks; the latents learn from the first one
LARGE = NETWORKS["large"].filters
FILTER_COUNTS = (LARGE, *(s.filters for s in NETWORKS.values() if s.filters != LARGE))
EVERY = 3
#: of a crop's planes
LEVELS = 5
HELD_OUT = 8
#: learning rates of the analysis network and of the context networks
RATES = (2e-3, 2e-2)
#: of soft rounding and its noise, at the start and at the end
TEMPERATURE, NOISE = (0.4, 0.15), (0.3, 0.2)
TARGET = Path(__file__).parents[2] / "codec" / "imcodec" / "pyramid" / PRIOR


@dataclass
class SomeLevels:
    """Stands in a fit for a context network: one that knows more sizes of cells than it has."""

    network: ContextNetwork
    first: int

    def layers(self) -> Layers:
        """What ContextNetwork.layers() says, for these levels."""
        *weights, biases = self.network.layers()
        return Layers(*weights, biases[self.first : self.first + LEVELS])


@dataclass
class Integers:
    """Stands in a fit for a synthesis, or for filters: values() as these have it."""

    found: tuple[Tensor, ...] | Tensor

    def values(self) -> tuple[Tensor, ...] | Tensor:
        """What is given."""
        return self.found


class Training:
    """Everything that learns, and one step of it."""

    def __init__(self, side: int, device: torch.device) -> None:
        self.side, self.device = side, device
        self.analysis = Analysis().to(device)
        self.networks = [ContextNetwork(filters, CELLS) for filters in FILTER_COUNTS]
        self.adam = torch.optim.Adam(self.analysis.parameters(), betas=(0.9, 0.98))
        self.soaps = [
            Soap([[*network.parameters()]], betas=(0.9, 0.95), shampoo=0.95)
            for network in self.networks
        ]
        empty = np.zeros((side, side, 3), np.uint8)
        recipe = Recipe(lmbda=1e-3, steps=1, filters=LARGE, units=4, prior=False)
        geometries = {pitch: choose_geometry(side, side, pitch=pitch) for pitch in (1, 2)}
        self._fits = {p: Fit(empty, g, recipe, device) for p, g in geometries.items()}

    def step(
        self, pixels: np.ndarray, lmbda: float, pitch: int, done: float, count: int
    ) -> list[float]:
        """Learn from a crop [side, side, 3] after a share of the run; costs of the networks."""
        fit = self._fits[pitch]
        fit.lmbda, fit.recipe = lmbda, replace(fit.recipe, lmbda=lmbda)
        fit.colours = colours_of(pixels, self.device)
        levels = range(fit.geometry.levels - 1, -1, -1)
        heads = [SIZES.index(pitch * 2**level) for level in levels]
        temperature, noise = (a + (b - a) * done for a, b in (TEMPERATURE, NOISE))
        planes, synthesis, filters = self.analysis(
            fit.colours.view(3, self.side, self.side),
            fit.interpolations,
            heads,
            lmbda,
            softening(temperature, noise),
        )
        fit.synthesis, fit.filters = Integers(synthesis), Integers(filters)  # type: ignore[assignment]
        value = torch.cat([plane.flatten() for plane in planes])
        learning = range(len(self.networks) if count % EVERY == 0 else 1)
        costs = []
        with ThreadPoolExecutor(1) as pool:
            for index in learning:
                # cells from pitch * 2**(levels - 1) pixels to `pitch`
                cells = SomeLevels(self.networks[index], 0 if pitch == 2 else 1)
                fit.network = cells  # type: ignore[assignment]
                if index == 0:
                    mse, _, bpp = fit.backward(value.detach(), pool)
                    by_value = fit.latents.gradient.clone()
                else:
                    with torch.no_grad():
                        bits, grads = fit.rate(value.detach(), pool)
                    torch.autograd.backward(fit.network.layers(), grads)
                    bpp = bits / self.side**2
                costs.append(mse + lmbda * bpp)
        value.backward(by_value)
        self._learn(learning, lmbda, (1 + math.cos(math.pi * done)) / 2)
        return costs

    def _learn(self, learning: Sequence[int], lmbda: float, falling: float) -> None:
        for parameter in self.analysis.parameters():
            if parameter.grad is not None:
                parameter.grad *= weight(lmbda)
        torch.nn.utils.clip_grad_norm_(self.analysis.parameters(), 1.0)
        self.adam.param_groups[0]["lr"] = RATES[0] * falling
        self.adam.step()
        self.adam.zero_grad()
        for index in learning:
            self.soaps[index].rates[0] = RATES[1] * falling
            self.soaps[index].step()
            self.networks[index].confine()
            self.networks[index].zero_grad()

    def state(self) -> dict[str, Any]:
        """All that --resume needs."""
        networks = [network.state_dict() for network in self.networks]
        found = {"analysis": self.analysis.state_dict(), "networks": networks}
        return found | {"adam": self.adam.state_dict(), "soaps": [s.state() for s in self.soaps]}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.analysis.load_state_dict(state["analysis"])
        self.adam.load_state_dict(state["adam"])
        for network, values in zip(self.networks, state["networks"], strict=True):
            network.load_state_dict(values)
        for soap, known in zip(self.soaps, state["soaps"], strict=True):
            soap.resume(known)

    def save(self, path: Path, made: str) -> None:
        """Write what ships. Half precision is plenty: the networks' integers have 8 bits."""
        filters = self.analysis.filters[SIZES.index(32) :].detach().cpu()
        values = {FILTERS: filters.half().contiguous()}
        for count, network in zip(FILTER_COUNTS, self.networks, strict=True):
            for name, value in network.state_dict().items():
                values[key(count, name)] = value.half().contiguous()
        save_file(values, path, {"made": made})


def softening(temperature: float, noise: float) -> Callable[[Tensor], Tensor]:
    """What latents go through (imcodec.pyramid.latents), differentiable."""
    slope = 0.5 / math.tanh(1 / (2 * temperature))

    def soft(value: Tensor) -> Tensor:
        base = value.detach().floor() + 0.5
        return base + slope * ((value - base) / temperature).tanh()

    return lambda value: soft(soft(value) + noise * torch.randn_like(value))


def weight(lmbda: float) -> float:
    """So that all lambdas count alike: costs grow about as lambda ** 0.7."""
    return float(lmbda**-0.7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--side", type=int, default=256, help="of a crop, in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    names = sorted(arguments.folder.glob("*.png"))[:-HELD_OUT]
    pictures = []
    for name in names:
        with Image.open(name) as picture:
            pictures.append(np.asarray(picture.convert("RGB")))
    side = arguments.side
    training = Training(side, torch.device(arguments.device))
    kept = arguments.target.with_suffix(".state.pt")
    passed, count, recent = 0.0, 0, 0.0
    if arguments.resume and kept.exists():
        state, passed, count, recent = torch.load(kept, weights_only=False)
        training.resume(state)
    random = np.random.default_rng((arguments.seed, count))
    begin = time.monotonic() - passed
    while (done := (time.monotonic() - begin) / (60 * arguments.minutes)) < 1:
        pixels = pictures[random.integers(len(pictures))]
        top, left = (random.integers(0, n - side + 1) for n in pixels.shape[:2])
        pixels = pixels[top : top + side, left : left + side]
        if random.random() < 0.5:
            pixels = pixels[:, ::-1]
        lmbda = 10 ** random.uniform(-4.0, -2.2)
        pitch = 2 if random.random() < 0.15 and lmbda > 1e-3 else 1
        costs = training.step(np.ascontiguousarray(pixels), lmbda, pitch, done, count)
        cost = costs[0] * weight(lmbda)
        recent = cost if not count else recent + (cost - recent) / min(count, 100)
        count += 1
        if count % 100 == 0:
            passed = time.monotonic() - begin
            row = {"crops": count, "minutes": round(passed / 60, 2), "cost": round(recent, 4)}
            made = {"program": "benchmarks/prior/train.py", "minutes planned": arguments.minutes}
            training.save(arguments.target, json.dumps(made | row | {"side": side}))
            torch.save((training.state(), passed, count, recent), kept)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

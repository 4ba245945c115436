"""Train the start values of the context networks: fit many pictures a little, one after another.

    python benchmarks/prior/train.py FOLDER --minutes 30 [--resume]

Each picture is a random crop with latents and synthesis of its own, at a random lambda; the context
networks go on from picture to picture. Networks of several sizes learn side by side from the same
latents, of which the first one steers the fit. The last 8 files of the folder (sorted by name) are
never used: they are there to measure on. A log and the state are kept beside the result, so that
--resume goes on where an interrupted run stopped. What is written is read by the encoder only.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from imcodec.pyramid.fit import Fit, Recipe
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.model import ContextNetwork
from imcodec.pyramid.soap import Soap
from imcodec.pyramid.table import Table

#: (layers, hidden units), the first one steers
SHAPES = ((3, 14), (3, 8), (3, 22))
#: planes that start empty, counted from the finest: what the encoder does at its efforts
EMPTY = (0, 2, 12)
HELD_OUT = 8
TARGET = Path(__file__).parents[2] / "codec" / "imcodec" / "pyramid" / "prior"


class Networks:
    """Context networks of several sizes, each with its optimiser."""

    def __init__(self, shapes: tuple[tuple[int, int], ...], lr: float) -> None:
        self.shapes, self.lr = shapes, lr
        self.networks = [ContextNetwork(hidden, layers, Table()) for layers, hidden in shapes]
        self.optimisers = [
            Soap([[*network.parameters()]], betas=(0.9, 0.95), shampoo=0.95)
            for network in self.networks
        ]

    def step(self, share: float) -> None:
        """One step of every optimiser; `share` of the run is over."""
        for optimiser in self.optimisers:
            optimiser.rates[0] = self.lr * (1 + math.cos(math.pi * share)) / 2
            optimiser.step()
        for network in self.networks:
            network.confine()

    def save(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for (layers, hidden), network in zip(self.shapes, self.networks, strict=True):
            state = network.state_dict()
            arrays = {key: value.numpy().astype(np.float16) for key, value in state.items()}
            np.savez(folder / f"context-{layers}x{hidden}.npz", **arrays)


def fit_a_little(
    fit: Fit, networks: Networks, steps: int, done: float, pool: ThreadPoolExecutor
) -> list[float]:
    """Fit a crop's latents, synthesis and filters, and the networks; costs at the last step."""
    recipe = fit.recipe
    fit.network = networks.networks[0]
    latents = torch.optim.Adam([fit.latents.stored], betas=recipe.betas, fused=True)
    drawing = Soap([[*part.parameters()] for part in (fit.synthesis, fit.filters)])
    for step in range(steps):
        share = step / (steps - 1)
        falling = max(recipe.last, (1 + math.cos(math.pi * share)) / 2)
        latents.param_groups[0]["lr"] = recipe.rates[0] * falling
        drawing.rates[:] = [rate * falling for rate in recipe.rates[2:]]
        value, derivative = fit.value(share, hard=share > recipe.hard_at)
        mse, bpp = fit.backward(value, pool)
        costs = [mse + recipe.lmbda * bpp]
        gradient = fit.latents.gradient.mul(derivative)
        for network in networks.networks[1:]:
            fit.network = network
            with torch.no_grad():
                bits, grads = fit.rate(value, pool)
            tops = [t for pair in network.layers() for t in pair if t is not None]
            torch.autograd.backward(tops, grads)
            pixels = fit.geometry.height * fit.geometry.width
            costs.append(mse + recipe.lmbda * bits / pixels)
        fit.network = networks.networks[0]
        fit.latents.gradient.copy_(gradient)
        latents.step()
        drawing.step()
        networks.step(done)
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--steps", type=int, default=100, help="of one picture")
    parser.add_argument("--lr", type=float, default=2e-2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(arguments.seed)
    names = sorted(arguments.folder.glob("*.png"))[:-HELD_OUT]
    networks = Networks(SHAPES, arguments.lr)
    kept = arguments.target / "state.pt"
    passed, count = 0.0, 0
    if arguments.resume and kept.exists():
        networks, passed, count = torch.load(kept, weights_only=False)
        random = np.random.default_rng((arguments.seed, count))
    begin, recent = time.monotonic() - passed, np.zeros(len(SHAPES))
    with ThreadPoolExecutor(1) as pool:
        while (done := (time.monotonic() - begin) / (60 * arguments.minutes)) < 1:
            with Image.open(names[random.integers(len(names))]) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            side = arguments.size
            top, left = (random.integers(0, n - side + 1) for n in pixels.shape[:2])
            pixels = pixels[top : top + side, left : left + side]
            recipe = Recipe(
                lmbda=10 ** random.uniform(-4.0, -2.2),
                steps=arguments.steps,
                prior=False,
                empty=int(random.choice(EMPTY)),
                seed=count,
            )
            fit = Fit(
                np.ascontiguousarray(pixels),
                choose_geometry(side, side),
                recipe,
                torch.device("cpu"),
            )
            costs = fit_a_little(fit, networks, arguments.steps, done, pool)
            count += 1
            logs = np.log(np.array(costs) / recipe.lmbda**0.7)  # so that lambdas weigh alike
            recent = logs if count == 1 else recent + (logs - recent) / min(count, 40)
            if count % 10 == 0:
                networks.save(arguments.target)
                passed = time.monotonic() - begin
                torch.save((networks, passed, count), kept)
                row = {"pictures": count, "minutes": round(passed / 60, 2)}
                print(json.dumps(row | {"cost": np.exp(recent).round(4).tolist()}), flush=True)


if __name__ == "__main__":
    main()

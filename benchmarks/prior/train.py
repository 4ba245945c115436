"""Train where fits start: fit many pictures a little, one after another, and keep what they share.

    python benchmarks/prior/train.py FOLDER --minutes 30 [--resume] [--device cuda]

Each picture is a random crop with latents and a synthesis of its own, at a random lambda; the
context networks and the filters go on from picture to picture. Networks of all sizes learn from the
same latents: the first one steers the fit and learns in every step, the others take turns. The last
8 files of the folder (sorted by name) are never used: they are there to measure on. Each tenth
picture a line is logged and the state is kept beside the result, so that --resume goes on where an
interrupted run stopped. What is written is read by the encoder only.
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
from safetensors.torch import load_file, save_file

from imcodec.pyramid.fit import Fit, Recipe
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.model import ContextNetwork, Filters
from imcodec.pyramid.settings import NETWORKS
from imcodec.pyramid.soap import Soap
from imcodec.pyramid.start import FILTERS, key
from imcodec.pyramid.table import Table

#: (layers, hidden units), the first one steers
SHAPES = ((3, 22), *((s.layers, s.hidden) for s in NETWORKS.values() if s.hidden != 22))
#: planes that start empty, counted from the finest: what the encoder does at its efforts
EMPTY = (1, 2, 12)
LEVELS = 6
HELD_OUT = 8
TARGET = Path(__file__).parents[2] / "codec" / "imcodec" / "pyramid" / "prior.safetensors"


class Prior:
    """Context networks of several sizes and filters, each with its optimiser."""

    def __init__(self, lr: float) -> None:
        self.networks = [ContextNetwork(hidden, layers, Table()) for layers, hidden in SHAPES]
        self.filters = Filters(LEVELS)
        #: the networks' rates, and the filters', which learn a tenth as fast
        self.parts = [*((network, lr) for network in self.networks), (self.filters, lr / 10)]
        self.optimisers = [
            Soap([[*part.parameters()]], betas=(0.9, 0.95), shampoo=0.95) for part, _ in self.parts
        ]

    def load(self, path: Path) -> None:
        """Go on from values that were saved; shapes that are missing stay as they are."""
        values = load_file(path)
        for (layers, hidden), network in zip(SHAPES, self.networks, strict=True):
            start = key(hidden, layers, "")
            found = {k.removeprefix(start): v for k, v in values.items() if k.startswith(start)}
            if found:
                network.load_state_dict(found)
        if FILTERS in values:
            self.filters.load_state_dict({"weights": values[FILTERS]})

    def step(self, learning: set[int], share: float) -> None:
        """One step of some parts; `share` of the run is over."""
        for index, ((part, lr), optimiser) in enumerate(
            zip(self.parts, self.optimisers, strict=True)
        ):
            if index in learning:
                optimiser.rates[0] = lr * (1 + math.cos(math.pi * share)) / 2
                optimiser.step()
            for parameter in part.parameters():
                parameter.grad = None
        for network in self.networks:
            network.confine()

    def save(self, path: Path, made: str) -> None:
        """Half precision is plenty: the networks' integers are 6 bits."""
        values = {FILTERS: self.filters.weights.detach().half()}
        for (layers, hidden), network in zip(SHAPES, self.networks, strict=True):
            for name, value in network.state_dict().items():
                values[key(hidden, layers, name)] = value.half().contiguous()
        save_file(values, path, {"made": made})


def fit_a_little(
    fit: Fit, prior: Prior, steps: int, done: float, pool: ThreadPoolExecutor
) -> list[float]:
    """Fit a crop's latents and synthesis, and the prior; costs with each network's last step."""
    recipe, networks = fit.recipe, prior.networks
    fit.network, fit.filters = networks[0], prior.filters
    latents = torch.optim.Adam([fit.latents.stored], betas=recipe.betas, fused=True)
    drawing = Soap([[*fit.synthesis.parameters()]])
    pixels = fit.geometry.height * fit.geometry.width
    costs = [0.0] * len(networks)
    for step in range(steps):
        share = step / (steps - 1)
        falling = max(recipe.last, (1 + math.cos(math.pi * share)) / 2)
        latents.param_groups[0]["lr"] = recipe.rates[0] * falling
        drawing.rates[0] = recipe.rates[2] * falling
        value, derivative = fit.value(share, hard=share > recipe.hard_at)
        mse, bpp = fit.backward(value, pool)
        costs[0] = mse + recipe.lmbda * bpp
        gradient = fit.latents.gradient.mul(derivative)
        turn = 1 + step % (len(networks) - 1)
        fit.network = networks[turn]
        with torch.no_grad():
            bits, grads = fit.rate(value, pool)
        tops = [t for pair in fit.network.layers() for t in pair if t is not None]
        torch.autograd.backward(tops, grads)
        costs[turn] = mse + recipe.lmbda * bits / pixels
        fit.network = networks[0]
        fit.latents.gradient.copy_(gradient)
        latents.step()
        drawing.step()
        prior.step({0, turn, len(networks)}, done)
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100, help="of one picture")
    parser.add_argument("--lr", type=float, default=2e-2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--start", type=Path, help="values to begin with")
    parser.add_argument("--note", default="", help="kept in the file with how it was made")
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(arguments.seed)
    names = sorted(arguments.folder.glob("*.png"))[:-HELD_OUT]
    prior = Prior(arguments.lr)
    if arguments.start:
        prior.load(arguments.start)
    kept = arguments.target.with_suffix(".state.pt")
    passed, count = 0.0, 0
    if arguments.resume and kept.exists():
        prior, passed, count = torch.load(kept, weights_only=False)
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
                choose_geometry(side, side, LEVELS),
                recipe,
                torch.device(arguments.device),
            )
            if fit.geometry.levels != LEVELS:
                parser.error(f"pictures of {side} pixels have no {LEVELS} levels")
            costs = fit_a_little(fit, prior, arguments.steps, done, pool)
            count += 1
            logs = np.log(np.array(costs) / recipe.lmbda**0.7)  # so that lambdas weigh alike
            recent = logs if count == 1 else recent + (logs - recent) / min(count, 40)
            if count % 10 == 0:
                passed = time.monotonic() - begin
                row = {"pictures": count, "minutes": round(passed / 60, 2)}
                row |= {"cost": np.exp(recent).round(4).tolist()}
                made = {"program": "benchmarks/prior/train.py", "steps": arguments.steps}
                made |= {"size": side, "lr": arguments.lr, "seed": arguments.seed}
                made |= {"note": arguments.note}
                prior.save(arguments.target, json.dumps(made | row))
                torch.save((prior, passed, count), kept)
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

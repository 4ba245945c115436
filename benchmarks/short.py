"""Short fits: networks from the prior or untrained, their size, learning rates (fitting.md).

    python benchmarks/short.py PHOTO ... --ways large:prior,large:none [--steps 150] [--lmbda 4e-4]

Fits the crops of starts.py in each way that is named: a size of the networks (or "auto", what the
encoder would take), "prior" or "none", then "long" for the averages and learning rates of long fits
(the encoder's for so many steps otherwise), or four rates as 1.5e-2/4e-2/3e-2/6e-3. Prints J = mse
+ lambda * bits per pixel (colours in 0 .. 1) times 1000 of each, a quarter of the networks' bytes
counted, as a crop is a quarter of a picture; then the mean of what each way costs more than the
first. Ten seconds for each fit of 150 steps.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from pathlib import Path

import torch
from starts import CROPS, HEIGHT, WIDTH, crop, network_name

from imcodec.pyramid import choice
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import NETWORKS

#: of the networks' bytes that are left when they are coded
PACKED = 0.75


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--ways", default="auto:prior,auto:none")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--lmbda", type=float, default=4e-4)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    ways = arguments.ways.split(",")
    costs = []
    for path in arguments.photos:
        jpeg = Jpeg(crop(path))
        settings = arguments.steps, arguments.lmbda, arguments.seed
        costs.append([_cost(jpeg, way.split(":"), *settings) for way in ways])
        print(path.stem, *(f"{cost:.4f}" for cost in costs[-1]), flush=True)
    for way, column in zip(ways, zip(*costs, strict=True), strict=True):
        ratios = [cost / row[0] for cost, row in zip(column, costs, strict=True)]
        print(f"{way}: {100 * (statistics.geometric_mean(ratios) - 1):+.1f} %")


def _cost(jpeg: Jpeg, way: list[str], steps: int, price: float, seed: int) -> float:
    name, start, *rates = way
    if name == "auto":
        name = network_name(jpeg, price, steps)
    empty = 1 if steps < choice.FEW else 2
    recipe = Recipe(price, steps, prior=start == "prior", seed=seed, empty=empty)
    if steps < choice.QUICK and rates != ["long"]:
        recipe = choice.quick(recipe)
    if rates not in ([], ["long"]):
        latent, context, synthesis, filters = map(float, rates[0].split("/"))
        recipe = replace(recipe, rates=(latent, context, synthesis, filters))
    geometry = choose_geometry(HEIGHT, WIDTH)
    recipe = recipe.resized(NETWORKS[name])
    cost = Fit(jpeg.pixels, geometry, recipe, torch.device("cpu"), 1).run().cost
    weights = PACKED * choice.network_bytes(NETWORKS[name], geometry.levels, 3) / CROPS
    return float(1000 * (cost + price * 8 * weights / jpeg.area))


if __name__ == "__main__":
    main()

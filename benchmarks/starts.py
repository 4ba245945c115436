"""Filled planes and calm, or empty planes: which start suits a picture (fitting.md).

    python benchmarks/starts.py PHOTO ... [--bpp 0.6,0.8,1.2] [--steps 3000] [--seed 0]

Fits the middle 384x256 pixels of each photo, reduced to 768 pixels, from both starts, at lambdas at
which the encoder guesses so many bits per pixel, with the networks that a picture of 768x512 would
have. Prints J = mse + lambda * bits per pixel (colours in 0 .. 1) times 1000 of both, and the guess
at lambda 1e-3. Two minutes for each fit of 3000 steps.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from imcodec.pyramid import choice
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import NETWORKS

WIDTH, HEIGHT, REDUCED = 384, 256, 768
#: how many of these crops a whole picture has
CROPS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--bpp", default="0.6,0.8")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.steps < choice.CALM:
        parser.error(f"--steps: at least {choice.CALM}, shorter fits are never calm")
    for path in arguments.photos:
        jpeg = Jpeg(crop(path))
        for bpp in map(float, arguments.bpp.split(",")):
            price = _price_at(jpeg, bpp)
            recipes = _recipes(jpeg, price, arguments.steps, arguments.seed)
            empty, calm = (_cost(jpeg, recipe) for recipe in recipes)
            print(
                f"{path.stem}: {_guess(jpeg, 1e-3):.2f} bits per pixel at 1e-3; at {price:.2e} "
                f"({bpp:g}) empty {empty:.4f}, calm {calm:.4f}: {100 * (calm / empty - 1):+.1f} %",
                flush=True,
            )


def crop(path: Path) -> NDArray[np.uint8]:
    """The middle of a reduced photo, uint8 [HEIGHT, WIDTH, 3]."""
    with Image.open(path) as image:
        photo = image.convert("RGB")
    photo.thumbnail((REDUCED, REDUCED), Image.Resampling.LANCZOS)
    x, y = (photo.width - WIDTH) // 2, (photo.height - HEIGHT) // 2
    return np.asarray(photo.crop((x, y, x + WIDTH, y + HEIGHT)))


def _guess(jpeg: Jpeg, price: float) -> float:
    """Bits per pixel of latents, as choice.py expects them of small networks."""
    return choice.JPEG_SHARE * jpeg.size(price) * 8 / jpeg.area


def _price_at(jpeg: Jpeg, bpp: float) -> float:
    low, high = 1e-5, 1e-1
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _guess(jpeg, middle) > bpp else (low, middle)
    return low


def network_name(jpeg: Jpeg, price: float, steps: int) -> str:
    """The size of networks that the encoder would take for a picture that such crops make up."""
    latents = CROPS * choice.guessed_share(steps) * jpeg.size(price)
    return choice.cheapest(latents, steps, choose_geometry(HEIGHT, WIDTH).levels, 3, price)


def _recipes(jpeg: Jpeg, price: float, steps: int, seed: int) -> tuple[Recipe, Recipe]:
    """Both ways to fit, empty first."""
    levels = choose_geometry(HEIGHT, WIDTH).levels
    size = NETWORKS[network_name(jpeg, price, steps)]
    recipe = Recipe(lmbda=price, steps=steps, prior=False, seed=seed).resized(size)
    empty = replace(choice.for_empty_planes(recipe), empty=levels - 1)
    calm = replace(choice.calm(recipe), empty=2)
    return empty, calm


def _cost(jpeg: Jpeg, recipe: Recipe) -> float:
    fit = Fit(jpeg.pixels, choose_geometry(HEIGHT, WIDTH), recipe, torch.device("cpu"), 1)
    return 1000 * fit.run().cost


if __name__ == "__main__":
    main()

"""What moving latents and weights by one buys after a fit, and what it takes (fitting.md).

    python benchmarks/descent.py PHOTO ... [--steps 3000] [--quality 50]
        [--turns 100:1:0,50:0:750,50:0:0]

Fits the middle 512x512 pixels of each photo, reduced to 768 pixels, then goes through turns:
so many rounds of latents, 1 where the synthesis is rounded together, and so many weights of the
context network that are tried. Without --turns they are those that the encoder would take. Prints
J = mse + lambda * bits per pixel (colours in 0 .. 1) of the file's latents and picture, and after
each of these how much less it is, with how many numbers were changed and the time in steps.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from imcodec.devices import workers
from imcodec.pyramid.choice import choose
from imcodec.pyramid.descent import Turn, passes, plan
from imcodec.pyramid.exact_cost import ExactCost
from imcodec.pyramid.finish import code
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.latent_moves import LatentMoves
from imcodec.pyramid.settings import PyramidSettings

SIDE, REDUCED = 512, 768


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--quality", type=float, default=50)
    parser.add_argument("--turns", help="ROUNDS:TOGETHER:TRIES, with commas between")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    turns: list[Turn] | None = None
    if arguments.turns:
        triples = (map(int, each.split(":")) for each in arguments.turns.split(","))
        turns = [Turn(rounds, together > 0, tries) for rounds, together, tries in triples]
    settings = PyramidSettings(
        quality=arguments.quality, steps=arguments.steps, seed=arguments.seed
    )
    for path in arguments.photos:
        print(f"{path.stem}: {report(crop(path), settings, turns)}", flush=True)


def crop(path: Path) -> NDArray[np.uint8]:
    """The middle of a reduced photo, uint8 [SIDE, SIDE, 3] or less."""
    with Image.open(path) as image:
        photo = image.convert("RGB")
    photo.thumbnail((REDUCED, REDUCED), Image.Resampling.LANCZOS)
    width, height = min(SIDE, photo.width), min(SIDE, photo.height)
    x, y = (photo.width - width) // 2, (photo.height - height) // 2
    return np.asarray(photo.crop((x, y, x + width, y + height)))


def report(pixels: NDArray[np.uint8], settings: PyramidSettings, turns: list[Turn] | None) -> str:
    """J of a fit, and how much less it is after each part of a turn."""
    recipe, geometry = choose(Jpeg(pixels), settings)
    fit = Fit(pixels, geometry, recipe, torch.device("cpu"), 1)
    begin = time.monotonic()
    fitted = fit.run()
    step = (time.monotonic() - begin) / recipe.steps
    coded = code(fit, fitted)
    fit.adopt(replace(fitted, context=coded.context, planes=coded.planes))
    parts = []
    with workers(1, fit.device) as pool:
        cost = ExactCost(fit, pool)
        latents = LatentMoves(cost, [plane.astype(np.float32) for plane in coded.planes], 0)
        before, begin = latents.total, time.monotonic()
        made = passes(cost, latents, turns or plan(recipe.steps, coded.context.size))
        for kind, group in groupby(made, lambda each: each.kind):
            count = changed = 0
            for each in group:
                count, changed, total = count + 1, changed + each.changed, latents.total
                spent = (time.monotonic() - begin) / step
            what = f"{count} x {kind}" if count > 1 else kind
            less = 100 * (total / before - 1)
            parts.append(f"{what} ({changed} changed) {less:+.2f} % in {spent:.0f} steps")
    return f"J {1000 * before:.4f}; {', '.join(parts)}"


if __name__ == "__main__":
    main()

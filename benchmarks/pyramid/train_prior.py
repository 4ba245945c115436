"""Start values of the networks: fitted a little to many pictures, one after another.

    python train_prior.py FOLDER prior.npz --seconds 160 [--resume]

Each picture gets latents of its own and a short fit (soft, then hard); the networks go on from
picture to picture.  The file holds the context networks' parameters as float16; it stays with
the encoder and costs no bits in a file.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from fit_pyramid import Fit, Settings
from geometry import Geometry
from PIL import Image

LEVELS = 6


def save(fit: Fit, target: Path) -> None:
    """The context networks' parameters; a synthesis from other pictures is a bad start."""
    arrays = {
        f"network/{key}": value.detach().numpy().astype(np.float16)
        for key, value in fit.network.state_dict().items()
    }
    np.savez(target, **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--seconds", type=float, default=160)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=40, help="of one picture")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(arguments.seed)
    files = sorted(arguments.folder.glob("*.png"))
    side, steps = arguments.size, arguments.steps
    geometry = Geometry(side, side, LEVELS, 1, side >> LEVELS, side >> LEVELS)
    shared: Fit | None = None
    optimiser: torch.optim.Optimizer | None = None
    start, count, recent = time.monotonic(), 0, 0.0
    while (passed := (time.monotonic() - start) / arguments.seconds) < 1:
        picture = np.asarray(Image.open(files[random.integers(len(files))]).convert("RGB"))
        top, left = (random.integers(0, n - side + 1) for n in picture.shape[:2])
        lmbda = 1e-3 * 2 ** random.uniform(-1.5, 1.5)
        prior = str(arguments.target) if arguments.resume and shared is None else ""
        settings = Settings(
            lmbda=lmbda, steps=steps, layers=arguments.layers, seed=count, prior=prior
        )
        fit = Fit(picture[top : top + side, left : left + side], geometry, settings)
        if shared is not None:
            fit.network, fit.synthesis = shared.network, shared.synthesis
            fit.start()
        shared = fit
        networks = [*fit.network.parameters(), *fit.synthesis.parameters()]
        if optimiser is None:
            optimiser = torch.optim.Adam(networks, lr=arguments.lr, betas=(0.9, 0.99), fused=True)
        optimiser.param_groups[0]["lr"] = arguments.lr * (1 + math.cos(math.pi * passed)) / 2
        latents = torch.optim.Adam(fit.pyramid.parameters(), lr=settings.lr, fused=True)
        for step in range(steps):
            share = (step + 0.5) / steps
            optimiser.zero_grad()
            latents.zero_grad()
            mse, bpp = fit.backward(fit.planes(share), share > 0.4)
            torch.nn.utils.clip_grad_norm_(networks, 0.1)
            optimiser.step()
            latents.step()
        count += 1
        cost = math.log(mse + lmbda * bpp)
        recent = cost if count == 1 else recent + (cost - recent) / min(count, 30)
        if count % 10 == 0:
            print(f"{count:4} mean cost {1e3 * math.exp(recent):.4f}", flush=True)
    assert shared is not None
    save(shared, arguments.target)


if __name__ == "__main__":
    main()

"""What one step of a fit costs on this machine, part by part.

    python benchmarks/steps.py PICTURE [--threads 1 2] [--networks small medium large]

Medians of several repetitions, in milliseconds for each megapixel: latents softened; squared error
and rate with all their gradients, in the compiled loops that a CPU runs and in the tensor
operations that a GPU runs, both here, one after the other; and a whole step.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from imcodec.devices import thread_limit
from imcodec.pyramid.fit import CHUNK, Fit
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.settings import NETWORKS

REPETITIONS = 11


def milliseconds(work: Callable[[], object]) -> float:
    """Median time, after one run that compiles and warms up."""
    work()
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def tensors(fit: Fit) -> None:
    """Let a fit run as on a GPU, but in chunks that stay in a CPU's caches."""
    fit._whole = True
    fit._chunk = CHUNK


def row(pixels: np.ndarray, network: str, threads: int) -> list[float]:
    """Milliseconds for each megapixel: softened, error twice, rate twice, step."""
    height, width, _ = pixels.shape
    cpu = torch.device("cpu")
    recipe = Recipe(lmbda=1e-3, steps=REPETITIONS).resized(NETWORKS[network])
    fits = [Fit(pixels, choose_geometry(height, width), recipe, cpu, threads) for _ in range(2)]
    tensors(fits[1])
    value, _ = fits[0].value(0.5, hard=False)
    found = [milliseconds(lambda: fits[0].value(0.5, hard=False))]
    with ThreadPoolExecutor(threads) as pool, torch.no_grad():
        found += [milliseconds(lambda fit=fit: fit._distortion(value, pool)) for fit in fits]  # type: ignore[misc]
        found += [milliseconds(lambda fit=fit: fit.rate(value, pool)) for fit in fits]  # type: ignore[misc]
    fits[0].run()
    start = time.perf_counter()
    fits[0].run()
    found.append(1e3 * (time.perf_counter() - start) / (REPETITIONS + 1))
    return [value / (height * width / 1e6) for value in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--networks", nargs="+", default=["small", "medium", "large"])
    arguments = parser.parse_args()
    with Image.open(arguments.picture) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    print("| networks | threads | softened | error | in tensors | rate | in tensors | step |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for network in arguments.networks:
        for threads in arguments.threads:
            with thread_limit(1):
                cells = [f"{value:.0f}" for value in row(pixels, network, threads)]
            print("|", " | ".join([network, str(threads), *cells]), "|", flush=True)


if __name__ == "__main__":
    main()

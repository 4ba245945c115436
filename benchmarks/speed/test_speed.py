"""How fast the parts are, with pytest-benchmark.

    python -m pytest benchmarks/speed

against.py runs them at two commits and prints ratios. Whatever a part needs of the library is
imported where it is used, so that at a commit that lacks it only that part fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

SIDE = 256
STEPS = 8

Benchmark = Callable[..., Any]


def picture(side: int = SIDE) -> np.ndarray:
    """Waves, an edge and grain, uint8 [side, side, 3]."""
    y, x = np.mgrid[0:side, 0:side] / side
    grain = np.random.default_rng(0).normal(0, 0.03, (side, side, 3))
    waves = np.stack([np.sin(20 * x + 9 * y), np.sin(31 * y), x + 0.5 * y > 0.8], -1)
    return ((0.5 + 0.3 * waves + grain).clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def data() -> bytes:
    """A file of a short fit."""
    from imcodec import encode

    return encode(picture(), steps=20, network="medium", threads=1)


def test_fitting_step(benchmark: Benchmark) -> None:
    """Steps of a fit, one thread; "per_megapixel" is what one step would take for a megapixel."""
    import torch

    from imcodec.devices import thread_limit
    from imcodec.pyramid.fit import Fit
    from imcodec.pyramid.geometry import choose_geometry
    from imcodec.pyramid.recipe import Recipe

    recipe = Recipe(lmbda=1e-3, steps=STEPS)
    with thread_limit(1):
        fit = Fit(picture(), choose_geometry(SIDE, SIDE), recipe, torch.device("cpu"), 1)
        benchmark.pedantic(fit.run, rounds=5, warmup_rounds=1)
    # the true cost of the last state takes a step, too
    share = (STEPS + 1) * SIDE * SIDE / 1e6
    benchmark.extra_info["per_megapixel"] = benchmark.stats.stats.min / share


def test_entropy_encoding(benchmark: Benchmark, data: bytes) -> None:
    from imcodec.container import open_container
    from imcodec.pyramid.context import Context
    from imcodec.pyramid.decode import latents
    from imcodec.pyramid.table import Table
    from imcodec.pyramid.walk_kernel import encode_latents

    contents = open_container(data).contents
    planes = [plane.astype(np.int64) for plane in latents(data)]
    context = Context(*contents.stored.context)
    benchmark.pedantic(
        lambda: encode_latents(context, contents.header.geometry, Table(), planes),
        rounds=5,
        warmup_rounds=1,
    )


def test_graph_building(benchmark: Benchmark, data: bytes) -> None:
    from imcodec.container import open_container

    contents = open_container(data).contents
    assert benchmark(contents.build) == data


def test_verification(benchmark: Benchmark, data: bytes) -> None:
    from imcodec.container import open_container

    assert benchmark(open_container, data).data == data


def test_session_creation(benchmark: Benchmark, data: bytes) -> None:
    from imcodec.runtime import Session

    benchmark(Session, data, stock=True)


def test_decoding(benchmark: Benchmark, data: bytes) -> None:
    from imcodec import decode

    pixels = benchmark.pedantic(lambda: decode(data, threads=1), rounds=10, warmup_rounds=1)
    assert pixels.shape == (SIDE, SIDE, 3)

"""Sizes and qualities that are asked for: what is aimed at, what is found, what cannot be."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from imcodec import (
    Encoding,
    PyramidSettings,
    TargetError,
    UsageError,
    encode_picture,
    settings_from,
    verify,
)
from imcodec.pyramid.finish import code
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.goal import BETTER, SMALLER, Found, Goal
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.prices import first_price
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.steering import Steering
from imcodec.pyramid.table import Table
from imcodec.pyramid.trim import trim
from imcodec.pyramid.walk import decode_latents
from pictures import scene

GRAIN = np.random.default_rng(1).normal(0, 6, (64, 96, 1))
PICTURE = (scene(96, 64) + GRAIN).clip(0, 255).astype(np.uint8)


def made(pixels: np.ndarray = PICTURE, **settings: Any) -> Encoding:
    return encode_picture(pixels, PyramidSettings(**{"steps": 100, "threads": 1} | settings))


@pytest.fixture(scope="module")
def plain() -> Encoding:
    return made(lmbda=5e-4)


def test_a_size_is_hit(plain: Encoding) -> None:
    size = round(0.96 * len(plain.data))
    found = made(target_size=size)
    assert (1 - SMALLER) * size <= len(found.data) <= size
    assert verify(found.data) == found.info
    assert found.psnr > plain.psnr - 3
    bpp = 8 * size / (96 * 64)
    assert made(target_bpp=bpp).data == found.data


def test_a_quality_is_hit(plain: Encoding) -> None:
    # where the picture's grain is drawn: a little below, fits of 100 steps draw all of it or none
    found = made(target_psnr=plain.psnr + 1)
    assert 0 <= found.psnr - plain.psnr - 1 <= BETTER
    assert len(found.data) < 1.3 * len(plain.data)
    assert len(found.history) <= 1.35 * len(plain.history)


@pytest.mark.parametrize("wanted", [{"target_size": 100}, {"target_psnr": 90.0}])
def test_out_of_reach(wanted: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match="was not reached; the nearest file has") as caught:
        made(scene(40, 30), **wanted, steps=8)
    nearest = caught.value.nearest
    assert nearest is not None
    assert verify(nearest.data) == nearest.info
    number = f"{len(nearest.data):,} bytes" if "target_size" in wanted else f"{nearest.psnr:.2f} dB"
    assert str(caught.value).endswith(number)


def test_an_interrupted_fit_is_no_missed_target() -> None:
    settings = PyramidSettings(target_size=100, steps=50, threads=1)
    found = encode_picture(scene(20, 16), settings, stop=lambda: True)
    assert len(found.data) > 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_size": 0},
        {"target_size": 2.5},
        {"target_bpp": 0},
        {"target_psnr": math.nan},
        {"target_psnr": 101},
        {"target_size": 9000, "target_psnr": 40},
        {"target_size": 9000, "target_bpp": 1.0},
        {"target_size": 9000, "lmbda": 1e-3},
        {"target_psnr": 40, "quality": 75},
        {"target_psnr": 40, "model": "mlp"},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        settings_from(**wrong)


def test_goals() -> None:
    assert Goal.of(PyramidSettings(), 100) is None
    size, quality = Goal("size", 1000), Goal("psnr", 40)
    assert Goal.of(PyramidSettings(target_bpp=8), 1000) == size
    assert Goal.of(PyramidSettings(target_size=1000), 5) == size
    assert Goal.of(PyramidSettings(target_psnr=40), 5) == quality
    assert [size.met(Found(n, 0)) for n in (979, 980, 1000, 1001)] == [False, True, True, False]
    met = [quality.met(Found(0, x)) for x in (39.99, 40, 40.1, 40.11)]
    assert met == [False, True, True, False]
    assert not size.safe(Found(1000, 0))
    assert size.distance(Found(1001, 0)) > size.distance(Found(500, 0))
    assert quality.distance(Found(0, 39.99)) > quality.distance(Found(0, 45))
    assert size.difference(Found(2000, 0)) == pytest.approx(math.log(2), abs=0.01)
    assert quality.difference(Found(0, 37)) == pytest.approx(math.log(2), abs=0.03)


def test_files_that_are_what_was_asked_for_come_first() -> None:
    size, quality = Goal("size", 1000), Goal("psnr", 30)
    files = [Found(960, 31.0), Found(1000, 32.0), Found(990, 30.5), Found(995, 31.0)]
    best_first = sorted(files, key=size.rank)
    assert best_first[:2] == [Found(995, 31.0), Found(990, 30.5)]
    assert best_first[-1] == Found(960, 31.0)
    assert size.missing(Found(990, 0)) < 0 < size.missing(Found(1000, 0))
    files = [Found(800, 29.99), Found(950, 30.02), Found(800, 30.2), Found(900, 30.06)]
    psnrs = [found.psnr for found in sorted(files, key=quality.rank)]
    assert psnrs == [30.06, 30.02, 30.2, 29.99]
    assert quality.missing(Found(1, 30.1)) < 0 < quality.missing(Found(1, 30.0))


@pytest.mark.parametrize("kind", ["size", "psnr"])
def test_the_first_price_follows_the_goal(kind: Any) -> None:
    values = (4500, 6000, 9000) if kind == "size" else (28, 33, 38)
    prices = [first_price(Goal(kind, value), Jpeg(scene(200, 150)), 300) for value in values]
    assert prices == sorted(prices, reverse=True)
    assert prices[0] > 2 * prices[-1]
    for flat in (scene(1, 1), np.full((30, 20, 2), 7, np.uint8)):
        assert 1e-6 <= first_price(Goal(kind, values[0]), Jpeg(flat), 300) <= 1


@pytest.mark.parametrize("width", [200, 256])
def test_a_few_hundred_bytes_of_latents_are_hit(width: int) -> None:
    # most bits that such a fit shows are those of soft rounding
    found = made(scene(width, width * 3 // 4), target_size=3600, steps=150)
    assert (1 - SMALLER) * 3600 <= len(found.data) <= 3600


@pytest.mark.parametrize(
    ("files", "moved", "rounds"),
    [
        ([Found(1040, 30)], [Found(995, 30)], 1),  # moved latents make up for the rest
        ([Found(1040, 30), Found(999, 29)], [Found(1010, 30), Found(997, 29)], 2),  # they do not
        ([Found(1200, 31), Found(1040, 30)], [Found(995, 30)], 2),  # it is too far for them
        ([Found(1040, 30), *[Found(1090, 30)] * 9], [Found(1002, 30), Found(1001, 29)], 3),
    ],
)
def test_rounds_follow_until_moved_latents_can_do_the_rest(
    files: list[Found], moved: list[Found], rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def fit_round(steering: Steering, first: float) -> Any:
        steering._last = files[len(made)]
        made.append(steering._last)
        return made[-1], made[-1], made[-1]

    monkeypatch.setattr(Steering, "_round", fit_round)
    monkeypatch.setattr(Steering, "_trimmed", lambda *_: None)
    fit = SimpleNamespace(geometry=choose_geometry(64, 96), lmbda=1e-3, recipe=Recipe(1e-3, 300))
    aim = SimpleNamespace(goal=Goal("size", 1000), size_of=None, found=lambda fit, x, y: x)
    steering = Steering(cast(Any, aim), cast(Any, fit), lambda _: None, lambda: False)
    last = iter(moved)
    found, _ = steering.run(lambda fitted, coded: (cast(Any, next(last)), coded))
    assert len(made) == rounds
    assert next(last, None) is None
    assert cast(Any, found) == min(moved, key=aim.goal.rank)


def test_trimming_moves_as_few_latents_as_needed() -> None:
    fit = Fit(PICTURE, choose_geometry(64, 96), Recipe(1e-3, 30, 4, 9), torch.device("cpu"))
    coded = code(fit, fit.run())
    limit = 0.99 * coded.payload.ideal_bits
    found = trim(fit, coded, lambda made: made.payload.ideal_bits <= limit)
    assert found is not None
    assert 0.97 * coded.payload.ideal_bits < found.payload.ideal_bits <= limit
    again, _ = decode_latents(found.context, fit.geometry, Table(), found.payload)
    pairs = list(zip(again, coded.planes, strict=True))
    assert all(np.abs(a - b).max() <= 1 and (abs(a) <= abs(b)).all() for a, b in pairs)
    assert 0 < sum(int((a != b).sum()) for a, b in pairs) < 0.05 * fit.geometry.symbols
    assert trim(fit, replace(coded), lambda _: False) is None

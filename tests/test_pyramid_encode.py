"""Pictures to pyramid files and back: what comes out is what was promised."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from PIL import Image, ImageDraw

import imcodec.pyramid.encode as module
from imcodec import (
    Encoding,
    PyramidSettings,
    RuntimeFailureError,
    UsageError,
    decode,
    encode,
    encode_picture,
    settings_from,
    verify,
)
from imcodec.header import MAX_PSNR
from imcodec.metrics import psnr
from imcodec.progress import Progress
from imcodec.pyramid.choice import network_bytes
from imcodec.pyramid.drawer import PyramidDrawer
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.settings import NETWORKS
from pictures import scene
from pyramids import pixel_grid

#: seconds matter: few steps, and nobody asked which network would be best
QUICK: dict[str, Any] = {"steps": 4, "network": "small", "threads": 1}


def made(pixels: Any, **changes: Any) -> Encoding:
    named = {key: changes.pop(key) for key in ("progress", "snapshot", "stop") if key in changes}
    return encode_picture(pixels, settings_from(**QUICK | changes), **named)


def checked(pixels: np.ndarray, **changes: Any) -> Encoding:
    """An encoding, after everything that must hold for every file has been looked at."""
    encoding = made(pixels, **changes)
    height, width, channels = pixels.shape
    shown = decode(encoding.data)
    assert shown.shape == pixels.shape
    assert encoding.psnr == psnr(pixels, shown)
    found = verify(encoding.data)
    assert found == encoding.info
    assert (found.width, found.height, found.channels) == (width, height, channels)
    assert found.model == "pyramid"
    # recorded in hundredths, rounded down
    assert found.psnr == min(math.floor(100 * min(encoding.psnr, 100)), MAX_PSNR) / 100
    parts = found.bytes
    assert parts.total == len(encoding.data)
    assert parts.graph + parts.weights + parts.payload + parts.header == parts.total
    (bare,) = ort.InferenceSession(encoding.data).run(None, {"grid": pixel_grid(height, width)})
    assert bare.dtype == np.uint8
    assert np.abs(bare[0].astype(int) - shown).max() <= 1
    return encoding


def screenshot() -> np.ndarray:
    """Windows, and blocks that look like text: black on white, sharp."""
    random = np.random.default_rng(0)
    pixels = np.full((44, 72, 3), 240, np.uint8)
    pixels[:10] = 30, 60, 120
    for top in range(14, 40, 6):
        for left in range(4, 68, 5):
            if random.random() < 0.8:
                pixels[top : top + 4, left : left + 4] = random.integers(0, 2, (4, 4, 1)) * 255
    return pixels


def line_drawing() -> np.ndarray:
    """Thin lines in grey on white."""
    image = Image.new("L", (72, 48), 255)
    pen = ImageDraw.Draw(image)
    for turn in range(9):
        pen.line((4, 4 + 5 * turn, 68, 44 - 4 * turn), fill=0, width=1)
    pen.ellipse((16, 6, 52, 42), outline=80)
    return np.asarray(image)[..., None]


NOISE = np.random.default_rng(0).integers(0, 256, (24, 56, 3)).astype(np.uint8)
PICTURES = {
    "1x1": scene(1, 1),
    "400x1": scene(400, 1),
    "1x400": scene(1, 400),
    "37x53": scene(37, 53),
    "grey": scene(41, 22, 1),
    "grey and alpha": scene(41, 22, 2),
    "RGBA": scene(41, 22, 4),
    "black": np.zeros((22, 41, 3), np.uint8),
    "white": np.full((22, 41, 3), 255, np.uint8),
    "transparent": np.zeros((22, 41, 4), np.uint8),
    "noise": NOISE,
    "screenshot": screenshot(),
    "lines": line_drawing(),
    "one white pixel": np.pad(np.full((1, 1, 1), 255, np.uint8), ((8, 11), (9, 30), (0, 0))),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_comes_back(name: str) -> None:
    checked(PICTURES[name])


@pytest.mark.parametrize("name", ["37x53", "1x1"])
def test_the_network_is_chosen(name: str) -> None:
    checked(PICTURES[name], network="auto", steps=1)


def test_a_long_picture() -> None:
    checked(scene(13, 2049), steps=2)


@pytest.mark.slow
def test_a_very_long_line() -> None:
    checked(scene(1, 4000), steps=2)


@pytest.mark.parametrize(("name", "prior"), [("small", True), ("medium", False), ("large", True)])
def test_every_network(name: str, prior: bool) -> None:
    encoding = checked(scene(20, 30), network=name, prior=prior, steps=1)
    geometry = choose_geometry(30, 20)
    assert encoding.info.bytes.weights == network_bytes(NETWORKS[name], geometry.levels, 3)


def test_steps_make_it_better() -> None:
    pixels = scene(48, 36)
    costs = []
    for steps in (5, 40):
        encoding = made(pixels, steps=steps)
        bits = 8 * (encoding.info.bytes.payload + encoding.info.bytes.weights)
        costs.append(10 ** (-encoding.psnr / 10) + 4e-4 * bits / (48 * 36))
    assert costs[1] < costs[0]
    assert encoding.psnr > 22


def test_quality_buys_bytes() -> None:
    pixels = scene(48, 36)
    low, high = (made(pixels, steps=60, quality=quality) for quality in (30, 90))
    assert low.info.bytes.payload < high.info.bytes.payload
    assert low.psnr < high.psnr


@pytest.mark.parametrize("colour", [(255, 255, 255), (90, 254)])
def test_a_flat_picture_is_nearly_exact(colour: tuple[int, ...]) -> None:
    pixels = np.full((14, 33, len(colour)), colour, np.uint8)
    encoding = made(pixels, steps=40)
    assert np.abs(decode(encoding.data).astype(int) - pixels).max() <= 2
    assert encoding.info.bytes.payload < 200


def test_same_seed_same_bytes() -> None:
    """Whatever the number of threads, here and in the caller's torch, which stays as it was."""
    pixels = scene(41, 22)
    one = encode(pixels, **QUICK)
    assert encode(pixels, **QUICK, seed=1) != one
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert encode(pixels, **QUICK | {"threads": 3}) == one
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_settings_and_keywords_are_the_same() -> None:
    pixels = scene(20, 16)
    by_object = encode_picture(pixels, PyramidSettings(steps=3, threads=1)).data
    image = Image.fromarray(pixels)
    assert encode(image, steps=3, threads=1, model="pyramid") == by_object


def test_progress_moves_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPORT_EVERY", 0.0)
    reports: list[Progress] = []
    encoding = made(scene(41, 22), steps=8, progress=reports.append)
    assert [report.phase for report in reports] == ["fit"] * 9 + ["refine", "verify"]
    assert [report.step for report in reports] == [*range(9), 50, 8]
    assert [report.steps for report in reports] == [8] * 9 + [100, 8]
    elapsed = [report.elapsed for report in reports]
    assert elapsed == sorted(elapsed)
    assert 0 < elapsed[-1] <= encoding.seconds
    assert all(report.remaining >= 0 for report in reports)
    assert reports[-1].remaining == 0
    assert reports[-1].psnr == encoding.psnr
    for report in reports:
        assert math.isfinite(report.loss + report.psnr)
        assert report.bpp is not None
        assert report.bpp >= 0


def test_reports_come_a_few_times_a_second() -> None:
    reports: list[Progress] = []
    encoding = made(scene(24, 16), steps=40, progress=reports.append)
    assert len(reports) <= 3 + encoding.seconds / module.REPORT_EVERY


def test_the_training_curve() -> None:
    encoding = made(scene(24, 16), steps=8)
    assert [record.epoch for record in encoding.history] == list(range(9))
    assert all(math.isfinite(record.loss) for record in encoding.history)
    assert {record.phase for record in encoding.history} == {"fit"}
    assert encoding.device == "cpu" or torch.cuda.is_available()


def test_snapshots_after_powers_of_two() -> None:
    pixels = scene(41, 22)
    seen: dict[int, np.ndarray] = {}
    encoding = made(pixels, steps=9, snapshot=lambda step, shown: seen.update({step: shown}))
    assert list(seen) == [1, 2, 4, 8]
    for shown in seen.values():
        assert (shown.shape, shown.dtype) == (pixels.shape, np.uint8)
        assert psnr(pixels, shown) > 15
    # looking changes nothing
    assert made(pixels, steps=9).data == encoding.data


@pytest.mark.parametrize("after", [0, 1, 5])
def test_stop_ends_early_with_a_good_file(after: int) -> None:
    pixels = scene(41, 22)
    asked: Callable[[], bool] = iter([False] * after + [True] * 99).__next__
    encoding = made(pixels, steps=10**6, stop=asked)
    assert len(encoding.history) == after + 1
    assert encoding.psnr == psnr(pixels, decode(encoding.data))
    assert verify(encoding.data) == encoding.info


def test_a_time_limit_is_kept() -> None:
    pixels = scene(41, 22)
    begin = time.process_time()
    encoding = made(pixels, steps=10**6, time_limit=2)
    assert 1 <= len(encoding.history) - 1 < 10**5
    assert time.process_time() - begin < 6  # and not for ever, on a machine that is busy
    assert encoding.psnr == psnr(pixels, decode(encoding.data))


def test_interruption_leaves_torch_as_it_was() -> None:
    before = torch.get_num_threads()

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(scene(30, 30), progress=stop)
    assert torch.get_num_threads() == before


def test_devices_that_are_not_there_are_an_error() -> None:
    for device in ("cuda:99", "tpu"):
        with pytest.raises(UsageError, match="device"):
            made(scene(4, 4), device=device)


def test_latents_that_decode_to_others_are_never_handed_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planes = PyramidDrawer.planes

    def other(drawer: PyramidDrawer) -> list[np.ndarray]:
        found = planes(drawer)
        found[-1][0, 0] += 1
        return found

    monkeypatch.setattr(PyramidDrawer, "planes", other)
    with pytest.raises(RuntimeFailureError, match="decodes to other latents"):
        made(scene(9, 9), steps=1)


def test_a_runtime_that_draws_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = PyramidDrawer.coloured
    monkeypatch.setattr(
        PyramidDrawer, "coloured", lambda drawer, features: coloured(drawer, features) ^ 4
    )
    with pytest.raises(RuntimeFailureError, match="draws another picture"):
        made(scene(9, 9), steps=1)

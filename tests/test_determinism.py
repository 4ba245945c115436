"""The same in, the same out: bytes of files, latents, pixels."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from imcodec import decode, encode, runtime
from imcodec.pyramid.decode import latents
from make_golden import CASES, GOLDEN, PYRAMIDS
from pictures import scene
from pyramids import pixel_grid

SETTINGS = {
    "mlp": {"model": "mlp", "width": 8, "frequencies": 8, "epochs": 3, "threads": 1},
    "pyramid": {"steps": 6, "threads": 1},
}
ELSEWHERE = """
import hashlib
from imcodec import encode
from pictures import scene
from test_determinism import SETTINGS
for settings in SETTINGS.values():
    print(hashlib.sha256(encode(scene(30, 20), seed=7, **settings)).hexdigest())
"""
LEVELS = [
    getattr(ort.GraphOptimizationLevel, f"ORT_{name}")
    for name in ("DISABLE_ALL", "ENABLE_BASIC", "ENABLE_EXTENDED", "ENABLE_ALL")
]


def test_same_seed_same_bytes_in_another_process() -> None:
    """In another order of hashing, too."""
    files = [encode(scene(30, 20), seed=7, **settings) for settings in SETTINGS.values()]
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ELSEWHERE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == [hashlib.sha256(data).hexdigest() for data in files]


@cache
def expected(name: str) -> NDArray[np.uint8]:
    return decode(GOLDEN / f"{name}.onnx", threads=1)


@pytest.mark.parametrize("name", CASES)
def test_pixels_do_not_depend_on_threads(name: str) -> None:
    for threads in (2, 5):
        assert np.array_equal(decode(GOLDEN / f"{name}.onnx", threads=threads), expected(name))


@pytest.mark.parametrize("name", CASES)
def test_pixels_do_not_depend_on_how_the_work_is_cut(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row, and in chunks of other sizes."""
    height = len(expected(name))
    rows = [
        decode(GOLDEN / f"{name}.onnx", crop=(0, y, expected(name).shape[1], 1))
        for y in range(0, height, 7)
    ]
    assert np.array_equal(np.concatenate(rows), expected(name)[::7])
    for size in (256, 2048):
        monkeypatch.setattr("imcodec.mlp_drawer.chunk_size", lambda widest, size=size: size)
        monkeypatch.setattr("imcodec.pyramid.drawer.CHUNK", size)
        close(decode(GOLDEN / f"{name}.onnx"), expected(name))


def close(pixels: NDArray[np.uint8], other: NDArray[np.uint8]) -> None:
    """Equal, but for the last bit of a float: that may differ from machine to machine."""
    difference = np.abs(pixels.astype(int) - other)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
@pytest.mark.parametrize("name", PYRAMIDS)
def test_nothing_depends_on_optimisation(
    name: str, level: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = GOLDEN / f"{name}.onnx"
    planes, pixels = latents(path), expected(name)
    real = ort.InferenceSession

    def at_level(model: bytes, options: ort.SessionOptions, **keywords: object) -> object:
        options.graph_optimization_level = level
        return real(model, options, **keywords)

    monkeypatch.setattr(runtime.ort, "InferenceSession", at_level)
    for plane, other in zip(latents(path), planes, strict=True):
        assert np.array_equal(plane, other)
    assert np.array_equal(decode(path), pixels)


@pytest.mark.parametrize("level", [LEVELS[0], LEVELS[-1]], ids=lambda level: level.name)
@pytest.mark.parametrize("name", CASES)
def test_a_bare_runtime_shows_the_same_at_any_optimisation(name: str, level: object) -> None:
    height, width, _ = expected(name).shape
    model = (GOLDEN / f"{name}.onnx").read_bytes()
    (pixels,) = session(model, level).run(None, {"grid": pixel_grid(height, width)})
    close(pixels[0], expected(name))


def session(model: bytes, level: object) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.log_severity_level = 4
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def test_the_decoder_asks_for_one_thread_and_one_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the promise rests on, whatever the defaults of a runtime may become."""
    made: list[ort.SessionOptions] = []
    real = ort.InferenceSession

    def spy(model: bytes, options: ort.SessionOptions, **keywords: object) -> object:
        made.append(options)
        return real(model, options, **keywords)

    monkeypatch.setattr(runtime.ort, "InferenceSession", spy)
    for name in ("scene", "pyramid"):
        decode(GOLDEN / f"{name}.onnx")
    assert len(made) == 3
    basic = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert {(o.intra_op_num_threads, o.inter_op_num_threads) for o in made} == {(1, 1)}
    assert {o.graph_optimization_level for o in made} == {basic}

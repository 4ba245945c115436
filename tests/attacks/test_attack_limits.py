"""Nothing takes more than 200 MB, or five seconds, to be refused; and decoding is bounded, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imcodec.container import MAX_BYTES, PREFIX
from imcodec.pyramid.file import build
from imcodec.pyramid.geometry import choose_geometry
from models import framed
from pictures import made_file
from pyramids import flat_pyramid, made_pyramid, made_pyramid_file

if not Path("/proc/self/status").exists():
    pytest.skip("needs a system that tells how much memory was taken", allow_module_level=True)

Ask = Callable[..., dict[str, Any]]

MEGABYTES = 200
TOO_MUCH = "InvalidFileError: .*no file of ours has so many nodes"


@pytest.fixture(scope="module")
def refusing() -> Iterator[Ask]:
    """Asks a process that must never take more than 200 MB."""
    with Opener() as ask:
        yield ask


class Opener:
    """A process of limited.py that opens files for whoever asks."""

    def __enter__(self) -> Ask:
        program = Path(__file__).with_name("limited.py")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(program)]
        self._child = subprocess.Popen(command, text=True, env=environment, **pipes)  # type: ignore[call-overload]
        return self._ask

    def __exit__(self, *_: object) -> None:
        self._child.communicate()

    def _ask(self, path: Path, run: str = "verify", **keywords: object) -> dict[str, Any]:
        self._child.stdin.write(json.dumps({"path": str(path), "run": run, **keywords}) + "\n")
        self._child.stdin.flush()
        answer: dict[str, Any] = json.loads(self._child.stdout.readline())
        return answer


def full_of(*fields: int) -> Callable[[], bytes]:
    """As many bytes as are read: the last field, empty, again and again, inside of the others."""

    def make() -> bytes:
        *outer, last = fields
        empty = framed(last, b"")
        body = empty * ((MAX_BYTES - 100) // len(empty))
        for number in reversed(outer):
            body = framed(number, body)
        return PREFIX + body

    return make


def numbers(header: str) -> Callable[[], bytes]:
    """As many raw numbers of one initializer as are read, under a header."""

    def make() -> bytes:
        metadata = framed(14, framed(1, b"imcodec") + framed(2, header.encode()))
        return PREFIX + framed(7, framed(5, framed(9, bytes(MAX_BYTES - 200)))) + metadata

    return make


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(full_of(14), TOO_MUCH, id="metadata"),
        pytest.param(full_of(7, 5), TOO_MUCH, id="initializers"),
        pytest.param(full_of(7, 5, 13), TOO_MUCH, id="external data"),
        pytest.param(full_of(7, 1, 5), TOO_MUCH, id="attributes"),
        pytest.param(
            lambda: PREFIX + framed(7, framed(5, framed(7, bytes(MAX_BYTES - 50)))),
            TOO_MUCH,
            id="integers of one byte",
        ),
        pytest.param(
            numbers("1 pyr 53 37 3 3 1 2 1 3 5 3012 00000000"),
            "InvalidFileError: .*too many for a picture of 53x37",
            id="numbers of a small pyramid",
        ),
        pytest.param(
            numbers("1 mlp 9 9 3 8 n l 1 00000000"),
            "InvalidFileError: .*too many for a picture of 9x9",
            id="numbers of a small mlp",
        ),
        pytest.param(
            numbers("1 mlp 9 9 3 8 n 64x4096s,l 1 00000000"),
            "InvalidFileError: .*number of weights is",
            id="numbers of an enormous mlp",
        ),
    ],
)
def test_64_megabytes_are_refused_in_200(
    make: Callable[[], bytes], reason: str, refusing: Ask, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.onnx"
    path.write_bytes(make())
    assert MAX_BYTES - 1000 < path.stat().st_size <= MAX_BYTES
    answer = refusing(path)
    path.unlink()
    assert_refused(answer, reason)


def assert_refused(answer: dict[str, Any], reason: str) -> None:
    import re

    assert re.match(reason, answer["outcome"])
    assert answer["seconds"] < 5
    assert answer["peak"] < MEGABYTES


def test_a_terabyte_is_not_read(refusing: Ask, tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as stream:
        stream.write(PREFIX)
        stream.truncate(1 << 40)
    assert_refused(refusing(path), "LimitError: .*longer than the limit of 67108864 bytes")


def blank(width: int, height: int) -> bytes:
    """A canonical file of a large picture, in a few kilobytes."""
    header, stored, _ = made_pyramid()
    geometry = choose_geometry(height, width)
    changed = {"width": width, "height": height, "strips": geometry.strips}
    header = replace(header, **changed, levels=geometry.levels)
    numbers = {
        "context": tuple(np.zeros(shape, np.int8) for shape in header.context_shapes),
        "synthesis": np.zeros(header.synthesis_shape, np.int8),
        "filters": np.zeros((header.levels, 3, 3), np.int8),
        "states": np.ones(geometry.lanes, np.int64),
        "words": stored.words[:0],
    }
    return build(header, replace(stored, **numbers))


@pytest.mark.parametrize("view", [{}, {"crop": (0, 0, 9, 9)}, {"size": (9, 9)}, {"scale": 0.001}])
def test_a_large_pyramid_is_refused_at_any_view(
    view: dict[str, object], refusing: Ask, tmp_path: Path
) -> None:
    path = tmp_path / "large.onnx"
    path.write_bytes(blank(13400, 13400))
    assert refusing(path)["outcome"] == "accepted"  # it is whole
    assert_refused(refusing(path, "decode", **view), "LimitError: .*179560000 pixels")


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ({"scale": 1000}, "37000x53000 is 1961000000 pixels"),
        ({"scale": 1e9}, "a side may have 65535 pixels"),
        ({"size": (65536, 1)}, "a side may have 65535 pixels"),
        ({"size": (60000, 60000)}, "60000x60000 is 3600000000 pixels"),
        ({"crop": (0, 0, 1, 1), "scale": 20_000}, "20000x20000 is 400000000 pixels"),
        ({"size": (100, 100), "max_pixels": 9999}, "100x100 is 10000 pixels"),
    ],
)
@pytest.mark.parametrize("model", [made_file, lambda: made_pyramid_file(37, 53)])
def test_a_large_result_is_refused(
    model: Callable[[], bytes], view: dict[str, object], reason: str, refusing: Ask, tmp_path: Path
) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(model())
    assert_refused(refusing(path, "decode", **view), f"LimitError: .*{reason}")


def test_a_large_network_counts_as_more_pixels(refusing: Ask, tmp_path: Path) -> None:
    path = tmp_path / "slow.onnx"
    path.write_bytes(made_file(widths=(512, 512), digits=32))
    answer = refusing(path, "decode", size=(10_000, 10_000))
    assert_refused(answer, "LimitError: .*265731 weights make 100000000 points cost as much as 4")


@pytest.mark.parametrize("size", [(3000, 2500), (65535, 100)])
@pytest.mark.parametrize("model", [made_file, lambda: made_pyramid_file(640, 480)])
def test_decoding_takes_200_megabytes_and_the_output(
    model: Callable[[], bytes], size: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(model())
    with Opener() as ask:
        answer = ask(path, "decode", size=size)
    assert answer["outcome"] == "accepted"
    assert answer["peak"] < MEGABYTES + 3 * size[0] * size[1] / 2**20


def test_64_megabytes_are_verified_in_200(refusing: Ask, tmp_path: Path) -> None:
    """They are never copied."""
    path = tmp_path / "large.onnx"
    geometry = choose_geometry(8000, 8000)
    path.write_bytes(flat_pyramid(geometry, 8 * 65e6 / geometry.symbols))
    assert MAX_BYTES * 0.9 < path.stat().st_size <= MAX_BYTES
    answer = refusing(path)
    assert answer["outcome"] == "accepted"
    assert answer["peak"] < MEGABYTES


@pytest.mark.parametrize("view", [{}, {"crop": (3990, 2990, 9, 9)}])
def test_a_large_pyramid_takes_200_megabytes_and_the_output(
    view: dict[str, Any], tmp_path: Path
) -> None:
    """12 megapixels, in a file of 27 MiB; its latents alone would be 16 MB."""
    path = tmp_path / "large.onnx"
    path.write_bytes(flat_pyramid(choose_geometry(3000, 4000), bits=13.0))
    with Opener() as ask:
        answer = ask(path, "decode", threads=2, **view)
    assert answer["outcome"] == "accepted"
    output = 9 * 9 if view else 4000 * 3000
    assert answer["peak"] < 0.8 * MEGABYTES + 3 * output / 2**20

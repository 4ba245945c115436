"""A pyramid file in the command line and in Pillow."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

import imcodec.pillow  # noqa: F401 (registers the format)
from console import Cli
from imcodec import decode, info
from pyramids import damaged_word, made_pyramid, made_pyramid_file


@pytest.fixture
def pyramid(tmp_path: Path) -> Path:
    """A file of this model, pyramid.onnx: 53x37 pixels."""
    path = tmp_path / "pyramid.onnx"
    path.write_bytes(made_pyramid_file())
    return path


def test_info(cli: Cli, pyramid: Path) -> None:
    outcome = cli("info", pyramid, "--weights")
    assert (outcome.code, outcome.err) == (0, "")
    for text in ("53 x 37", "RGB", "pyramid", "30.12 dB", "latents at 4 levels, 1/1 to 1/8"):
        assert text in outcome.out
    for text in ("35 -> 3", "context 1, odd columns", "threshold", "payload", "100.0 %"):
        assert text in outcome.out
    assert "context 1, even columns: 105 parameters, too many to print" in outcome.out
    (row,) = cli("info", pyramid, "--json", "--weights").rows
    assert row == {"file": str(pyramid)} | info(pyramid).to_dict(weights=True)
    parts = row["bytes"]
    assert sum(parts[name] for name in ("graph", "weights", "payload", "header")) == parts["total"]


def test_verify(cli: Cli, pyramid: Path) -> None:
    size = pyramid.stat().st_size
    assert cli("verify", pyramid).out == f"{pyramid}: ok, 53x37x3, pyramid, {size:,} bytes\n"
    pyramid.write_bytes(pyramid.read_bytes()[:-1])
    assert cli("verify", pyramid).code == 3


def test_decode(cli: Cli, pyramid: Path) -> None:
    outcome = cli("decode", pyramid, "a.png", "-v")
    assert outcome.code == 0
    assert "latents" in outcome.err
    with Image.open("a.png") as image:
        assert np.array_equal(np.asarray(image), decode(pyramid))
    (row,) = cli("decode", pyramid, "b.png", "--scale", "2", "--json").rows
    assert (row["width"], row["height"]) == (106, 74)
    assert {"verify", "session", "latents", "run"} <= row["seconds"].keys()
    assert cli("decode", pyramid, "c.png", "--max-pixels", "100").code != 0
    assert not Path("c.png").exists()


def test_decode_of_a_code_that_does_not_end(cli: Cli) -> None:
    from imcodec.pyramid.file import build

    header, stored, _ = made_pyramid()
    Path("bad.onnx").write_bytes(build(header, damaged_word(stored)))
    outcome = cli("decode", "bad.onnx", "a.png")
    assert (outcome.code, len(outcome.lines)) == (3, 1)
    assert "does not end where it should" in outcome.err
    assert not Path("a.png").exists()


def test_compare(cli: Cli, pyramid: Path) -> None:
    Image.fromarray(decode(pyramid)).save("a.png")
    outcome = cli("compare", "a.png", pyramid)
    assert outcome.code == 0
    assert "identical" in outcome.out
    assert f"{pyramid.stat().st_size:,} bytes" in outcome.out


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_pillow_opens_it(channels: int, mode: str) -> None:
    data = made_pyramid_file(53, 37, channels)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.size, image.mode, image.format) == ((53, 37), mode, "IMCODEC")
        assert np.array_equal(np.asarray(image).reshape(37, 53, channels), decode(data))
    drafted = Image.open(io.BytesIO(data))
    drafted.draft(None, (106, 74))
    assert np.array_equal(np.asarray(drafted).reshape(74, 106, channels), decode(data, scale=2))
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(data[:-1]))

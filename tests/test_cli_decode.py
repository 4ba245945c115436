from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from console import Cli
from imcodec import decode


def read(path: str) -> np.ndarray:  # type: ignore[type-arg]
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_output_lies_beside_the_input(cli: Cli, model: Path) -> None:
    outcome = cli("decode", model)
    assert (outcome.code, outcome.data) == (0, b"")
    assert outcome.lines == [f"{model.with_suffix('.png')}: 37x53"]
    assert np.array_equal(read("model.png"), decode(model))


def test_the_original_is_spared_unless_it_is_named(cli: Cli, model: Path) -> None:
    Path("model.png").write_bytes(b"original")
    outcome = cli("decode", "model.onnx")
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert Path("model.png").read_bytes() == b"original"
    assert cli("decode", "model.onnx", "--no-overwrite").code == 0
    assert Path("model.png").read_bytes() == b"original"
    assert cli("decode", "model.onnx", "model.png").code == 0
    assert Path("model.png").read_bytes() != b"original"


@pytest.mark.parametrize(
    ("options", "keywords"),
    [
        (("--scale", "1.5"), {"scale": 1.5}),
        (("--size", "20x11"), {"size": (20, 11)}),
        (("--crop", "3,4,10,12.5"), {"crop": (3, 4, 10, 12.5)}),
        (
            ("--crop", "3,4,10,12", "--size", "7X9", "--scale", "2", "--threads", "2"),
            {"crop": (3, 4, 10, 12), "size": (7, 9), "scale": 2},
        ),
    ],
)
def test_views(
    cli: Cli, model: Path, options: tuple[str, ...], keywords: dict[str, object]
) -> None:
    assert cli("decode", model, "out.png", *options).code == 0
    assert np.array_equal(read("out.png"), decode(model, **keywords))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--scale", "0"),
        ("--scale", "nan"),
        ("--scale", "x"),
        ("--size", "20"),
        ("--size", "0x5"),
        ("--crop", "1,2,3"),
        ("--crop", "30,0,10,10"),
        ("--crop", "0,0,nan,1"),
        ("--threads", "-1"),
        ("--format", "docx"),
    ],
)
def test_views_that_make_no_sense(cli: Cli, model: Path, wrong: tuple[str, ...]) -> None:
    outcome = cli("decode", model, "out.png", *wrong)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("name", "format"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.webp", "WEBP"), ("a.ppm", "PPM")]
)
def test_the_extension_decides(cli: Cli, model: Path, name: str, format: str) -> None:
    assert cli("decode", model, name).code == 0
    with Image.open(name) as picture:
        assert picture.format == format


def test_format_without_an_extension(cli: Cli, model: Path) -> None:
    outcome = cli("decode", "-", "--format", "webp", stdin=model.read_bytes())
    assert outcome.data[8:12] == b"WEBP"
    assert cli("decode", model, "-").data.startswith(b"\x89PNG")
    assert cli("decode", model, "-o", "out", "--format", "jpg").code == 0
    with Image.open("out/model.jpg") as picture:
        assert picture.format == "JPEG"


def test_format_must_not_contradict_the_extension(cli: Cli, model: Path) -> None:
    outcome = cli("decode", model, "a.jpg", "--format", "png")
    assert outcome.code == 2
    assert cli("decode", model, "a.jpg", "--format", "jpeg").code == 0


def test_time_split(cli: Cli, model: Path) -> None:
    outcome = cli("decode", model, "out.png", "-v")
    for part in ("import", "verify", "session", "run", "save"):
        assert f"{part} " in outcome.lines[-1]
    (row,) = cli("decode", model, "out.png", "--json").rows
    assert set(row["seconds"]) == {"import", "verify", "session", "run", "save"}


def test_damaged_files_end_in_one_line(cli: Cli, model: Path) -> None:
    # The name begins like the message: it must be told all the same.
    Path("the").write_bytes(model.read_bytes()[:-1])
    outcome = cli("decode", "the", "out.png")
    assert (outcome.code, len(outcome.lines)) == (3, 1)
    assert outcome.err.startswith("imcodec: the: ")
    outcome = cli("decode", "-", "-", stdin=b"")
    assert (outcome.code, outcome.data, len(outcome.lines)) == (3, b"", 1)


def test_too_many_pixels(cli: Cli, model: Path) -> None:
    outcome = cli("decode", model, "out.png", "--scale", "100", "--max-pixels", "1000")
    assert (outcome.code, len(outcome.lines)) == (1, 1)


def test_a_format_that_loses_transparency_says_so(cli: Cli, tmp_path: Path) -> None:
    from pictures import made_file

    Path("clear.onnx").write_bytes(made_file(channels=4))
    outcome = cli("decode", "clear.onnx", "clear.jpg")
    assert outcome.code == 0
    assert "transparency" in outcome.lines[0]

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from console import FAST, TINY, Cli
from imcodec import decode, info
from pictures import scene


def test_output_lies_beside_the_input(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", "bird.png", *TINY)
    assert (outcome.code, outcome.data) == (0, b"")
    assert info("bird.onnx").width == 24
    line = outcome.lines[-1]  # on a busy machine, progress comes before
    size = Path("bird.onnx").stat().st_size
    assert line.startswith(f"bird.onnx: {size:,} bytes, ")
    assert " bpp, " in line
    assert " dB (rounding the weights " in line
    assert line.endswith(" on cpu")


def test_named_output_and_settings(cli: Cli, photo: Path) -> None:
    options = ("--width", "9,5", "--activation", "relu,tanh", "--output-activation", "sigmoid")
    outcome = cli("encode", photo, "out.onnx", *FAST, *options, "--quiet")
    assert (outcome.code, outcome.data, outcome.err) == (0, b"", "")
    layers = info("out.onnx").layers
    assert [(layer.outputs, layer.activation) for layer in layers] == [
        (9, "relu"),
        (5, "tanh"),
        (3, "sigmoid"),
    ]


def test_stdin_to_stdout(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", "-", *TINY, stdin=photo.read_bytes())
    assert outcome.code == 0
    assert decode(outcome.data).shape == (16, 24, 3)
    assert outcome.lines[-1].startswith("stdout: ")


def test_json_says_it_all_and_nothing_else(cli: Cli, photo: Path) -> None:
    Path("broken.png").write_bytes(photo.read_bytes()[:60])
    outcome = cli("encode", photo, "broken.png", "-o", "out", "--json", *TINY)
    good, bad = outcome.rows
    assert good["input"] == str(photo)
    assert good["output"] == "out/bird.onnx"
    assert good["bytes"]["total"] == Path("out/bird.onnx").stat().st_size
    assert good["bpp"] == 8 * good["bytes"]["total"] / (24 * 16)
    assert {"psnr", "psnr_before_rounding", "seconds", "device", "notices"} <= good.keys()
    assert (bad["input"], bad["exit_code"], outcome.code) == ("broken.png", 3, 3)
    assert bad["error"].startswith("broken.png: ")


def test_a_flat_picture_has_no_infinite_numbers(cli: Cli, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((6, 6), np.uint8)).save("flat.png")
    outcome = cli("encode", "flat.png", "--recipe", "article-1", "--lr", "1", "--json")
    assert outcome.code == 0
    assert "inf" not in outcome.err
    assert "nan" not in outcome.err
    (row,) = outcome.rows
    assert row["psnr"] is None or row["psnr"] > 0


@pytest.mark.parametrize(
    "wrong",
    [
        ("--width", "0"),
        ("--width", "inf"),
        ("--width", "3,x"),
        ("--width", "3,4,5", "--activation", "relu,tanh"),
        ("--activation", "cube"),
        ("--recipe", "article-9"),
        ("--bits", "1"),
        ("--bits", "nan"),
        ("--epochs", "many"),
        ("--layers", "65"),
        ("--lr", "-1"),
        ("--loss", ""),
        ("--seed", "-1"),
        ("--plot", "curve.jpg"),
        ("--max-pixels", "-1"),
        ("--unknown",),
    ],
)
def test_settings_that_make_no_sense(cli: Cli, photo: Path, wrong: tuple[str, ...]) -> None:
    outcome = cli("encode", photo, *wrong)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert not Path("bird.onnx").exists()


def test_a_device_that_is_missing_is_an_error(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo, *TINY, "--device", "cuda:77")
    assert outcome.code == 2
    assert "cuda:77" in outcome.err


def test_the_device_that_auto_chose(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo, *TINY, "-v")
    assert "device auto chose " in outcome.err


def test_plot_and_snapshots(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo, *TINY, "--plot", "curve.svg", "--snapshots", "seen")
    assert outcome.code == 0
    assert Path("curve.svg").read_bytes().startswith(b"<?xml")
    assert sorted(p.name for p in Path("seen").iterdir()) == ["epoch-0001.png", "epoch-0002.png"]
    with Image.open("seen/epoch-0002.png") as picture:
        assert picture.size == (24, 16)


def test_a_plot_that_cannot_be_written_fails_before_the_fit(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo, *TINY, "--plot", "nowhere/curve.png")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert not Path("bird.onnx").exists()


def test_plot_is_for_one_picture(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo, photo, "-o", "out", "--plot", "curve.png")
    assert outcome.code == 2


def test_notices_of_the_picture_are_told(cli: Cli) -> None:
    Image.fromarray(np.full((8, 8), 40000, np.uint16)).save("deep.png")
    outcome = cli("encode", "deep.png", *TINY)
    assert outcome.lines[0] == "deep.png: 16 bits a channel reduced to 8"


def test_too_many_pixels(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo, *TINY, "--max-pixels", "100")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    outcome = cli("encode", "-", *TINY, "--max-pixels", "100", stdin=photo.read_bytes())
    assert (outcome.code, len(outcome.lines)) == (1, 1)


def test_the_old_output_survives_a_failure(
    cli: Cli, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import imcodec.encoder as encoder

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    Path("bird.onnx").write_bytes(b"old")
    monkeypatch.setattr(encoder, "encode_picture", interrupted)
    assert cli("encode", photo, *TINY).code == 130
    assert Path("bird.onnx").read_bytes() == b"old"
    assert sorted(p.name for p in Path().iterdir()) == ["bird.onnx", "bird.png"]


def test_an_unexpected_error_is_one_line_unless_debugged(
    cli: Cli, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import imcodec.encoder as encoder

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of something")

    monkeypatch.setattr(encoder, "encode_picture", broken)
    outcome = cli("encode", photo, *TINY)
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "internal error: ZeroDivisionError: of something" in outcome.err
    outcome = cli("encode", photo, *TINY, "--debug")
    assert "Traceback" in outcome.err


def test_same_seed_same_bytes(cli: Cli, photo: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        cli("encode", photo, name, *TINY, "--seed", "5", "--threads", "1")
    assert Path("a.onnx").read_bytes() == Path("b.onnx").read_bytes()


def test_grey_stays_one_channel(cli: Cli) -> None:
    Image.fromarray(scene(9, 7, 1)[..., 0]).save("grey.png")
    cli("encode", "grey.png", *TINY)
    assert info("grey.onnx").channels == 1

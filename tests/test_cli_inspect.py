"""info, verify and compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from console import Cli
from imcodec import decode, info
from imcodec.metrics import psnr
from pictures import made_file, scene


def test_info_tells_where_every_byte_went(cli: Cli, model: Path) -> None:
    outcome = cli("info", model)
    assert (outcome.code, outcome.err) == (0, "")
    for text in ("37 x 53", "RGB", "mlp", "30.12 dB", "2 -> 12", "sine", "graph", "header"):
        assert text in outcome.out
    assert "100.0 %" in outcome.out


def test_info_as_json(cli: Cli, model: Path) -> None:
    Path("bad.onnx").write_bytes(b"no")
    outcome = cli("info", model, "bad.onnx", "-", "--json", stdin=model.read_bytes())
    first, bad, again = outcome.rows
    assert outcome.code == 3
    assert first == {"file": str(model)} | info(model).to_dict()
    assert {"width", "height", "channels", "model", "bpp", "bytes"} <= first.keys()
    parts = first["bytes"]
    assert sum(parts[name] for name in ("graph", "weights", "payload", "header")) == parts["total"]
    assert (bad["input"], bad["exit_code"]) == ("bad.onnx", 3)
    assert again["bytes"] == first["bytes"]


def test_info_prints_the_weights_of_small_layers(cli: Cli, model: Path) -> None:
    outcome = cli("info", model, "--weights")
    layers = info(model).layers
    assert f"{layers[0].weight[0, 0]:.6g}" in outcome.out
    assert "dense 2: 156 parameters, too many to print" in outcome.out
    (row,) = cli("info", model, "--weights", "--json").rows
    assert row["layers"][1]["weight"] == layers[1].weight.tolist()


def test_verify(cli: Cli, model: Path) -> None:
    outcome = cli("verify", model)
    size = model.stat().st_size
    assert outcome.code == 0
    assert outcome.out == f"{model}: ok, 37x53x3, mlp, {size:,} bytes\n"
    assert cli("verify", model, "--quiet").out == ""
    Path("bad.onnx").write_bytes(model.read_bytes() + b"\0")
    Path("text.onnx").write_text("not at all")
    outcome = cli("verify", "bad.onnx", "text.onnx", model)
    assert outcome.code == 3
    assert [line.split(": ")[1] for line in outcome.lines] == ["bad.onnx", "text.onnx"]
    assert outcome.out.startswith(f"{model}: ok")


def test_verify_as_json(cli: Cli, model: Path) -> None:
    outcome = cli("verify", model, "missing.onnx", "--json")
    good, bad = outcome.rows
    assert good["ok"] is True
    assert bad["exit_code"] == outcome.code == 3


def test_compare(cli: Cli, model: Path) -> None:
    pixels = decode(model)
    Image.fromarray(scene(37, 53)).save("a.png")
    outcome = cli("compare", "a.png", model)
    assert outcome.code == 0
    assert f"{psnr(scene(37, 53), pixels):.2f} dB" in outcome.out
    assert f"{model.stat().st_size:,} bytes" in outcome.out
    assert "SSIM" in outcome.out
    (row,) = cli("compare", "a.png", model, "--json").rows
    assert row["psnr"] == pytest.approx(psnr(scene(37, 53), pixels))
    assert row["ms_ssim"] is None
    assert row["b"]["bpp"] == info(model).bpp


def test_compare_equal_pictures(cli: Cli, model: Path) -> None:
    Image.fromarray(decode(model)).save("a.png")
    assert "identical" in cli("compare", "a.png", model).out
    (row,) = cli("compare", model, model, "--json").rows
    assert (row["identical"], row["psnr"]) == (True, None)


def test_compare_pictures_of_different_form(cli: Cli, model: Path) -> None:
    Image.fromarray(scene(36, 53)).save("a.png")
    outcome = cli("compare", "a.png", model)
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "36x53" in outcome.err
    Image.fromarray(scene(37, 53, 1)[..., 0]).save("grey.png")
    outcome = cli("compare", "grey.png", model)
    assert outcome.code == 0
    assert "channels differ" in outcome.err


def test_grey_and_its_rgb_form_are_identical(cli: Cli) -> None:
    grey = scene(20, 20, 1)
    alpha = np.dstack([grey] * 3 + [scene(20, 20, 1, 1) // 2])
    Image.fromarray(grey[..., 0]).save("grey.png")
    Image.fromarray(np.dstack([grey] * 3)).save("rgb.png")
    Image.fromarray(alpha).save("rgba.png")
    assert "identical" in cli("compare", "grey.png", "rgb.png").out
    assert cli("compare", "grey.png", "rgba.png").code == 0


def test_compare_side_by_side(cli: Cli, model: Path) -> None:
    Path("grey.onnx").write_bytes(made_file(channels=1))
    assert cli("compare", model, "grey.onnx", "--side-by-side", "both.png").code == 0
    with Image.open("both.png") as sheet:
        assert sheet.width == 2 * 37 + 8
        assert sheet.height > 53


def test_compare_without_optional_packages(
    cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in ("skimage.metrics", "pytorch_msssim"):
        monkeypatch.setitem(sys.modules, name, None)
    outcome = cli("compare", model, model)
    assert outcome.code == 0
    assert "imcodec[encode]" in outcome.err
    assert "PSNR" in outcome.out


def test_compare_what_is_not_there(cli: Cli, model: Path) -> None:
    outcome = cli("compare", "nothing.png", model, "--json")
    assert (outcome.code, len(outcome.lines)) == (3, 1)
    assert outcome.rows[0]["exit_code"] == 3

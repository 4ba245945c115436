"""The command line's contract: exit codes, streams, outputs, and what is said where."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import imcodec
from imcodec import decode
from imcodec_cli.app import app
from pictures import made_file, scene

QUICK = ["--layers", "1", "--width", "8", "--epochs", "2", "--features", "normalised"]


@pytest.fixture
def bird(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture in the current directory, which is empty otherwise."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scene(24, 18)).save("bird.png")
    return Path("bird.png")


def run(*arguments: object, stdin: bytes | None = None):  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert "Traceback" not in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    return text.strip()


def test_encode_and_decode_name_their_outputs(bird: Path) -> None:
    assert run("encode", bird, *QUICK).exit_code == 0
    assert imcodec.verify("bird.onnx").width == 24
    bird.unlink()
    assert run("decode", "bird.onnx").exit_code == 0
    assert size_of("bird.png") == (24, 18)


def test_named_outputs(bird: Path) -> None:
    assert run("encode", bird, "other.onnx", *QUICK).exit_code == 0
    assert run("decode", "other.onnx", "x.webp", "--scale", 2).exit_code == 0
    assert size_of("x.webp") == (48, 36)
    assert run("decode", "other.onnx", "-o", "y.jpg", "--size", "7x5").exit_code == 0
    assert size_of("y.jpg") == (7, 5)
    assert run("decode", "other.onnx", "z.bmp", "--crop", "4,2,10,8", "--scale", 3).exit_code == 0
    assert size_of("z.bmp") == (30, 24)


def test_streams(bird: Path) -> None:
    encoded = run("encode", "-", "--quiet", *QUICK, stdin=bird.read_bytes())
    assert encoded.exit_code == 0
    assert run("encode", bird, "named.onnx", *QUICK).exit_code == 0
    assert encoded.stdout_bytes == Path("named.onnx").read_bytes()
    decoded = run("decode", "-", "-", "--format", "ppm", stdin=encoded.stdout_bytes)
    pixels = np.asarray(Image.open(io.BytesIO(decoded.stdout_bytes)))
    assert np.array_equal(pixels, decode(encoded.stdout_bytes))
    assert run("verify", "-", stdin=encoded.stdout_bytes).exit_code == 0
    assert run("info", "-", "--json", stdin=encoded.stdout_bytes).exit_code == 0


def test_several_inputs_and_directories(bird: Path) -> None:
    Path("in/sub").mkdir(parents=True)
    Image.fromarray(scene(9, 9)).save("in/a.png")
    Image.fromarray(scene(8, 8)).save("in/sub/b.jpg")
    Path("in/broken.png").write_bytes(b"not a picture")
    Path("in/readme.txt").write_text("left out")
    result = run("encode", "in", bird, "-o", "out", *QUICK)
    assert result.exit_code == 3
    assert {str(p) for p in Path("out").rglob("*.*")} == {
        "out/a.onnx",
        "out/sub/b.onnx",
        "out/bird.onnx",
    }
    assert "broken.png" in result.stderr
    assert "1 files of other kinds left out" in result.stderr
    assert run("decode", "out", "-o", "back").exit_code == 0
    assert size_of("back/sub/b.png") == (8, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", "a.png", "b.png", "c.png"], "need -o DIR"),
        (["encode", "."], "need -o DIR"),
        (["encode", "bird.png", "bird.jpg"], "need -o DIR"),
        (["encode", "bird.png", "-o", "bird.png"], "bird.png"),
        (["encode", "x/bird.png", "y/bird.png", "-o", "out"], "both become"),
        (["encode", "bird.png", "--epochs", "0"], "epochs"),
        (["encode", "bird.png", "--recipe", "article-9"], "article-9"),
        (["encode", "bird.png", "--activation", "swish"], "swish"),
        (["encode", "bird.png", "--width", "3,x"], "list of numbers"),
        (["encode", "bird.png", "--width", "3.5"], "whole numbers"),
        (["encode", "bird.png", "--device", "cuda:77", *QUICK], "cuda:77"),
        (["encode", "-", "x", "-o", "out"], "stdin"),
        (["encode", "bird.png", "bird2.png", "-o", "out", "--plot", "p.png"], "single picture"),
        (["encode"], "Missing argument"),
        (["decode", "bird.onnx", "--scale", "0"], "scale"),
        (["decode", "bird.onnx", "--scale", "nan"], "scale"),
        (["decode", "bird.onnx", "--size", "5"], "WIDTHxHEIGHT"),
        (["decode", "bird.onnx", "--size", "0x5"], "size"),
        (["decode", "bird.onnx", "--crop", "1,2,3"], "4 numbers"),
        (["decode", "bird.onnx", "--crop", "1,2,300,4"], "inside the picture"),
        (["decode", "bird.onnx", "--format", "exe"], "exe"),
        (["decode", "bird.onnx", "--threads", "-1"], "threads"),
        (["decode", "bird.onnx", "bird.xyz"], "need -o DIR"),
        (["fly"], "fly"),
        (["encode", "bird.png", "--lossless"], "lossless"),
    ],
)
def test_wrong_usage_is_2(bird: Path, arguments: list[str], message: str) -> None:
    Path("bird.onnx").write_bytes(made_file())
    before = sorted(Path().rglob("*"))
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("command", ["decode", "info", "verify", "compare"])
@pytest.mark.parametrize("content", [b"", b"hello", made_file()[:-1], b"\x89PNG\r\n\x1a\n"])
def test_damaged_files_are_3(bird: Path, command: str, content: bytes) -> None:
    Path("bad.onnx").write_bytes(content)
    arguments = [command, "bad.onnx"] + ([bird] if command == "compare" else [])
    result = run(*arguments)
    assert result.exit_code == 3
    assert one_line(result.stderr).startswith("imcodec: bad.onnx: ")
    assert not Path("bad.png").exists()


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x89PNG\r\n\x1a\n", made_file(), b"\xff\xd8\xff\xe0broken"]
)
def test_damaged_pictures_are_3_and_the_old_output_stays(bird: Path, content: bytes) -> None:
    Path("bad.png").write_bytes(content)
    Path("bad.onnx").write_bytes(b"old")
    result = run("encode", "bad.png", *QUICK)
    assert result.exit_code == 3
    assert one_line(result.stderr).startswith("imcodec: bad.png: ")
    assert Path("bad.onnx").read_bytes() == b"old"


@pytest.mark.parametrize("path", ["missing.onnx", "folder"])
def test_what_is_not_a_file(bird: Path, path: str) -> None:
    Path("folder").mkdir()
    for command in ("verify", "info", "compare"):
        result = run(command, path, *([bird] if command == "compare" else []))
        assert result.exit_code == 3
        assert path in one_line(result.stderr)


def test_limits_are_1(bird: Path) -> None:
    Path("bird.onnx").write_bytes(made_file())
    for arguments in (
        ["decode", "bird.onnx", "--scale", "1e4"],
        ["decode", "bird.onnx", "--max-pixels", "10"],
        ["encode", bird, "--max-pixels", "10", *QUICK],
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        one_line(result.stderr)


def test_outputs_that_cannot_be_written_are_1_before_any_work(bird: Path) -> None:
    result = run("encode", bird, "nowhere/bird.onnx", "--epochs", 100_000)
    assert result.exit_code == 1
    assert "nowhere" in one_line(result.stderr)


def test_no_overwrite_keeps_and_goes_on(bird: Path) -> None:
    old = made_file()
    Path("bird.onnx").write_bytes(old)
    result = run("encode", bird, "--no-overwrite", "--json", *QUICK)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "input": "bird.png",
        "output": "bird.onnx",
        "skipped": True,
    }
    assert Path("bird.onnx").read_bytes() == old
    assert run("encode", bird, *QUICK).exit_code == 0
    assert run("decode", "bird.onnx", "--no-overwrite").exit_code == 0


def test_json_is_one_object_a_line_on_stdout(bird: Path) -> None:
    Path("bad.png").write_bytes(b"")
    result = run("encode", bird, "bad.png", "-o", "out", "--json", *QUICK)
    assert result.exit_code == 3
    good, bad = map(json.loads, result.stdout.splitlines())
    assert good["output"] == "out/bird.onnx"
    assert good["bytes"]["total"] == Path("out/bird.onnx").stat().st_size
    assert good["psnr"] > 5
    assert bad["exit_code"] == 3
    decoded = json.loads(run("decode", "out/bird.onnx", "--json").stdout)
    assert (decoded["width"], decoded["height"]) == (24, 18)
    assert set(decoded["seconds"]) == {"import", "verify", "session", "run", "save"}
    assert json.loads(run("verify", "out/bird.onnx", "--json").stdout)["ok"] is True


def test_info_json_has_the_promised_keys(bird: Path) -> None:
    Path("bird.onnx").write_bytes(made_file())
    found = json.loads(run("info", "bird.onnx", "--json").stdout)
    assert {"width", "height", "channels", "model", "bpp", "bytes", "file"} <= set(found)
    assert set(found["bytes"]) == {"total", "graph", "weights", "payload", "header"}
    assert "weight" not in found["layers"][0]
    full = json.loads(run("info", "bird.onnx", "--json", "--weights").stdout)
    assert len(full["layers"][0]["weight"]) == 2


def test_info_for_people(bird: Path) -> None:
    Path("bird.onnx").write_bytes(made_file(widths=(3, 60)))
    shown = run("info", "bird.onnx", "--weights").stdout
    for part in ("37 x 53, RGB", "2 -> 3", "graph", "payload", "100.0 %", "30.12 dB"):
        assert part in shown
    assert "dense 1: weights" in shown
    assert "dense 2: 240 parameters, too many to print" in shown


def test_quiet_and_verbose(bird: Path) -> None:
    quiet = run("encode", bird, "--quiet", *QUICK)
    assert (quiet.stdout, quiet.stderr) == ("", "")
    loud = run("encode", bird, "-v", *QUICK)
    assert "device auto chose" in loud.stderr
    assert "bpp" in loud.stderr
    assert "session" in run("decode", "bird.onnx", "x.png", "-v").stderr


def test_plot_and_snapshots(bird: Path) -> None:
    result = run("encode", bird, "--plot", "curve.png", "--snapshots", "shots", *QUICK)
    assert result.exit_code == 0
    assert size_of("curve.png")[0] > 400
    assert sorted(p.name for p in Path("shots").iterdir()) == ["epoch-0001.png", "epoch-0002.png"]
    assert size_of("shots/epoch-0002.png") == (24, 18)


def test_compare(bird: Path) -> None:
    assert run("encode", bird, *QUICK).exit_code == 0
    result = run("compare", bird, "bird.onnx", "--side-by-side", "sheet.png")
    assert result.exit_code == 0
    assert "PSNR" in result.stdout
    assert "bird.onnx: " in result.stdout
    assert size_of("sheet.png")[0] > 48
    values = json.loads(run("compare", bird, "bird.onnx", "--json").stdout)
    assert values["psnr"] > 5
    assert values["ms_ssim"] is None
    assert values["b"]["imcodec"] is True
    same = json.loads(run("compare", bird, bird, "--json").stdout)
    assert same["identical"] is True
    Image.fromarray(scene(24, 18, 1)[..., 0]).save("grey.png")
    assert "channels differ" in run("compare", bird, "grey.png").stderr
    Image.fromarray(scene(23, 18)).save("other.png")
    assert run("compare", bird, "other.png").exit_code == 2


def test_encoding_without_torch_says_what_to_install(
    bird: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "imcodec.devices", raising=False)
    result = run("encode", bird, *QUICK)
    assert result.exit_code == 2
    assert "imcodec[encode]" in one_line(result.stderr)
    with pytest.raises(imcodec.MissingExtraError):
        imcodec.encode(scene(4, 4))


def test_versions() -> None:
    shown = run("-V").stdout
    for name in ("imcodec", "torch", "onnx", "onnxruntime"):
        assert f"\n{name} " in f"\n{shown}"
    assert run("--version").stdout == shown


def test_every_option_has_a_help_text() -> None:
    import typer

    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"
        assert run(name, "--help").exit_code == 0


def test_a_reader_that_goes_away_is_no_traceback(bird: Path) -> None:
    Path("big.onnx").write_bytes(made_file(width=700, height=700))
    command = [sys.executable, "-m", "imcodec_cli", "decode", "big.onnx", "-", "--format", "ppm"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
        assert job.stdout is not None
        assert job.stderr is not None
        job.stdout.close()
        errors = job.stderr.read()
        assert job.wait(timeout=60) == 1
    assert b"Traceback" not in errors


def test_start_up_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from imcodec_cli.app import app\n"
        "names = ('torch', 'numpy', 'onnx', 'onnxruntime', 'PIL', 'matplotlib')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_the_old_output(bird: Path) -> None:
    Path("bird.onnx").write_bytes(b"old")
    program = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "from imcodec_cli import main; main()"
    )
    command = [sys.executable, "-c", program, "encode", str(bird), *QUICK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("imcodec: bird.png: bird.onnx: cannot be")
    assert "Traceback" not in done.stderr
    assert Path("bird.onnx").read_bytes() == b"old"
    assert not list(Path().glob(".imcodec*"))

"""How the command line starts: fast, without heavy imports; how it stops when interrupted."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image

from console import Cli
from imcodec import __version__
from kills import IMCODEC
from pictures import scene

HEAVY = ("numpy", "onnx", "onnxruntime", "torch", "PIL", "matplotlib", "skimage")
COMMANDS = ("encode", "decode", "info", "verify", "compare", "bench")


@pytest.mark.parametrize("arguments", [["--help"], ["-V"], *([c, "--help"] for c in COMMANDS)])
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    lines = (
        f"import sys; sys.argv[1:] = {arguments!r}",
        "from imcodec_cli import main",
        "try: main()",
        "except SystemExit: pass",
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)",
    )
    script = "\n".join(lines)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == "[]"


def test_help_is_fast() -> None:
    # Processor time, which is what waits on an idle machine: others may share this one.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "imcodec_cli", "--help"], capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert 0.01 < spent < 0.5


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_versions(cli: Cli, option: str) -> None:
    lines = cli(option).out.splitlines()
    assert lines == [
        f"imcodec {__version__}",
        *(f"{name} {version(name)}" for name in ("torch", "onnx", "onnxruntime")),
    ]


def test_usage_errors(cli: Cli) -> None:
    assert cli("paint").code == 2
    assert cli("encode").code == 2
    assert cli("compare", "one").code == 2


def test_an_interrupted_encoder_leaves_the_old_output(tmp_path: Path) -> None:
    Image.fromarray(scene(64, 64)).save(tmp_path / "bird.png")
    (tmp_path / "bird.onnx").write_bytes(b"old")
    options = ("--epochs", "100000", "--snapshots", "seen")
    encoder = subprocess.Popen(
        [*IMCODEC, "encode", "bird.png", *options],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 100
        while not (tmp_path / "seen" / "epoch-0002.png").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        encoder.send_signal(signal.SIGINT)
        _, err = encoder.communicate(timeout=60)
    finally:
        encoder.kill()
    assert encoder.returncode == 130
    assert err.splitlines()[-1].startswith("imcodec: interrupted")
    assert "Traceback" not in err
    assert (tmp_path / "bird.onnx").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bird.onnx", "bird.png", "seen"]
    assert not list((tmp_path / "seen").glob(".*"))

"""Nothing lost: killed writers, resumed batches, outputs that are inputs, noisy libraries."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from console import TINY, Cli
from imcodec import decode, verify, write_picture
from kills import killed_writer
from pictures import made_file, scene
from pyramids import made_pyramid_file

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


@posix
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
@pytest.mark.parametrize("delay", [0.01, 0.05])
def test_a_killed_writer_leaves_a_whole_file(name: str, delay: float, tmp_path: Path) -> None:
    """More of them, at random times: python tests/kills.py"""
    content, others = killed_writer(tmp_path, delay, getattr(signal, name))
    assert content in ("old", "first", "second")
    assert others == [] or name == "SIGKILL"  # it may come between link and rename


def writing_end(pipe: Path) -> int:
    """A pipe's descriptor, once somebody reads from it."""
    for _ in range(6000):
        with suppress(OSError):  # nobody does yet
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.01)
    pytest.fail("nobody reads")


@posix
def test_termination_has_its_own_exit_code(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "imcodec_cli", "verify", "pipe"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as job:
        writer = writing_end(tmp_path / "pipe")
        job.send_signal(signal.SIGTERM)
        # It comes while the process waits for bytes. Should it come just before, where Python has
        # looked for signals and does not read yet, then only the end of the pipe wakes it.
        with suppress(subprocess.TimeoutExpired):
            job.wait(timeout=10)
        os.close(writer)
        assert job.stderr is not None
        assert job.stderr.read() == b""
        assert job.wait(timeout=60) == 143


def test_signals_are_as_before(cli: Cli, model: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert cli("verify", model).code == 0
    assert signal.getsignal(signal.SIGTERM) == before


def pictures(*names: str) -> list[str]:
    """Small pictures that differ."""
    for seed, name in enumerate(names):
        write_picture(scene(24, 16, seed=seed), name)
    return list(names)


def test_a_batch_is_resumed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted in its second picture, and then once more with the first output damaged."""
    import imcodec.encoder as encoder

    real, done = encoder.encode_picture, []

    def interrupted(picture, *arguments, **keywords):  # type: ignore[no-untyped-def]
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(picture.source)
        return real(picture, *arguments, **keywords)

    batch = (*pictures("a.png", "b.png", "c.png"), "-o", "out", "--no-overwrite", *TINY)
    with monkeypatch.context() as patched:
        patched.setattr(encoder, "encode_picture", interrupted)
        assert cli("encode", *batch).code == 130
    assert [path.name for path in Path("out").iterdir()] == ["a.onnx"]
    first = Path("out/a.onnx").read_bytes()

    outcome = cli("encode", *batch, "--json")
    assert outcome.code == 0
    assert [row.get("skipped", False) for row in outcome.rows] == [True, False, False]
    assert Path("out/a.onnx").read_bytes() == first

    for damaged in (first[:-1], b""):
        Path("out/a.onnx").write_bytes(damaged)
        outcome = cli("encode", *batch, "--json")
        assert [row.get("skipped", False) for row in outcome.rows] == [False, True, True]
        assert Path("out/a.onnx").read_bytes() == first


def test_what_may_be_of_worth_is_never_made_again(cli: Cli, photo: Path) -> None:
    newer = made_file().replace(b"1 mlp 37 53", b"2 mlp 37 53")
    for other in (b"another model", newer):
        Path("bird.onnx").write_bytes(other)
        outcome = cli("encode", photo, "--no-overwrite", *TINY)
        assert (outcome.code, len(outcome.lines)) == (1, 1)
        assert "exists and is no file that this release makes" in outcome.err
        assert Path("bird.onnx").read_bytes() == other


@pytest.mark.parametrize("file", [made_file(), made_pyramid_file()], ids=["mlp", "pyramid"])
def test_either_model_is_kept(file: bytes, cli: Cli, photo: Path) -> None:
    Path("bird.onnx").write_bytes(file)
    assert cli("encode", photo.name, "--no-overwrite", *TINY).lines == ["bird.onnx: exists, kept"]
    assert Path("bird.onnx").read_bytes() == file


@posix
@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symlink", "hard link"])
def test_no_output_takes_the_place_of_an_input(link, cli: Cli, photo: Path) -> None:  # type: ignore[no-untyped-def]
    before = photo.read_bytes()
    for name in ("bird.onnx", "curve.png"):
        link(photo, name)
    for arguments in (
        ("encode", photo, *TINY),
        ("encode", photo, "x.onnx", "--plot", "curve.png", *TINY),
        ("encode", photo, "x.onnx", "--plot", photo, *TINY),
        ("compare", photo, photo, "--side-by-side", "curve.png"),
    ):
        outcome = cli(*arguments)
        assert (outcome.code, len(outcome.lines)) == (2, 1)
        assert "also the input" in outcome.err
        assert photo.read_bytes() == before
    assert not Path("x.onnx").exists()


@posix
def test_no_output_of_a_batch_takes_the_place_of_another_input(cli: Cli, model: Path) -> None:
    shutil.copy(model, "a.onnx")
    Path("out").mkdir()
    shutil.copy(model, "other.onnx")
    Path("out/a.png").symlink_to("../other.onnx")
    outcome = cli("decode", "a.onnx", "other.onnx", "-o", "out")
    assert (outcome.code, len(outcome.lines)) == (2, 2)
    assert verify("other.onnx").bytes.total == len(model.read_bytes())
    with Image.open("out/other.png") as shown:
        assert np.array_equal(np.asarray(shown), decode(model))


@posix
def test_a_broken_tiff_is_one_line(tmp_path: Path) -> None:
    """Libtiff writes to stderr itself, whatever Python does."""
    Image.fromarray(scene(24, 16)).save(tmp_path / "a.tif", compression="tiff_adobe_deflate")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    at = data.index(b"\x78", 8)
    data[at + 40 : at + 60] = bytes(20)
    (tmp_path / "a.tif").write_bytes(data)
    command = [sys.executable, "-m", "imcodec_cli", "encode", "a.tif", *TINY]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr.splitlines() == [done.stderr.rstrip("\n")]
    assert done.stderr.startswith("imcodec: a.tif: cannot be read")


def test_stdin_cannot_be_compared(cli: Cli, photo: Path) -> None:
    outcome = cli("compare", "-", photo)
    assert (outcome.code, len(outcome.lines)) == (2, 1)

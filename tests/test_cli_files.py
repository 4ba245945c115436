"""Which file becomes which, and what happens to the files that are there already."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from console import TINY, Cli
from imcodec.errors import UsageError
from imcodec.export import picture_format
from imcodec_cli.paths import PICTURE_EXTENSIONS, Job, plan

ENCODE = {
    "reads": PICTURE_EXTENSIONS,
    "writes": frozenset({".onnx"}),
    "extension": ".onnx",
    "note": print,
}


def planned(*paths: str, output: str | None = None) -> list[Job]:
    return plan(list(paths), output, **ENCODE)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_one_input() -> None:
    assert planned("a/bird.png") == [Job("a/bird.png", "a/bird.onnx", is_named=False)]
    assert planned("bird.png", "x.onnx") == [Job("bird.png", "x.onnx")]
    assert planned("bird.png", output="x.onnx") == [Job("bird.png", "x.onnx")]
    assert planned("bird.png", "-") == [Job("bird.png", "-")]
    assert planned("-", "x.onnx") == [Job("-", "x.onnx")]
    assert planned("-") == [Job("-", "-", is_named=False)]
    assert planned("bird.png", output="out") == [Job("bird.png", "out/bird.onnx", True)]


def test_several_inputs_need_a_directory() -> None:
    assert [job.target for job in planned("a.png", "b.png", output="out")] == [
        "out/a.onnx",
        "out/b.onnx",
    ]
    for paths in (("a.png", "b.png"), ("a.png", "b.png", "c.onnx")):
        with pytest.raises(UsageError, match="-o DIR"):
            planned(*paths)
    with pytest.raises(UsageError, match="no name"):
        planned("a.png", "-", output="out")


def test_a_directory_keeps_its_tree() -> None:
    for name in ("in/a.png", "in/deep/b.JPG", "in/notes.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    notes: list[str] = []
    jobs = plan(["in"], "out", **(ENCODE | {"note": notes.append}))  # type: ignore[arg-type]
    assert [(job.source, job.target) for job in jobs] == [
        ("in/a.png", "out/a.onnx"),
        ("in/deep/b.JPG", "out/deep/b.onnx"),
    ]
    assert len(notes) == 1
    with pytest.raises(UsageError):
        planned("in")


def test_two_inputs_for_one_output() -> None:
    with pytest.raises(UsageError, match=r"a\.png and b/a\.jpg"):
        planned("a.png", "b/a.jpg", output="out")


def test_output_directory_that_is_a_file() -> None:
    Path("out").touch()
    with pytest.raises(UsageError, match="is a file"):
        planned("a.png", "b.png", output="out")


def test_directory_extensions_are_those_of_the_library() -> None:
    for extension in PICTURE_EXTENSIONS:
        assert picture_format(extension)


def test_each_failure_is_reported_and_the_rest_done(cli: Cli, model: Path) -> None:
    Path("bad.onnx").write_bytes(b"no")
    shutil.copy(model, "good.onnx")
    outcome = cli("decode", "bad.onnx", "missing.onnx", "good.onnx", "-o", "out")
    assert outcome.code == 3
    assert [line.startswith("imcodec: ") for line in outcome.lines] == [True, True, False]
    assert [p.name for p in Path("out").iterdir()] == ["good.png"]


def test_the_first_failure_gives_the_exit_code(cli: Cli, model: Path) -> None:
    Path("bad.onnx").write_bytes(b"no")
    shutil.copy(model, "good.onnx")
    big = ("--scale", "3", "--max-pixels", "2000")
    assert cli("decode", "good.onnx", "bad.onnx", "-o", "out", *big).code == 1
    assert cli("decode", "bad.onnx", "good.onnx", "-o", "out", *big).code == 3


def test_no_overwrite(cli: Cli, model: Path) -> None:
    Path("out.png").write_bytes(b"old")
    outcome = cli("decode", model, "out.png", "--no-overwrite", "--json")
    assert outcome.code == 0
    assert outcome.rows == [{"input": str(model), "output": "out.png", "skipped": True}]
    assert outcome.lines == ["out.png: exists, kept"]
    assert Path("out.png").read_bytes() == b"old"
    assert cli("decode", model, "out.png").code == 0
    assert Path("out.png").read_bytes() != b"old"


def test_input_and_output_must_differ(cli: Cli, photo: Path) -> None:
    Path("link.onnx").symlink_to(photo)
    before = photo.read_bytes()
    outcome = cli("encode", photo, "link.onnx", *TINY)
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert photo.read_bytes() == before


@pytest.mark.parametrize("output", ["nowhere/a.onnx", "folder.onnx"])
def test_an_output_that_cannot_be_written_fails_before_the_fit(
    cli: Cli, photo: Path, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import imcodec.encoder as encoder

    monkeypatch.setattr(encoder, "encode_picture", lambda *_, **__: pytest.fail("it went on"))
    Path("folder.onnx").mkdir()
    outcome = cli("encode", photo, output, *TINY)
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert outcome.err.startswith("imcodec: ")


def test_stdout_carries_one_thing(cli: Cli, model: Path) -> None:
    outcome = cli("decode", model, "-", "--json")
    assert outcome.code == 2
    assert [row["exit_code"] for row in outcome.rows] == [2]


def test_names_with_odd_characters(cli: Cli, model: Path) -> None:
    name = os.fsdecode(b"a\x1b[31m\xff\n.onnx")
    shutil.copy(model, name)
    outcome = cli("verify", name)
    assert outcome.code == 0
    assert outcome.out.count("\n") == 1
    assert "\x1b" not in outcome.out
    assert cli("info", name).code == 0
    Path(name).write_bytes(b"no")
    outcome = cli("info", name)
    assert (outcome.code, len(outcome.lines)) == (3, 1)
    assert "\x1b" not in outcome.err


def run(*arguments: str, **keywords: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "imcodec_cli", *arguments]
    return subprocess.run(command, timeout=120, **keywords)  # type: ignore[call-overload, no-any-return]


def test_no_binary_for_a_terminal(model: Path) -> None:
    master, terminal = pty.openpty()
    done = run("decode", str(model), "-", stdout=terminal, stderr=subprocess.PIPE)
    os.close(terminal)
    os.close(master)
    assert done.returncode == 2
    assert b"terminal" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("info", "model.onnx"), ("decode", "model.onnx", "-", "--scale", "20")]
)
def test_a_reader_that_has_gone(model: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(*arguments, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_stdin_that_is_closed(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m imcodec_cli encode - x.onnx <&-",
        shell=True,
        stderr=subprocess.PIPE,
        timeout=120,
    )
    assert done.returncode == 2
    assert b"stdin is closed" in done.stderr

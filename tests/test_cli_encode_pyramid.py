"""The command `encode` with the pyramid model: its options, and what Ctrl-C does."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import imcodec.image
from console import TINY, Cli
from imcodec import PyramidSettings, decode, encode, info, verify
from imcodec_cli.stopping import stop_request
from kills import IMCODEC
from pictures import scene

QUICK = ("--steps", "2", "--network", "small", "--threads", "1")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT as Python starts with it: it may be ignored where the tests run."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def at_snapshot(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Makes the encoder call something with the number of a snapshot instead of writing it."""

    def install(action: Callable[[int], None]) -> None:
        def write(_: object, path: Path) -> None:
            action(int(path.stem.removeprefix("epoch-")))

        monkeypatch.setattr(imcodec.image, "write_picture", write)

    return install


def test_the_default_is_a_pyramid(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo.name, *QUICK)
    assert (outcome.code, outcome.data) == (0, b"")
    found = info("bird.onnx")
    assert (found.model, found.width, found.height) == ("pyramid", 24, 16)
    line = outcome.lines[-1]
    assert line.startswith(f"bird.onnx: {found.bytes.total:,} bytes, {found.bpp:.3f} bpp, ")
    assert " dB, " in line
    assert "rounding" not in line
    assert line.endswith(" s on cpu")


def test_an_option_of_the_mlp_makes_an_mlp(cli: Cli, photo: Path) -> None:
    cli("encode", photo, *TINY)
    assert info("bird.onnx").model == "mlp"
    cli("encode", photo, "--model", "mlp", "--recipe", "article-1", "--epochs", "1")
    assert info("bird.onnx").model == "mlp"


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("-q", "99.5", "--seed", "3"), {"quality": 99.5, "seed": 3}),
        (("--lambda", "0.01", "--no-prior"), {"lmbda": 0.01, "prior": False}),
    ],
)
def test_options_are_the_librarys_settings(
    cli: Cli, photo: Path, options: tuple[str, ...], settings: dict[str, object]
) -> None:
    assert cli("encode", photo, *QUICK, *options, "--quiet").err == ""
    expected = encode(photo, steps=2, network="small", threads=1, **settings)
    assert Path("bird.onnx").read_bytes() == expected


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("--effort", "3"), {"effort": 3}),
        (("-e", "9", "--steps", "5"), {"effort": 9, "steps": 5}),
        (("--time-limit", "0.5"), {"time_limit": 0.5}),
        (("--network", "large"), {"network": "large"}),
        (("--quality", "40"), {"quality": 40.0}),
        (("--model", "pyramid"), {}),
        ((), {}),
    ],
)
def test_options_that_would_take_long(
    cli: Cli,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    settings: dict[str, object],
) -> None:
    import imcodec.encoder as encoder

    seen = []

    def noted(_: object, settings: object, **__: object) -> None:
        seen.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(encoder, "encode_picture", noted)
    assert cli("encode", photo, *options).code == 130
    assert seen == [PyramidSettings(**settings)]  # type: ignore[arg-type]


def test_a_time_limit_ends_early(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo, "--steps", "1000000", "--time-limit", "1.2", "--json")
    assert outcome.code == 0
    (row,) = outcome.rows
    assert row["seconds"] < 30
    verify("bird.onnx")


def test_json_has_the_same_keys_for_both_models(cli: Cli, photo: Path) -> None:
    (pyramid,) = cli("encode", photo, *QUICK, "--json").rows
    assert pyramid["model"] == "pyramid"
    assert pyramid["bytes"]["total"] == Path("bird.onnx").stat().st_size
    assert pyramid["bpp"] == 8 * pyramid["bytes"]["total"] / (24 * 16)
    (mlp,) = cli("encode", photo, *TINY, "--json").rows
    assert mlp["model"] == "mlp"
    for row in (pyramid, mlp):
        row.pop("features", None)
    assert pyramid.keys() == mlp.keys()
    assert pyramid["bytes"].keys() == mlp["bytes"].keys()
    assert {"psnr", "psnr_before_rounding", "seconds", "device", "notices"} <= pyramid.keys()


def test_streams_and_several_pictures(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", "-", *QUICK, stdin=photo.read_bytes())
    assert decode(outcome.data).shape == (16, 24, 3)
    Image.fromarray(scene(9, 7, 1)[..., 0]).save("grey.png")
    assert cli("encode", photo, "grey.png", "-o", "out", *QUICK).code == 0
    assert info("out/grey.onnx").channels == 1
    assert Path("out/bird.onnx").read_bytes() == outcome.data


def test_plot_and_snapshots(cli: Cli, photo: Path) -> None:
    options = ("--steps", "5", "--network", "small", "--snapshots", "seen", "--plot", "curve.svg")
    assert cli("encode", photo, *options).code == 0
    assert Path("curve.svg").read_bytes().startswith(b"<?xml")
    assert sorted(path.name for path in Path("seen").iterdir()) == [
        f"epoch-{step:04}.png" for step in (1, 2, 4)
    ]
    with Image.open("seen/epoch-0004.png") as picture:
        assert picture.size == (24, 16)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--quality", "101"), "quality is 101"),
        (("-q", "nan"), "quality"),
        (("-q", "high"), "--quality"),
        (("--effort", "0"), "effort is 0"),
        (("-e", "10"), "effort is 10"),
        (("--steps", "0"), "steps is 0"),
        (("--lambda", "2"), "is 2"),
        (("--time-limit", "-1"), "time_limit is -1"),
        (("--network", "enormous"), "enormous"),
        (("--model", "cnn"), "pyramid, mlp"),
        (("-q", "50", "--epochs", "2"), "'quality' belongs to the pyramid model"),
        (("--no-prior", "--epochs", "2"), "'prior' belongs to the pyramid model"),
        (("--model", "mlp", "--steps", "3"), "'steps' belongs to the pyramid model"),
        (("--model", "pyramid", "--bits", "4"), "'bits' belongs to the mlp model"),
        (("--keep-best", "--model", "mlp"), "--keep-best belongs to the pyramid model"),
        (("--keep-best", *TINY), "--keep-best belongs to the pyramid model"),
    ],
)
def test_settings_that_make_no_sense(
    cli: Cli, photo: Path, wrong: tuple[str, ...], message: str
) -> None:
    outcome = cli("encode", photo, *wrong)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("bird.onnx").exists()


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_writes_nothing(
    cli: Cli, photo: Path, at_snapshot: Callable[[Callable[[int], None]], None]
) -> None:
    at_snapshot(lambda step: signal.raise_signal(signal.SIGINT))
    job = ("encode", photo, "--steps", "1000", "--network", "small", "--snapshots", "seen")
    assert cli(*job).code == 130
    assert not Path("bird.onnx").exists()
    Path("bird.onnx").write_bytes(b"old")
    outcome = cli(*job)
    assert outcome.code == 130
    assert outcome.lines[-1].startswith("imcodec: interrupted")
    assert Path("bird.onnx").read_bytes() == b"old"
    assert sorted(p.name for p in Path().iterdir()) == ["bird.onnx", "bird.png", "seen"]


@pytest.mark.usefixtures("interruptible")
def test_keep_best_writes_what_there_is(
    cli: Cli, photo: Path, at_snapshot: Callable[[Callable[[int], None]], None]
) -> None:
    steps = []

    def interrupt(step: int) -> None:
        steps.append(step)
        if step == 2:
            signal.raise_signal(signal.SIGINT)

    at_snapshot(interrupt)
    Path("bird.onnx").write_bytes(b"old")
    options = ("--steps", "1000", "--network", "small", "--keep-best", "--snapshots", "seen")
    outcome = cli("encode", photo.name, *options)
    assert (outcome.code, steps) == (130, [1, 2])
    assert verify("bird.onnx").width == 24
    assert outcome.lines[-2].startswith("bird.onnx: ")
    assert outcome.lines[-1].startswith("imcodec: interrupted")


@pytest.mark.usefixtures("interruptible")
def test_keep_best_does_not_begin_the_next_picture(
    cli: Cli, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import imcodec.encoder as encoder

    whole = encoder.encode_picture

    def interrupted(*arguments: Any, **named: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return whole(*arguments, **named)

    monkeypatch.setattr(encoder, "encode_picture", interrupted)
    Image.fromarray(scene(9, 7)).save("next.png")
    options = ("--steps", "1000", "--network", "small", "--keep-best", "-o", "out")
    assert cli("encode", photo, "next.png", *options).code == 130
    assert [path.name for path in Path("out").iterdir()] == ["bird.onnx"]
    assert decode("out/bird.onnx").shape == (16, 24, 3)


@pytest.mark.usefixtures("interruptible")
def test_the_second_ctrl_c_insists(
    cli: Cli, photo: Path, at_snapshot: Callable[[Callable[[int], None]], None]
) -> None:
    def twice(_: int) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    at_snapshot(twice)
    options = ("--steps", "1000", "--network", "small", "--keep-best", "--snapshots", "seen")
    outcome = cli("encode", photo, *options)
    assert outcome.code == 130
    assert not Path("bird.onnx").exists()


@pytest.mark.usefixtures("interruptible")
def test_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_request(enabled=True) as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        assert signal.getsignal(signal.SIGINT) is before
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    with stop_request(enabled=True):
        pass
    assert signal.getsignal(signal.SIGINT) is before
    with stop_request(enabled=False) as asked:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert not asked()


def test_a_real_ctrl_c_keeps_the_best(tmp_path: Path) -> None:
    Image.fromarray(scene(48, 32)).save(tmp_path / "bird.png")
    (tmp_path / "bird.onnx").write_bytes(b"old")
    options = ("--steps", "1000000", "--network", "small", "--keep-best", "--snapshots", "seen")
    encoder = subprocess.Popen(
        [*IMCODEC, "encode", "bird.png", *options, "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 100
        while not (tmp_path / "seen" / "epoch-0008.png").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (tmp_path / "bird.onnx").read_bytes() == b"old"
        encoder.send_signal(signal.SIGINT)
        out, err = encoder.communicate(timeout=60)
    finally:
        encoder.kill()
    assert encoder.returncode == 130
    assert "Traceback" not in err
    data = (tmp_path / "bird.onnx").read_bytes()
    assert decode(data).shape == (32, 48, 3)
    row = json.loads(out)
    assert row["bytes"]["total"] == len(data)
    assert row["psnr"] >= verify(data).psnr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bird.onnx", "bird.png", "seen"]


def test_a_target_is_reached(cli: Cli, photo: Path) -> None:
    encode = ("encode", photo, "--steps", "30", "--threads", "1", "--json")
    (row,) = cli(*encode).rows
    outcome = cli(*encode, "--target-size", row["bytes"]["total"])
    assert outcome.code == 0
    assert outcome.rows[0]["bytes"]["total"] <= row["bytes"]["total"]


def test_the_file_nearest_to_a_target_is_kept(cli: Cli, photo: Path) -> None:
    outcome = cli("encode", photo, "--steps", "3", "--target-size", "900", "--json")
    assert outcome.code == 4
    found = info("bird.onnx")
    assert outcome.lines[-2].endswith(" s on cpu")
    assert f"bird.onnx: {found.bytes.total:,} bytes" in outcome.lines[-2]
    expected = f"target of 900 bytes was not reached; the nearest file has {found.bytes.total:,}"
    assert expected in outcome.lines[-1]
    (row,) = outcome.rows
    assert (row["exit_code"], row["bytes"]["total"]) == (4, found.bytes.total)
    assert expected in row["error"]


@pytest.mark.parametrize(
    "options",
    [
        ("--target-size", "900", "--target-psnr", "30"),
        ("--target-bpp", "1", "--quality", "50"),
        ("--target-psnr", "30", "--lambda", "0.01"),
        ("--target-psnr", "30", "--bits", "5"),
        ("--target-size", "1.5"),
    ],
)
def test_targets_that_make_no_sense(cli: Cli, photo: Path, options: tuple[str, ...]) -> None:
    assert cli("encode", photo, *options).code == 2
    assert not Path("bird.onnx").exists()

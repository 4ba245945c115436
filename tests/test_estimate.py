"""How long an encoding will take: told by the library, and by the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import imcodec.encoder
from console import TINY, Cli
from imcodec import MlpSettings, PyramidSettings, estimate, settings_from
from imcodec.progress import CALIBRATION, Progress
from pictures import scene


def progress(step: int, remaining: float, phase: Any = "fit") -> Progress:
    return Progress(phase, step, 1000, 1, 10, 0.01, 20.0, 5.0, remaining)


def test_the_first_steps_tell_nothing() -> None:
    assert progress(CALIBRATION - 1, 7.0).expected is None
    assert progress(CALIBRATION, 0.0).expected is None
    assert progress(CALIBRATION, 7.0).expected == 12.0
    assert progress(CALIBRATION, 0.0, "verify").expected == 5.0


def test_a_long_fit_is_estimated_from_its_first_steps() -> None:
    long, short = (
        estimate(scene(48, 32), PyramidSettings(steps=steps, network="small", threads=1))
        for steps in (10**6, 10**3)
    )
    assert (long.steps, short.steps) == (10**6, 10**3)
    # on a machine with other work no more than the order is sure
    assert long.seconds > 10 * short.seconds > 0
    mlp = estimate(scene(48, 32), settings_from(model="mlp", epochs=10**5, width=(8,)))
    assert mlp.seconds > 10


@pytest.mark.parametrize("settings", [PyramidSettings(steps=2), MlpSettings(epochs=1, finetune=0)])
def test_a_fit_that_ends_before_its_estimate(settings: Any) -> None:
    assert 0 < estimate(scene(9, 7), settings).seconds < 60


def test_a_time_limit_is_the_estimate() -> None:
    settings = PyramidSettings(steps=10**6, time_limit=20, network="small", threads=1)
    assert 10 < estimate(scene(48, 32), settings).seconds <= 21


def test_the_command_tells_and_stops(cli: Cli, photo: Path) -> None:
    options = ("--estimate", "--steps", "1000000", "--network", "small", "--threads", "1")
    outcome = cli("encode", photo.name, *options)
    assert outcome.code == 0
    assert outcome.out.startswith("bird.png: about ")
    assert list(Path().iterdir()) == [Path("bird.png")]
    (row,) = cli("encode", photo.name, "-o", "out", *options, "--json").rows
    assert row["input"] == "bird.png"
    assert row["estimated_seconds"] > 60
    assert row["steps"] == 10**6
    assert not Path("out").exists()


def test_the_estimate_is_in_json(cli: Cli, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = imcodec.encoder.encode_picture

    def reporting(*arguments: Any, progress: Any, **named: Any) -> Any:
        encoding = whole(*arguments, **named)
        progress(Progress("fit", 100, 1000, 1, 10, 0.01, 20.0, 5.0, 95.0))
        progress(Progress("fit", 200, 1000, 1, 10, 0.01, 20.0, 9.0, 99.0))
        return encoding

    monkeypatch.setattr(imcodec.encoder, "encode_picture", reporting)
    outcome = cli("encode", photo, *TINY, "--json")
    assert outcome.rows[0]["estimated_seconds"] == 100.0
    assert "this will take about 1:40" in outcome.err
    assert cli("encode", photo, *TINY, "--json", "--quiet").rows[0]["estimated_seconds"] == 100.0

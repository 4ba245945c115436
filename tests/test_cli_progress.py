from __future__ import annotations

import pytest

from imcodec.bench.rows import Row
from imcodec.bench.run import Standing
from imcodec.progress import Progress
from imcodec_cli import progress as shown
from imcodec_cli.report import Report


def reported(step: int, elapsed: float) -> Progress:
    return Progress("fit", step, 1000, 1, 10, 0.01, 20.0, elapsed, 99.0)


def test_lines_instead_of_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "LINE_INTERVAL", 0.0)
    with shown.shown_progress(Report(), "bird.png") as update:
        update(reported(10, 1.0))
    err = capsys.readouterr().err
    assert err.splitlines()[1:] == ["bird.png: fitting 10/1000  loss 0.01000  20.00 dB  1:39 left"]


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.shown_progress(Report(quiet=True), "bird.png") as update:
        update(reported(50, 5.0))
        assert update.expected == 104.0
    assert capsys.readouterr().err == ""


def test_a_long_job_is_announced_once(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.shown_progress(Report(), "bird.png") as update:
        for step, elapsed in ((1, 5.0), (50, 6.0), (60, 7.0)):
            update(reported(step, elapsed))
    assert capsys.readouterr().err == "bird.png: this will take about 1:45\n"


def test_a_slow_first_step_makes_no_long_job(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.shown_progress(Report(), "bird.png") as update:
        update(reported(1, 5.0))
    assert capsys.readouterr().err == ""


def test_a_bench_counts_its_rows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row("bird.png", "0", 8, 8, "webp", 75.0, "1", 100, {})
    standing = Standing(done=3, total=40, elapsed=9.0, remaining=111.0, row=row)
    with shown.shown_count(Report()) as update:
        update(standing)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(shown, "LINE_INTERVAL", 0.0)
    with shown.shown_count(Report()) as update:
        update(standing)
    with shown.shown_count(Report(quiet=True)) as update:
        update(standing)
    assert capsys.readouterr().err == "bench: 3/40 rows  bird.png webp 75  1:51 left\n"

"""The progress of an encoder or a bench: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from imcodec.bench.run import Standing
    from imcodec.progress import Progress
    from imcodec_cli.report import Report

#: seconds between two lines where there is no terminal
LINE_INTERVAL = 10.0
#: seconds from which a job is announced
LONG_JOB = 30.0
_PHASES = {"fit": "fitting", "quantise": "rounding", "verify": "checking"}


class Shown:
    """The encoder's callback: remembers what it expected first, announces long jobs, passes on."""

    def __init__(
        self, report: Report, name: str, show: Callable[[Progress], None] | None = None
    ) -> None:
        self._report, self._name, self._show = report, name, show
        #: seconds that the job was expected to take when that could first be told
        self.expected: float | None = None

    def __call__(self, progress: Progress) -> None:
        if self.expected is None and progress.expected is not None:
            self.expected = progress.expected
            if self.expected > LONG_JOB:
                self._report.note(f"{self._name}: this will take about {clock(self.expected)}")
        if self._show:
            self._show(progress)


@contextmanager
def shown_progress(report: Report, name: str) -> Iterator[Shown]:
    """A callback for the encoder that shows how far it is, unless the report is quiet."""
    if report.quiet:
        yield Shown(report, name)
    elif sys.stderr.isatty():
        with _bar(name) as update:
            yield Shown(report, name, update)
    else:
        yield Shown(report, name, _Lines(report, name))


@contextmanager
def _bar(name: str) -> Iterator[Callable[[Progress], None]]:
    with _rich_bar() as bar:
        task = bar.add_task(name, total=None, state="starting")

        def update(progress: Progress) -> None:
            bar.update(task, completed=progress.step, total=progress.steps, state=_state(progress))

        yield update


@contextmanager
def shown_count(report: Report) -> Iterator[Callable[[Standing], None]]:
    """A callback for a bench that shows how many rows are made."""
    if report.quiet:
        yield lambda standing: None
    elif sys.stderr.isatty():
        with _rich_bar() as bar:
            task = bar.add_task("bench", total=None, state="starting")

            def update(now: Standing) -> None:
                state = _count(now)
                bar.update(task, completed=now.done, total=now.total, state=state)

            yield update
    else:
        yield _CountLines(report)


class _CountLines:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._last = time.monotonic()

    def __call__(self, standing: Standing) -> None:
        now = time.monotonic()
        if now - self._last >= LINE_INTERVAL:
            self._last = now
            self._report.note(f"bench: {_count(standing)}")


def _count(standing: Standing) -> str:
    row = standing.row
    return (
        f"{standing.done}/{standing.total} rows  {row.picture} {row.codec} {row.setting:g}  "
        f"{clock(standing.remaining)} left"
    )


@contextmanager
def _rich_bar() -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[state]}", markup=False),
    )
    console = Console(stderr=True)
    with RichProgress(*columns, console=console, transient=True, expand=True) as bar:
        yield bar


class _Lines:
    def __init__(self, report: Report, name: str) -> None:
        self._report = report
        self._name = name
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last >= LINE_INTERVAL:
            self._last = now
            self._report.note(f"{self._name}: {_state(progress)}")


def _state(progress: Progress) -> str:
    rate = "" if progress.bpp is None else f"{progress.bpp:.3f} bpp  "
    return (
        f"{_PHASES[progress.phase]} {progress.step}/{progress.steps}  "
        f"loss {progress.loss:.5f}  {progress.psnr:.2f} dB  {rate}{clock(progress.remaining)} left"
    )


def clock(seconds: float) -> str:
    """Minutes and seconds, and hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

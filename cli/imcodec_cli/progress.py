"""The progress of an encoder or a bench: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from imcodec.bench.run import Standing
    from imcodec.progress import Progress
    from imcodec_cli.report import Report

#: seconds between two lines where there is no terminal
LINE_INTERVAL = 10.0
#: seconds from which a job is announced
LONG_JOB = 30.0
_PHASES = {"fit": "fitting", "refine": "refining", "quantise": "rounding", "verify": "checking"}


class Shown:
    """The encoder's callback: remembers what it expected first, announces long jobs, passes on."""

    def __init__(self, report: Report, name: str, show: Callable[[Progress], None]) -> None:
        self._report, self._name, self._show = report, name, show
        #: seconds that the job was expected to take when that could first be told
        self.expected: float | None = None

    def __call__(self, progress: Progress) -> None:
        if self.expected is None and progress.expected is not None:
            self.expected = progress.expected
            if self.expected > LONG_JOB:
                self._report.note(f"{self._name}: this will take about {clock(self.expected)}")
        self._show(progress)


@contextmanager
def shown_progress(report: Report, name: str) -> Iterator[Shown]:
    """A callback for the encoder that shows how far it is, unless the report is quiet."""
    with _shown(report, name, lambda now: (now.step, now.steps, _state(now))) as show:
        yield Shown(report, name, show)


@contextmanager
def shown_count(report: Report) -> Iterator[Callable[[Standing], None]]:
    """A callback for a bench that shows how many rows are made."""
    with _shown(report, "bench", lambda now: (now.done, now.total, _count(now))) as show:
        yield show


@contextmanager
def _shown(
    report: Report, name: str, told: Callable[[Any], tuple[int, int, str]]
) -> Iterator[Callable[[Any], None]]:
    """A bar on a terminal, a line now and then elsewhere; `told` gives done, total and words."""
    if report.quiet:
        yield lambda now: None
    elif sys.stderr.isatty():
        with _rich_bar() as bar:
            task = bar.add_task(name, total=None, state="starting")

            def update(now: Any) -> None:
                done, total, words = told(now)
                bar.update(task, completed=done, total=total, state=words)

            yield update
    else:
        last = time.monotonic()

        def line(now: Any) -> None:
            nonlocal last
            moment = time.monotonic()
            if moment - last >= LINE_INTERVAL:
                last = moment
                report.note(f"{name}: {told(now)[2]}")

        yield line


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


def _count(standing: Standing) -> str:
    row = standing.row
    return (
        f"{standing.done}/{standing.total} rows  {row.picture} {row.codec} {row.setting:g}  "
        f"{clock(standing.remaining)} left"
    )


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

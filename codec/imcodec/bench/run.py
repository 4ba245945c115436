"""Running a bench: jobs to rows, several at a time, each row kept as soon as it is made."""

from __future__ import annotations

import contextlib
import queue
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from imcodec.bench.codec import CPU
from imcodec.bench.machine import this_machine
from imcodec.bench.measure import Crew, Worker, measure
from imcodec.bench.plan import Job
from imcodec.bench.rows import Row, RowFile
from imcodec.processors import processors


@dataclass(frozen=True)
class Standing:
    """How far a bench is."""

    done: int
    total: int
    #: seconds since the start, and expected until the end
    elapsed: float
    remaining: float
    #: what was measured last
    row: Row


def run_jobs(
    jobs: Sequence[Job],
    rows: RowFile,
    scratch: Path,
    *,
    workers: int = 1,
    on_row: Callable[[Standing], None],
    on_error: Callable[[Job, Exception], None],
) -> None:
    """Measure every job that has no row yet.

    `scratch` is a folder for passing pixels. The processors are shared out among the workers.
    `on_row` and `on_error` are called in the caller's thread. KeyboardInterrupt ends all processes
    and goes on to the caller; the rows made so far are kept.
    """
    left = unmeasured(jobs, rows)
    if not left:
        return
    machine = this_machine(next((job.device for job in left if job.codec.is_ours), CPU))
    rows.add_machine(machine)
    clock = _Clock(left, workers)
    crew = Crew()
    slots: queue.SimpleQueue[tuple[list[int], Worker]] = queue.SimpleQueue()

    def work(job: Job) -> tuple[Row, float]:
        share, judge = slots.get()
        try:
            start = time.monotonic()
            row = measure(job, crew, judge, share, scratch, machine["id"])
            return row, time.monotonic() - start
        finally:
            if not judge.is_alive and not crew.is_dismissed:
                judge = stack.enter_context(crew.hire())
            slots.put((share, judge))

    with contextlib.ExitStack() as stack:
        for share in shares(processors(), workers):
            slots.put((share, stack.enter_context(crew.hire())))
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        waiting: dict[Future[tuple[Row, float]], Job] = {pool.submit(work, j): j for j in left}
        try:
            while waiting:
                finished, _ = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
                for future in finished:
                    job = waiting.pop(future)
                    error = future.exception()
                    if isinstance(error, Exception):
                        clock.forget(job)
                        on_error(job, error)
                        continue
                    row, seconds = future.result()
                    rows.add(row)
                    on_row(clock.count(job, row, seconds))
        except BaseException:
            for future in waiting:
                future.cancel()
            crew.dismiss()
            raise


def unmeasured(jobs: Sequence[Job], rows: RowFile) -> list[Job]:
    """The jobs that have no row yet, or one that lacks a metric."""
    have = {row.key: row.quality.keys() for row in rows.found.rows}
    return [job for job in jobs if job.key not in have or not set(job.metrics) <= have[job.key]]


def shares(numbers: Sequence[int], workers: int) -> list[list[int]]:
    """The processors of each worker: as many as there are for each, at least one."""
    each = max(1, len(numbers) // workers)
    return [
        [numbers[(first + i) % len(numbers)] for i in range(each)]
        for first in range(0, each * workers, each)
    ]


class _Clock:
    """Guesses what is left from what each codec took for a pixel so far."""

    def __init__(self, jobs: Sequence[Job], workers: int) -> None:
        self._start = time.monotonic()
        self._workers = workers
        self._total = len(jobs)
        self._done = 0
        self._left: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._pixels: dict[str, int] = defaultdict(int)
        for job in jobs:
            self._left[job.codec.name] += job.picture.width * job.picture.height

    def forget(self, job: Job) -> None:
        self._done += 1
        self._left[job.codec.name] -= job.picture.width * job.picture.height

    def count(self, job: Job, row: Row, seconds: float) -> Standing:
        self.forget(job)
        self._seconds[row.codec] += seconds
        self._pixels[row.codec] += row.width * row.height
        rates = {name: self._seconds[name] / self._pixels[name] for name in self._pixels}
        typical = sum(rates.values()) / len(rates)
        left = sum(pixels * rates.get(name, typical) for name, pixels in self._left.items())
        return Standing(
            done=self._done,
            total=self._total,
            elapsed=time.monotonic() - self._start,
            remaining=left / self._workers,
            row=row,
        )

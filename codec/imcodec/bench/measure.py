"""Measuring one row: a process that encodes, one that decodes, and one that judges."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from imcodec.bench.plan import Job
from imcodec.bench.rows import Row
from imcodec.errors import RuntimeFailureError


class Crew:
    """All processes that work for a bench, so that they can be ended at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alive: set[Worker] = set()
        self.is_dismissed = False

    def hire(self) -> Worker:
        """A new process. Raises RuntimeFailureError after dismiss()."""
        with self._lock:
            if self.is_dismissed:
                raise RuntimeFailureError("the bench was stopped")
            worker = Worker(self)
            self._alive.add(worker)
            return worker

    def leave(self, worker: Worker) -> None:
        """The process has ended."""
        with self._lock:
            self._alive.discard(worker)

    def dismiss(self) -> None:
        """End every process now, and hire no more."""
        with self._lock:
            self.is_dismissed = True
            for worker in self._alive:
                worker.kill()


class Worker:
    """A process that answers requests (imcodec.bench.worker)."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._process = subprocess.Popen(
            [sys.executable, "-m", "imcodec.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(OSError):  # what was not sent yet no longer matters
                    stream.close()
        self._process.wait()
        self._crew.leave(self)

    @property
    def is_alive(self) -> bool:
        """Whether the process still answers."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request. Raises RuntimeFailureError if there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            code = self._process.wait()
            raise RuntimeFailureError(
                f"the process ended with code {code}; is there enough memory?"
            )
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise RuntimeFailureError(" ".join(str(found["error"]).split()))
        return found


def measure(
    job: Job, crew: Crew, judge: Worker, processors: list[int], scratch: Path, machine: str
) -> Row:
    """The row of a job, measured on these processors; its file is in job.coded afterwards.

    Raises RuntimeFailureError if the codec fails.
    """
    decoded = scratch / f"decoded-{processors[0]}-{threading.get_ident()}.npy"
    request: dict[str, Any] = {
        "codec": job.codec.name,
        "setting": job.setting,
        "device": job.device,
        "threads": len(processors),
        "processors": processors,
        "pixels": str(job.picture.pixels),
        "coded": str(job.coded),
        "decoded": str(decoded),
        "metrics": job.metrics,
    }
    job.coded.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for task in ("encode", "decode"):
        with crew.hire() as worker:
            found |= worker.ask(request | {"task": task})
    found |= judge.ask(request | {"task": "judge"})
    decoded.unlink(missing_ok=True)
    for name in ("encode_s", "decode_s"):
        found[name] = round(found[name], 6)
    for name in ("encode_mb", "decode_mb"):
        found[name] = None if found[name] is None else round(found[name], 1)
    return Row(
        picture=job.picture.name,
        sha256=job.picture.sha256,
        width=job.picture.width,
        height=job.picture.height,
        codec=job.codec.name,
        setting=job.setting,
        cores=len(processors),
        machine=machine,
        **found,
    )

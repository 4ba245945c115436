"""The command `decode`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from imcodec_cli.paths import (
    MODEL_EXTENSIONS,
    PICTURE_EXTENSIONS,
    STREAM,
    Job,
    check_streams,
    do_jobs,
    plan,
    read_stdin,
    write_stdout,
)
from imcodec_cli.report import Report


def run(
    report: Report,
    paths: list[str],
    output: str | None,
    view: dict[str, Any],
    *,
    overwrite: bool,
    format: str | None,
) -> None:
    """Decode every input. `view` holds the keywords of imcodec.decode()."""
    extension = ".png"
    if format is not None:
        from imcodec.export import picture_format

        picture_format(format)
        extension = f".{format.lower().lstrip('.')}"
    jobs = plan(
        paths,
        output,
        reads=MODEL_EXTENSIONS,
        writes=PICTURE_EXTENSIONS,
        extension=extension,
        note=report.note,
    )
    check_streams(jobs, json=report.json)
    if format is not None:
        _check_format(jobs, format)

    def work(job: Job) -> None:
        _decode(report, job, view, format)

    do_jobs(report, jobs, work, overwrite=overwrite)


def _check_format(jobs: list[Job], format: str) -> None:
    """Refuse to write one format under the extension of another."""
    from imcodec.errors import UsageError
    from imcodec.export import picture_format

    wanted = picture_format(format)
    for job in jobs:
        if job.target != STREAM and picture_format(job.target) != wanted:
            raise UsageError(f"{job.target}: the extension says another format than --format does")


def _spare_original(job: Job) -> None:
    """Refuse to put a decoded picture in the place of, most likely, the one it was made from."""
    from imcodec.errors import UsageError

    if job.target != STREAM and Path(job.target).exists():
        raise UsageError(
            f"{job.target} exists and may be the original; name it as OUTPUT to replace it"
        )


def _decode(report: Report, job: Job, view: dict[str, Any], format: str | None) -> None:
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    from imcodec.container import MAX_BYTES
    from imcodec.decoder import decode
    from imcodec.image import picture_bytes, write_picture

    seconds["import"] = time.perf_counter() - start
    data = read_stdin(MAX_BYTES) if job.source == STREAM else job.source
    pixels = decode(data, timings=seconds, **view)
    if not job.is_named:
        _spare_original(job)
    start = time.perf_counter()
    if job.target == STREAM:
        encoded, notices = picture_bytes(pixels, format or "png")
        write_stdout(encoded)
    else:
        notices = write_picture(pixels, job.target, format)
    seconds["save"] = time.perf_counter() - start
    height, width, channels = pixels.shape
    name = "stdout" if job.target == STREAM else job.target
    for notice in notices:
        report.note(f"{name}: {notice}")
    report.note(f"{name}: {width}x{height}")
    report.detail("  ".join(f"{part} {1000 * taken:.0f} ms" for part, taken in seconds.items()))
    report.result(
        {
            "input": job.source,
            "output": job.target,
            "width": width,
            "height": height,
            "channels": channels,
            "seconds": seconds,
            "notices": list(notices),
        }
    )

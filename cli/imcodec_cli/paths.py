"""Which file becomes which: inputs, outputs, directories, stdin and stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from imcodec.errors import OutputError, UsageError

if TYPE_CHECKING:
    from imcodec_cli.report import Report

STREAM = "-"
#: device and number of a file
Identity = tuple[int, int]
PICTURE_EXTENSIONS = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif"}
    | {".ppm", ".pgm", ".pnm"}
)
MODEL_EXTENSIONS = frozenset({".onnx"})


@dataclass(frozen=True)
class Job:
    """One file to make. Either side may be "-", which is stdin or stdout."""

    source: str
    target: str
    #: whether the output's directory may be made for it
    makes_directory: bool = False
    #: whether the user named the output or its directory; otherwise it lies beside the input
    is_named: bool = True


def plan(
    paths: list[str],
    output: str | None,
    *,
    reads: frozenset[str],
    writes: frozenset[str],
    extension: str,
    note: Callable[[str], None],
) -> list[Job]:
    """The jobs behind the arguments of encode or decode.

    `reads` are the extensions taken from a directory, `writes` those that an output file may have,
    `extension` the one that an output gets by itself. Raises UsageError.
    """
    sources = list(paths)
    if output is None and len(sources) == 2 and _is_output(sources[1], writes):
        output = sources.pop()
        return [_checked(Job(sources[0], output), writes)]
    single = len(sources) == 1 and not Path(sources[0]).is_dir()
    if single and output is None:
        return [_checked(Job(sources[0], _beside(sources[0], extension), is_named=False), writes)]
    if single and output is not None and _is_output(output, writes) and not Path(output).is_dir():
        return [_checked(Job(sources[0], output), writes)]
    if output is None:
        raise UsageError(
            "several inputs or a directory need -o DIR; "
            f"a single output file must end in {' '.join(sorted(writes))}"
        )
    return _into_directory(sources, Path(output), reads, extension, note)


def _is_output(path: str, writes: frozenset[str]) -> bool:
    return path == STREAM or Path(path).suffix.lower() in writes


def _beside(source: str, extension: str) -> str:
    return STREAM if source == STREAM else str(Path(source).with_suffix(extension))


def _into_directory(
    sources: list[str],
    directory: Path,
    reads: frozenset[str],
    extension: str,
    note: Callable[[str], None],
) -> list[Job]:
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file; several inputs need a directory after -o")
    jobs: list[Job] = []
    for source in sources:
        if source == STREAM:
            raise UsageError("stdin has no name to use in a directory; give an output file")
        path = Path(source)
        if not path.is_dir():
            jobs.append(Job(source, str(directory / f"{path.stem}{extension}"), True))
            continue
        found = sorted(item for item in path.rglob("*") if item.is_file())
        taken = [item for item in found if item.suffix.lower() in reads]
        if len(taken) < len(found):
            note(f"{source}: {len(found) - len(taken)} files of other kinds left out")
        if not taken:
            note(f"{source}: nothing to do in this directory")
        jobs += [
            Job(str(item), str(directory / item.relative_to(path).with_suffix(extension)), True)
            for item in taken
        ]
    seen: dict[str, str] = {}
    for job in jobs:
        if job.target in seen:
            raise UsageError(
                f"{seen[job.target]} and {job.source} would both become {job.target}; "
                "rename one, or give them different directories"
            )
        seen[job.target] = job.source
    return jobs


def _checked(job: Job, writes: frozenset[str]) -> Job:
    if job.target == STREAM and sys.stdout.isatty():
        raise UsageError("refusing to write a picture to the terminal; give an output file")
    if job.target != STREAM and Path(job.target).suffix.lower() not in writes:
        raise UsageError(f"{job.target}: the output must end in {' '.join(sorted(writes))}")
    return job


def do_jobs(
    report: Report,
    jobs: list[Job],
    work: Callable[[Job], None],
    *,
    overwrite: bool,
    is_whole: Callable[[str], bool] = lambda path: True,
) -> None:
    """Do `work` for every job whose output is to be made; failures are reported one by one.

    Without `overwrite`, an output that exists is kept if `is_whole`, and made again if not.
    """
    inputs = identities(job.source for job in jobs if job.source != STREAM)

    def one(job: Job) -> None:
        spare(inputs, job.target)
        if ready_target(job, overwrite=overwrite, is_whole=is_whole):
            work(job)
        else:
            report.note(f"{job.target}: exists, kept")
            report.result({"input": job.source, "output": job.target, "skipped": True})

    report.each(jobs, lambda job: job.source, one)


def spare(inputs: dict[Identity, str], output: str) -> None:
    """Raise UsageError when an output would take the place of an input, by whatever name."""
    if output == STREAM:
        return
    for identity in identities([output]):
        if identity in inputs:
            raise UsageError(
                f"{output}: this is also the input {inputs[identity]}; give another output"
            )


def identities(paths: Iterable[str]) -> dict[Identity, str]:
    """The files that exist among these, by what links to them share."""
    found = {}
    for path in paths:
        with suppress(OSError, ValueError):
            status = Path(path).stat()
            found[status.st_dev, status.st_ino] = path
    return found


def ready_target(job: Job, *, overwrite: bool, is_whole: Callable[[str], bool]) -> bool:
    """Whether to make this job's output: False when it exists and must be kept.

    Raises OutputError when it cannot be written.
    """
    if job.target == STREAM:
        return True
    target = Path(job.target)
    if target.exists() and not overwrite and is_whole(job.target):
        return False
    if job.makes_directory:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or "cannot be made"
            raise OutputError(f"{target.parent}: {reason}; choose another directory") from error
    # Better now than after minutes of work.
    if target.is_dir():
        raise OutputError(f"{target}: it is a directory; choose another name")
    if not target.parent.is_dir():
        raise OutputError(f"{target.parent}: no such directory; make it first")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise OutputError(f"{target}: no permission to write there; choose another place")
    return True


def check_streams(jobs: list[Job], *, json: bool) -> None:
    """Raises UsageError when stdout would carry two things at once."""
    if json and any(job.target == STREAM for job in jobs):
        raise UsageError("--json and the output cannot share stdout; give an output file")


def stdin() -> BinaryIO:
    """The binary stream behind stdin. Raises UsageError when there is none."""
    if sys.stdin is None:
        raise UsageError("stdin is closed; name a file instead of '-'")
    return sys.stdin.buffer


def read_stdin(limit: int) -> bytes:
    """All of stdin, at most `limit` bytes (0: no limit)."""
    from imcodec.files import read_bytes

    return read_bytes(stdin(), limit, name="stdin")


def write_stdout(data: bytes) -> None:
    """Bytes to stdout."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()

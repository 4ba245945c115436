"""The command `bench`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from imcodec_cli.paths import PICTURE_EXTENSIONS, STREAM
from imcodec_cli.progress import shown_count
from imcodec_cli.report import Report

if TYPE_CHECKING:
    from imcodec.bench.plan import BenchPicture, Job
    from imcodec.bench.run import Standing


def run(
    report: Report,
    paths: list[str],
    output: Path,
    *,
    codecs: str,
    efforts: str,
    qualities: list[str],
    metrics: str,
    anchor: str,
    jobs: int,
    device: str,
    shown: int,
    title: str | None,
    max_pixels: int,
) -> None:
    """Measure pictures and codecs, and write rows, plots and the report."""
    from imcodec.bench.codecs import chosen_codecs, codec_named
    from imcodec.bench.outputs import ROWS, require_packages, write_outputs
    from imcodec.bench.plan import all_jobs, chosen_settings
    from imcodec.bench.quality import able_metrics
    from imcodec.bench.rows import RowFile
    from imcodec.bench.run import run_jobs
    from imcodec.errors import MissingExtraError, RuntimeFailureError

    require_packages()
    device = _device(device)
    chosen = chosen_codecs(_names(codecs), _efforts(efforts))
    codec_named(anchor)
    settings = chosen_settings(chosen, qualities)
    wanted, missing = able_metrics(_names(metrics))
    for line in missing:
        report.note(line)
    able = []
    for codec in chosen:
        try:
            codec.require()
            able.append(codec)
        except MissingExtraError as error:
            report.note(f"{codec.label} is left out: {error}")
    found = _pictures(paths, report)
    _make(output)
    with tempfile.TemporaryDirectory(prefix="imcodec-bench-") as folder:
        scratch = Path(folder)
        pictures = _load(report, found, scratch, max_pixels)
        todo = all_jobs(pictures, able, settings, wanted, output, device)
        report.interrupted = f"the same call goes on with what {output / ROWS} has"

        def failed(job: Job, error: Exception) -> None:
            name = f"{job.picture.name}, {job.codec.name}, {job.setting:g}"
            report.error(RuntimeFailureError(f"{name}: {error}"))

        with closing(RowFile(output / ROWS)) as rows, shown_count(report) as update:

            def made(standing: Standing) -> None:
                update(standing)
                report.result(_values(standing))

            run_jobs(todo, rows, scratch, workers=jobs, on_row=made, on_error=failed)
        report.detail(f"{output / ROWS}: {len(rows.found.rows)} rows")
        if shown:
            report.note("files of one size are made for the report's slider")
        written = write_outputs(
            rows.found,
            pictures,
            output,
            anchor=anchor,
            title=title or "imcodec and other codecs",
            shown=shown,
        )
    report.note(f"{written[0]}: {len(rows.found.current())} rows; open it in a browser")
    report.result({"rows": str(output / ROWS), "report": str(written[0])})


def run_scaling(
    report: Report,
    paths: list[str],
    output: Path,
    *,
    sizes: str,
    threads: str,
    device: str,
    max_pixels: int,
) -> None:
    """Measure how cost grows with pixels and threads."""
    from imcodec.bench.outputs import require_packages
    from imcodec.bench.scaling import study
    from imcodec.errors import UsageError

    require_packages()
    device = _device(device)
    found = _pictures(paths, report)
    if len(found) != 1:
        raise UsageError("--scaling takes one picture")
    _make(output)
    megapixels, counts = _floats("--sizes", sizes), _wholes("--threads", threads)

    def made(row: dict[str, object]) -> None:
        report.note(
            f"{row['megapixels']:g} megapixels, {row['threads']} threads: "
            f"{row['encode_s']:.1f} s to encode, {row['decode_s']:.2f} s to decode"
        )
        report.result(row)

    with tempfile.TemporaryDirectory(prefix="imcodec-bench-") as folder:
        picture = _load(report, found, Path(folder), max_pixels)[0]
        written = study(picture, output, Path(folder), megapixels, counts, made, device)
    report.note(f"{written[0]}: written")


def _device(name: str) -> str:
    """The device that a name means here. Raises UsageError for one that is not there."""
    from imcodec.bench.codec import CPU

    if name == CPU:
        return name
    from imcodec.encoder import require_torch

    require_torch()
    from imcodec.devices import pick_device

    return str(pick_device(name))


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _wholes(option: str, text: str) -> list[int]:
    from imcodec.errors import UsageError

    try:
        return [int(part) for part in _names(text)]
    except ValueError:
        raise UsageError(f"{option} {text}: give whole numbers with commas") from None


def _floats(option: str, text: str) -> list[float]:
    from imcodec.errors import UsageError

    try:
        return [float(part) for part in _names(text)]
    except ValueError:
        raise UsageError(f"{option} {text}: give numbers with commas") from None


def _efforts(text: str) -> list[int]:
    return _wholes("--efforts", text)


def _pictures(paths: list[str], report: Report) -> list[Path]:
    """Every picture named, and those in the directories named."""
    from imcodec.errors import UsageError

    found: list[Path] = []
    for name in paths:
        if name == STREAM:
            raise UsageError("bench reads files, not stdin; name the pictures")
        path = Path(name)
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_EXTENSIONS)
        if not inside:
            report.note(f"{name}: no pictures in this directory")
        found += inside
    if not found:
        raise UsageError("there are no pictures to measure; name files or directories of them")
    return found


def _make(output: Path) -> None:
    from imcodec.errors import OutputError

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "cannot be made").lower()
        raise OutputError(f"{output}: {reason}; choose another directory") from error


def _load(
    report: Report, paths: Sequence[Path], scratch: Path, max_pixels: int
) -> list[BenchPicture]:
    """The pictures that can be read, each once; leaves if there are none."""
    from imcodec.bench.plan import load_picture

    found: dict[str, BenchPicture] = {}
    seen: set[Path] = set()

    def work(path: Path) -> None:
        if path in seen:
            return
        seen.add(path)
        picture = load_picture(path, scratch, max_pixels=max_pixels)
        if picture.sha256 in found:
            report.note(f"{path}: the same pixels as {found[picture.sha256].name}, left out")
        found.setdefault(picture.sha256, picture)

    report.each(paths, str, work)
    if not found:
        report.leave()
    return list(found.values())


def _values(standing: Standing) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(standing.row) | {"bpp": standing.row.bpp}

"""The command `encode`."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imcodec_cli.paths import (
    MODEL_EXTENSIONS,
    PICTURE_EXTENSIONS,
    STREAM,
    Job,
    check_streams,
    do_jobs,
    identities,
    plan,
    spare,
    write_stdout,
)
from imcodec_cli.pictures import read_input
from imcodec_cli.progress import clock, shown_progress
from imcodec_cli.report import Report
from imcodec_cli.stopping import stop_request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imcodec.encoder import Encoding
    from imcodec.errors import TargetError
    from imcodec.image import Picture
    from imcodec.settings import EncodeSettings


def run(
    report: Report,
    paths: list[str],
    output: str | None,
    settings: dict[str, Any],
    *,
    overwrite: bool,
    keep_best: bool,
    estimate: bool,
    plot: Path | None,
    snapshots: Path | None,
    max_pixels: int,
) -> None:
    """Encode every input, or only estimate how long that will take."""
    from imcodec.errors import UsageError
    from imcodec.settings import settings_from

    checked = settings_from(**settings)
    _check_model(checked, keep_best=keep_best)
    jobs = plan(
        paths,
        output,
        reads=PICTURE_EXTENSIONS,
        writes=MODEL_EXTENSIONS,
        extension=".onnx",
        note=report.note,
    )
    if len(jobs) > 1 and (plot or snapshots):
        raise UsageError("--plot and --snapshots go with a single picture")
    if not estimate:
        check_streams(jobs, json=report.json)
    if plot:
        _check_plot(plot, jobs[0])
    # only now, because it takes a second
    from imcodec.encoder import require_torch

    require_torch()

    if estimate:
        report.each(
            jobs, lambda job: job.source, lambda job: _estimate(report, job, checked, max_pixels)
        )
        return
    with stop_request(enabled=keep_best) as stop:

        def work(job: Job) -> None:
            _encode(report, job, checked, stop, plot, snapshots, max_pixels)
            if stop():
                raise KeyboardInterrupt

        do_jobs(report, jobs, work, overwrite=overwrite, is_whole=_is_whole)


def _is_whole(path: str) -> bool:
    """Whether an output that exists is a whole file of ours; False if it is a damaged or empty one.

    Raises OutputError for what may be of worth to somebody: another file, or one of a newer
    release.
    """
    from imcodec.container import MAX_BYTES, PREFIX, looks_like_ours, verify
    from imcodec.errors import InvalidFileError, OutputError, UnknownVersionError
    from imcodec.files import read_bytes

    if not Path(path).is_file():
        return True  # a device or a pipe: nothing to look at
    data = read_bytes(path, MAX_BYTES, error=OutputError)
    try:
        verify(data)
    except InvalidFileError as error:
        ours = looks_like_ours(data) or PREFIX.startswith(data)
        if isinstance(error, UnknownVersionError) or not ours:
            raise OutputError(
                f"{path}: exists and is no file that this release makes; choose another name"
            ) from error
        return False
    return True


def _check_model(settings: EncodeSettings, *, keep_best: bool) -> None:
    from imcodec.errors import UsageError
    from imcodec.settings import MlpSettings

    if keep_best and isinstance(settings, MlpSettings):
        raise UsageError("--keep-best belongs to the pyramid model")


def _encode(
    report: Report,
    job: Job,
    settings: EncodeSettings,
    stop: Callable[[], bool],
    plot: Path | None,
    snapshots: Path | None,
    max_pixels: int,
) -> None:
    from imcodec.encoder import encode_picture
    from imcodec.errors import TargetError

    picture = _read(report, job, max_pixels)
    if settings.device == "auto":
        report.detail(f"{picture.source}: device auto chose {_chosen_device()}")
    missed: TargetError | None = None
    with shown_progress(report, picture.source) as progress:
        try:
            encoding = encode_picture(
                picture,
                settings,
                progress=progress,
                snapshot=_snapshot_writer(snapshots) if snapshots else None,
                stop=stop,
            )
        except TargetError as error:
            if error.nearest is None:
                raise
            missed, encoding = error, error.nearest
    _write(job, encoding)
    if plot:
        _draw_curve(plot, encoding, picture.source)
    _tell(report, job, encoding, missed, progress.expected)


def _write(job: Job, encoding: Encoding) -> None:
    from imcodec.files import write_atomic

    if job.target == STREAM:
        write_stdout(encoding.data)
    else:
        write_atomic(job.target, encoding.data)


def _read(report: Report, job: Job, max_pixels: int) -> Picture:
    picture = read_input(job.source, max_pixels)
    for notice in picture.notices:
        report.note(f"{picture.source}: {notice}")
    return picture


def _estimate(report: Report, job: Job, settings: EncodeSettings, max_pixels: int) -> None:
    """How long it will take, and nothing else."""
    from imcodec.estimate import estimate

    picture = _read(report, job, max_pixels)
    found = estimate(picture, settings)
    report.say(f"{picture.source}: about {clock(found.seconds)}")
    report.result({"input": job.source, "estimated_seconds": found.seconds, "steps": found.steps})


def _chosen_device() -> str:
    from imcodec.devices import pick_device

    return str(pick_device("auto"))


def _snapshot_writer(directory: Path) -> Callable[[int, NDArray[np.uint8]], None]:
    from imcodec.errors import OutputError
    from imcodec.image import write_picture

    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{directory}: {error.strerror}; choose another directory") from error

    def write(epoch: int, pixels: NDArray[np.uint8]) -> None:
        write_picture(pixels, directory / f"epoch-{epoch:04}.png")

    return write


def _check_plot(plot: Path, job: Job) -> None:
    """Fail before the fit, not after it."""
    from importlib.util import find_spec

    from imcodec.errors import MissingExtraError, OutputError, UsageError

    spare(identities([job.source, job.target]), str(plot))
    if plot.suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"{plot}: a plot must end in .png or .svg")
    if find_spec("matplotlib") is None:
        raise MissingExtraError('plots need matplotlib: pip install "imcodec[encode]"')
    if not plot.absolute().parent.is_dir():
        raise OutputError(f"{plot.parent}: no such directory; make it first")


def _draw_curve(plot: Path, encoding: Encoding, name: str) -> None:
    from imcodec.files import write_atomic
    from imcodec.plot import training_curve

    format = "svg" if plot.suffix.lower() == ".svg" else "png"
    title = f"{name}: {encoding.psnr:.2f} dB, {encoding.info.bpp:.3f} bpp"
    write_atomic(plot, training_curve(encoding.history, title, format))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _quality(encoding: Encoding) -> str:
    """PSNR, and what the rounding of the weights did to it."""
    if not math.isfinite(encoding.psnr):
        return "no error"
    if encoding.info.model != "mlp":
        return f"{encoding.psnr:.2f} dB"
    change = encoding.psnr - encoding.psnr_before_rounding
    verb = "gained" if change > 0 else "cost"
    return f"{encoding.psnr:.2f} dB (rounding the weights {verb} {abs(change):.2f} dB)"


def _tell(
    report: Report,
    job: Job,
    encoding: Encoding,
    missed: TargetError | None,
    expected: float | None,
) -> None:
    found = encoding.info
    report.note(
        f"{job.target if job.target != STREAM else 'stdout'}: {found.bytes.total:,} bytes, "
        f"{found.bpp:.3f} bpp, {_quality(encoding)}, "
        f"{encoding.seconds:.0f} s on {encoding.device}"
    )
    values = found.to_dict()
    del values["layers"]
    values = (
        {"input": job.source, "output": job.target}
        | values
        | {
            # JSON has no infinity, which a picture that comes back exactly has
            "psnr": _finite(encoding.psnr),
            "psnr_before_rounding": _finite(encoding.psnr_before_rounding),
            "device": encoding.device,
            "seconds": encoding.seconds,
            "estimated_seconds": expected,
            "notices": list(encoding.notices),
        }
    )
    if missed:
        report.error(missed, job.source, values)
    else:
        report.result(values)

"""The command `compare`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imcodec_cli.options import MAX_PIXELS
from imcodec_cli.paths import STREAM, identities, spare
from imcodec_cli.pictures import read_input
from imcodec_cli.report import Report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Side:
    """One of the two pictures."""

    path: str
    pixels: NDArray[np.uint8]
    #: whether it is a file of ours
    ours: bool
    bytes: int

    @property
    def bpp(self) -> float:
        """Bits of file per pixel."""
        height, width = self.pixels.shape[:2]
        return 8 * self.bytes / (int(height) * int(width))


def run(report: Report, first: str, second: str, sheet: Path | None) -> None:
    """Tell how close two pictures are."""
    from imcodec.errors import UsageError
    from imcodec.metrics import ms_ssim, psnr, ssim

    if STREAM in (first, second):
        raise UsageError("stdin cannot be compared; give the name of a file")
    if sheet:
        spare(identities([first, second]), str(sheet))
    a, b = _load(report, first), _load(report, second)
    if a.pixels.shape[:2] != b.pixels.shape[:2]:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" for p in (a.pixels, b.pixels))
        raise UsageError(f"{first} and {second}: sizes differ ({sizes}); decode with --size first")
    x, y = _alike(report, a.pixels, b.pixels)
    values = {"psnr": psnr(x, y)} | {
        name: _similarity(report, measure, x, y)
        for name, measure in (("ssim", ssim), ("ms_ssim", ms_ssim))
    }
    if sheet:
        _write_sheet(sheet, a, b, values["psnr"] or 0.0)
    if report.json:
        finite = {k: v if v is not None and math.isfinite(v) else None for k, v in values.items()}
        sides = [
            {"file": side.path, "bytes": side.bytes, "bpp": side.bpp, "imcodec": side.ours}
            for side in (a, b)
        ]
        report.result({"a": sides[0], "b": sides[1], "identical": bool((x == y).all())} | finite)
    else:
        _print(values, a, b)


def _similarity(
    report: Report,
    measure: Callable[[NDArray[np.uint8], NDArray[np.uint8]], float | None],
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
) -> float | None:
    """What the measure says, or None: PSNR alone is worth telling where packages are missing."""
    from imcodec.errors import MissingExtraError

    try:
        return measure(a, b)
    except MissingExtraError as error:
        report.note(str(error))
        return None


def _load(report: Report, path: str) -> Side:
    from imcodec.decoder import decode

    if Path(path).suffix.lower() == ".onnx":
        return Side(path, decode(path), True, Path(path).stat().st_size)
    picture = read_input(path, MAX_PIXELS)
    for notice in picture.notices:
        report.note(f"{picture.source}: {notice}")
    return Side(path, picture.pixels, False, Path(path).stat().st_size)


def _alike(
    report: Report, a: NDArray[np.uint8], b: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both with the same channels: grey repeated, a missing alpha taken as opaque."""
    import numpy as np

    if a.shape[2] == b.shape[2]:
        return a, b
    report.note("channels differ: grey is taken as equal RGB, a missing alpha as opaque")
    alpha = any(p.shape[2] in (2, 4) for p in (a, b))
    colour = any(p.shape[2] >= 3 for p in (a, b))

    def promoted(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        colours = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
        parts = [np.repeat(colours, 3, axis=2) if colour and colours.shape[2] == 1 else colours]
        if alpha:
            opaque = np.full_like(pixels[..., :1], 255)
            parts.append(pixels[..., -1:] if pixels.shape[2] in (2, 4) else opaque)
        return np.concatenate(parts, axis=2)

    return promoted(a), promoted(b)


def _write_sheet(path: Path, a: Side, b: Side, quality: float) -> None:
    from imcodec.image import write_picture
    from imcodec.plot import side_by_side

    labels = [f"{Path(side.path).name}  {side.bytes:,} bytes" for side in (a, b)]
    labels[1] += f"  {quality:.2f} dB"
    write_picture(side_by_side([a.pixels, b.pixels], labels), path)


def _print(values: dict[str, float | None], a: Side, b: Side) -> None:
    from imcodec.metrics import MS_SSIM_MIN_SIDE

    quality = values["psnr"]
    lines = [
        ("PSNR", "identical" if quality == math.inf else f"{quality:.2f} dB"),
        ("SSIM", _ratio(values["ssim"])),
        ("MS-SSIM", _ratio(values["ms_ssim"])),
    ]
    for side in (a, b):
        if side.ours:
            lines.append(("size", f"{side.path}: {side.bytes:,} bytes, {side.bpp:.4f} bpp"))
    if values["ms_ssim"] is None and min(a.pixels.shape[:2]) < MS_SSIM_MIN_SIDE:
        lines[2] = ("MS-SSIM", f"-  (needs sides of {MS_SSIM_MIN_SIDE} pixels)")
    for name, value in lines:
        print(f"{name:9}{value}")


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.5f}"

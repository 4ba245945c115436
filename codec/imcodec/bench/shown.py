"""Pictures for the report's slider: what each codec makes of a picture at about the same size."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from imcodec.bench.codec import CPU, Codec
from imcodec.bench.codecs import codec_named
from imcodec.bench.matching import nearest_size
from imcodec.bench.plan import BenchPicture, coded_path
from imcodec.bench.rows import Row
from imcodec.colour import Pixels
from imcodec.errors import ImcodecError
from imcodec.files import write_atomic
from imcodec.metrics import psnr
from imcodec.processors import processors

#: characters of all embedded pictures together
BUDGET = 13_000_000
#: a file of ours is of the size wanted if it is no further away than this share
NEAR = 0.05
#: seconds of an encoding that is worth another one
PATIENCE = 60.0
#: sides of the part of a picture that is shown
MOST_SIDE = 768


@dataclass(frozen=True)
class Version:
    """One picture as the slider shows it."""

    codec: str
    bytes: int
    psnr: float | None
    source: str


@dataclass(frozen=True)
class Sheet:
    """A picture at one size of file, by every codec."""

    picture: str
    #: of the part shown
    width: int
    height: int
    #: the size of file that all come near to
    bytes: int
    original: str
    versions: list[Version]


def sheets(
    pictures: Sequence[BenchPicture], rows: Sequence[Row], out: Path, most: int
) -> list[Sheet]:
    """Up to two sheets for each of the first `most` pictures, as long as the budget lasts.

    The size is that of a file of ours; the others' are made again with the quality that comes
    nearest. Our other efforts aim at that size, too, unless that takes long: then the nearest file
    that the bench left in `out` is shown.
    """
    found: list[Sheet] = []
    left = BUDGET
    for picture in pictures[:most]:
        own = [row for row in rows if row.sha256 == picture.sha256]
        for target in _targets(picture, own, out):
            sheet = _sheet(picture, own, target, out)
            left -= len(sheet.original) + sum(len(version.source) for version in sheet.versions)
            if left < 0:
                return found
            found.append(sheet)
    return found


def _targets(picture: BenchPicture, rows: Sequence[Row], out: Path) -> list[int]:
    """Two sizes that are worth looking at: a small and a middling one of the reference codec.

    That is our highest effort whose files are here, or else AVIF or whatever there is.
    """
    ours = sorted(
        row.codec
        for row in rows
        if row.codec.startswith("imcodec-e") and _path(picture, row, out).exists()
    )
    codecs = [row.codec for row in rows]
    reference = (ours or [name for name in codecs if name == "avif-444"] or codecs)[-1:]
    sizes = sorted(row.bytes for row in rows if row.codec in reference)
    chosen = [sizes[len(sizes) // 4], sizes[len(sizes) // 2]] if sizes else []
    return sorted(set(chosen))


def _sheet(picture: BenchPicture, rows: Sequence[Row], target: int, out: Path) -> Sheet:
    pixels = picture.load()
    window = _window(picture)
    versions = []
    for name in dict.fromkeys(row.codec for row in rows):
        own = [row for row in rows if row.codec == name]
        try:
            version = _version(picture, pixels, codec_named(name), own, target, out, window)
        except (ImcodecError, OSError):  # the file is gone, or the codec is: one picture fewer
            continue
        versions.append(version)
    original = _lossless(pixels[window])
    height, width = pixels[window].shape[:2]
    return Sheet(picture.name, width, height, target, original, versions)


def _version(
    picture: BenchPicture,
    pixels: Pixels,
    codec: Codec,
    rows: Sequence[Row],
    target: int,
    out: Path,
    window: tuple[slice, slice],
) -> Version:
    codec.require()
    near = _ours if codec.is_ours else _matched
    data = near(picture, pixels, codec, rows, target, out)
    threads = len(processors())
    decoded = codec.decode(data, threads)
    quality = psnr(pixels, decoded)
    whole = decoded[window].shape == decoded.shape
    source = _data_uri(codec.mime, data) if codec.mime and whole else _lossless(decoded[window])
    return Version(codec.name, len(data), quality if math.isfinite(quality) else None, source)


def _ours(
    picture: BenchPicture,
    pixels: Pixels,
    codec: Codec,
    rows: Sequence[Row],
    target: int,
    out: Path,
) -> bytes:
    """The file that the bench left if its size is near, or else one made to that size."""
    row = min(rows, key=lambda row: abs(math.log(row.bytes / target)))
    path = _path(picture, row, out)
    is_near = path.exists() and abs(row.bytes / target - 1) <= NEAR
    if is_near or codec.to_size is None or (row.encode_s or 0) > PATIENCE:
        return path.read_bytes()
    mark = sha256(codec.version().encode()).hexdigest()[:8]
    aimed = path.with_name(f"{codec.name}-{target}-bytes-{mark}{codec.extension}")
    if not aimed.exists():
        aimed.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(aimed, codec.to_size(pixels, target))
    return aimed.read_bytes()


def _path(picture: BenchPicture, row: Row, out: Path) -> Path:
    """Where the file of a row lies, if it was made here."""
    return coded_path(out, picture.name, picture.sha256, codec_named(row.codec), row.setting)


def _matched(
    picture: BenchPicture,
    pixels: Pixels,
    codec: Codec,
    rows: Sequence[Row],
    target: int,
    out: Path,
) -> bytes:
    """The file that comes nearest in size, its quality searched where rows say it must be."""
    low = max((int(row.setting) for row in rows if row.bytes <= target), default=0)
    high = min((int(row.setting) for row in rows if row.bytes >= target), default=100)

    def encode(quality: int) -> bytes:
        path = coded_path(out, picture.name, picture.sha256, codec, quality)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = codec.encode(pixels, quality, len(processors()), CPU)
            write_atomic(path, made.data)
        return path.read_bytes()

    return nearest_size(target, encode, min(low, high), max(low, high))[1]


def _window(picture: BenchPicture) -> tuple[slice, slice]:
    """The middle of a picture, all of it if it is not large."""
    slices = []
    for side in (picture.height, picture.width):
        length = min(side, MOST_SIDE)
        start = (side - length) // 2
        slices.append(slice(start, start + length))
    return slices[0], slices[1]


def _lossless(pixels: Pixels) -> str:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "WEBP", lossless=True, quality=60)
    return _data_uri("image/webp", stream.getvalue())


def _data_uri(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"

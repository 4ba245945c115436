"""Pictures for the report's slider: what each codec makes of a picture at about the same size."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
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
#: sides of the part of a picture that is shown
MOST_SIDE = 768


@dataclass(frozen=True)
class Version:
    """One picture as the slider shows it."""

    codec: str
    setting: float
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

    Files that are ours are those that the bench left in `out`; the others are made again with the
    quality that comes nearest in size.
    """
    found: list[Sheet] = []
    left = BUDGET
    for picture in pictures[:most]:
        own = [row for row in rows if row.sha256 == picture.sha256]
        for target in _targets(own):
            sheet = _sheet(picture, own, target, out)
            left -= len(sheet.original) + sum(len(version.source) for version in sheet.versions)
            if left < 0:
                return found
            found.append(sheet)
    return found


def _targets(rows: Sequence[Row]) -> list[int]:
    """Two sizes that are worth looking at: a small and a middling one of the reference codec."""
    codecs = list(dict.fromkeys(row.codec for row in rows))
    ours = [name for name in codecs if name.startswith("imcodec-e")]
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
    if codec.is_ours:
        setting = min(rows, key=lambda row: abs(math.log(row.bytes / target))).setting
        path = coded_path(out, picture.name, picture.sha256, codec, setting)
        data = path.read_bytes()
    else:
        setting, data = _matched(picture, pixels, codec, rows, target, out)
    threads = len(processors())
    decoded = codec.decode(data, threads)
    quality = psnr(pixels, decoded)
    whole = decoded[window].shape == decoded.shape
    source = _data_uri(codec.mime, data) if codec.mime and whole else _lossless(decoded[window])
    return Version(
        codec.name, setting, len(data), quality if math.isfinite(quality) else None, source
    )


def _matched(
    picture: BenchPicture,
    pixels: Pixels,
    codec: Codec,
    rows: Sequence[Row],
    target: int,
    out: Path,
) -> tuple[float, bytes]:
    """The whole quality whose file comes nearest in size, searched where rows say it must be."""
    low = max((int(row.setting) for row in rows if row.bytes <= target), default=0)
    high = min((int(row.setting) for row in rows if row.bytes >= target), default=100)

    def encode(quality: int) -> bytes:
        path = coded_path(out, picture.name, picture.sha256, codec, quality)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = codec.encode(pixels, quality, len(processors()), CPU)
            write_atomic(path, made.data)
        return path.read_bytes()

    return nearest_size(target, encode, min(low, high), max(low, high))


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

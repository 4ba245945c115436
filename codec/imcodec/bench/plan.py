"""What is to be measured: pictures, codecs, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imcodec.bench.codec import CPU, Codec
from imcodec.bench.rows import Key
from imcodec.errors import UsageError
from imcodec.export import over_white
from imcodec.image import read_picture


@dataclass(frozen=True)
class BenchPicture:
    """A picture on the scratch disk, as uint8 RGB."""

    name: str
    sha256: str
    width: int
    height: int
    #: a .npy file, [H, W, 3]
    pixels: Path

    def load(self) -> NDArray[np.uint8]:
        """The pixels."""
        found: NDArray[np.uint8] = np.load(self.pixels)
        return found


@dataclass(frozen=True)
class Job:
    """One row to be made."""

    picture: BenchPicture
    codec: Codec
    setting: float
    metrics: list[str]
    #: where the file goes
    coded: Path
    #: what codecs of ours fit on
    device: str = CPU

    @property
    def key(self) -> Key:
        """The key of the row."""
        return (self.picture.sha256, self.codec.name, self.setting, self.codec.version())


def as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB [H, W, 3] of a picture of 1 to 4 channels: grey repeated, alpha over white."""
    shown = over_white(pixels) if pixels.shape[2] in (2, 4) else pixels
    return np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:2], 3)))


def digest(pixels: NDArray[np.uint8]) -> str:
    """Digest of size and pixels, 16 hexadecimal digits."""
    return sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()[:16]


def load_picture(path: Path, scratch: Path, *, max_pixels: int) -> BenchPicture:
    """Read a picture and put its pixels on the scratch disk. Raises what read_picture raises."""
    pixels = as_rgb(read_picture(path, max_pixels=max_pixels).pixels)
    name = digest(pixels)
    height, width, _ = pixels.shape
    np.save(scratch / f"{name}.npy", pixels)
    return BenchPicture(path.name, name, width, height, scratch / f"{name}.npy")


def coded_path(out: Path, picture: str, sha: str, codec: Codec, setting: float) -> Path:
    """Where the file of a row lies."""
    return (
        out
        / "files"
        / f"{Path(picture).stem}-{sha[:8]}"
        / f"{codec.name}-{setting:g}{codec.extension}"
    )


def all_jobs(
    pictures: Sequence[BenchPicture],
    codecs: Sequence[Codec],
    settings: Mapping[str, Sequence[float]],
    metrics: Sequence[str],
    out: Path,
    device: str = CPU,
) -> list[Job]:
    """Every row of a bench: picture by picture, and within one codec by codec.

    `device` is for codecs of ours; the others have none.
    """
    return [
        Job(
            picture,
            codec,
            setting,
            list(metrics),
            coded_path(out, picture.name, picture.sha256, codec, setting),
            device if codec.is_ours else CPU,
        )
        for picture in pictures
        for codec in codecs
        for setting in settings[codec.name]
    ]


def chosen_settings(codecs: Sequence[Codec], asked: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The settings of each codec: its own ladder, or what was asked for.

    `asked` holds "10,50,90" for all codecs, or "NAME=10,50,90" for one, or for `imcodec` at every
    effort; the latter win. The article's networks have one setting. Raises UsageError.
    """
    found = {codec.name: codec.ladder for codec in codecs}
    for text in sorted(asked, key=lambda text: "=" in text):
        name, equals, values = text.rpartition("=")
        chosen = _numbers(values)
        meant = [
            codec.name
            for codec in codecs
            if len(codec.ladder) > 1 and (not equals or name in (codec.name, _family(codec.name)))
        ]
        if equals and not meant:
            raise UsageError(f"--qualities {text}: {name} is not measured or has no settings")
        found |= dict.fromkeys(meant, chosen)
    return found


def _family(name: str) -> str:
    prefix, _, effort = name.partition("-e")
    return prefix if effort.isdigit() else name


def _numbers(text: str) -> tuple[float, ...]:
    try:
        values = tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError:
        raise UsageError(
            f"--qualities {text}: give numbers with commas, such as 25,50,75"
        ) from None
    if not all(0 <= value <= 100 for value in values):
        raise UsageError(f"--qualities {text}: the allowed range is 0 to 100")
    return values

"""Pixels to the files that other programs read: PNG, JPEG, WebP, AVIF, TIFF, BMP, PPM and GIF.

PNG, TIFF, BMP, PPM and WebP are lossless here; JPEG is written with quality 95 and full colour
resolution, AVIF with quality 90, GIF with 256 colours.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imcodec.errors import OutputError, UsageError
from imcodec.files import display_name, write_atomic

_SETTINGS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 6},
    "JPEG": {"quality": 95, "subsampling": 0, "optimize": True},
    # exact: colours under full transparency are kept
    "WEBP": {"lossless": True, "quality": 80, "exact": True},
    "AVIF": {"quality": 90, "subsampling": "4:4:4", "speed": 6},
    "TIFF": {"compression": "tiff_adobe_deflate"},
    "BMP": {},
    "PPM": {},
    "GIF": {},
}
WRITE_FORMATS = tuple(_SETTINGS)

_FORMAT_OF_EXTENSION = {
    **{name.lower(): name for name in WRITE_FORMATS},
    "jpg": "JPEG",
    "jpe": "JPEG",
    "tif": "TIFF",
    "pgm": "PPM",
    "pnm": "PPM",
}
_WITH_ALPHA = frozenset({"PNG", "WEBP", "AVIF", "TIFF"})
_WITHOUT_GREY = frozenset({"WEBP"})


def picture_format(name: str) -> str:
    """The format (one of WRITE_FORMATS) that a format name, an extension or a path stands for.

    Raises UsageError for an unknown one.
    """
    extension = name.rpartition(".")[2].lower()
    try:
        return _FORMAT_OF_EXTENSION[extension]
    except KeyError:
        known = " ".join(_FORMAT_OF_EXTENSION)
        raise UsageError(
            f"{display_name(name)}: no picture format that can be written; use one of: {known}"
        ) from None


def picture_bytes(pixels: NDArray[np.uint8], format: str) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of a picture file, and notices of what the format could not hold.

    `pixels` is uint8 [H, W] or [H, W, C], C from 1 to 4. Alpha becomes a white background where
    the format has none. Raises UsageError for other pixels or an unknown format, OutputError if
    the format cannot hold the picture, say because of its size.
    """
    format = picture_format(format)
    pixels = _checked(pixels)
    notices = []
    if pixels.shape[2] in (2, 4) and format not in _WITH_ALPHA:
        pixels = over_white(pixels)
        notices.append(f"{format} holds no transparency, white background put in")
    if pixels.shape[2] <= 2 and format in _WITHOUT_GREY:
        pixels = np.concatenate([pixels[..., :1]] * 3 + [pixels[..., 1:]], axis=-1)
    try:
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        if format == "GIF" and pixels.shape[2] == 3:
            if image.getcolors(256) is None:
                notices.append("colours reduced to the 256 that GIF can hold")
            image = image.quantize(256)
        settings = _SETTINGS[format]
        if format == "AVIF" and pixels.shape[2] <= 2:
            settings = settings | {"subsampling": "4:0:0"}
        encoded = io.BytesIO()
        image.save(encoded, format, **settings)
    except Exception as exc:
        height, width = pixels.shape[:2]
        reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
        raise OutputError(
            f"{width}x{height} pixels cannot be stored as {format} ({display_name(reason)});"
            " use PNG"
        ) from exc
    return encoded.getvalue(), tuple(notices)


def write_picture(
    pixels: NDArray[np.uint8],
    target: str | os.PathLike[str] | BinaryIO,
    format: str | None = None,
) -> tuple[str, ...]:
    """Write a picture file, by default in the format of the extension; returns notices.

    Pixels and errors are those of `picture_bytes`; a file is replaced only by a complete one. A
    stream needs a `format`, gets all the bytes at once, and is not closed.
    """
    if isinstance(target, str | os.PathLike):
        encoded, notices = picture_bytes(pixels, format or _named_by_extension(target))
        write_atomic(target, encoded)
        return notices
    if format is None:
        raise UsageError("a stream has no extension; give the format, such as 'png'")
    encoded, notices = picture_bytes(pixels, format)
    try:
        target.write(encoded)
    except (OSError, ValueError) as exc:
        raise OutputError(f"the stream cannot be written: {display_name(exc)}") from exc
    return notices


def _named_by_extension(path: str | os.PathLike[str]) -> str:
    extension = Path(path).suffix
    if not extension:
        raise UsageError(
            f"{display_name(path)}: no extension to tell the format; add one, such as .png"
        )
    picture_format(extension)
    return extension


def _checked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Contiguous [H, W, C]."""
    framed = pixels[..., None] if pixels.ndim == 2 else pixels
    if framed.dtype != np.uint8 or framed.ndim != 3 or framed.shape[2] not in (1, 2, 3, 4):
        form = "x".join(map(str, pixels.shape))
        raise UsageError(f"pixels are {pixels.dtype} {form}; give uint8 [H, W, C], C from 1 to 4")
    if framed.size == 0:
        raise UsageError("a picture without pixels cannot be stored")
    return np.ascontiguousarray(framed)


def over_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey or RGB [H, W, C - 1] of grey+alpha or RGBA [H, W, C], exactly rounded."""
    shown = np.empty((*pixels.shape[:2], pixels.shape[2] - 1), np.uint8)
    for row, result in zip(pixels, shown, strict=True):
        alpha = row[:, -1:].astype(np.uint32)
        result[:] = (row[:, :-1] * alpha + 255 * (255 - alpha) + 127) // 255
    return shown

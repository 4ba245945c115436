"""Pictures in: files, streams, Pillow images and arrays -> uint8 pixels. `export` is the way out.

Reads PNG, JPEG (MPO as its first picture), WebP, AVIF, TIFF, BMP, PPM and GIF, by content and
never by extension, and no other format that Pillow knows. What arrives is upright, in sRGB, and
has as many channels as it needs. Whatever is lost on the way is told in `Picture.notices`.

Ignored: gAMA and cHRM of a PNG without a colour profile (as browsers do), and every frame or page
after the first.

The limit on the number of pixels is checked against the header, before anything is decoded, and
Pillow's own global limit (`Image.MAX_IMAGE_PIXELS`) and its warning play no part below it.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,  # noqa: F401 - registers itself
    ExifTags,
    Image,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,  # noqa: F401
)

from imcodec.colour import Pixels, Samples, array_to_pixels, to_pixels
from imcodec.errors import ImcodecError, InvalidImageError, LimitError, UsageError
from imcodec.export import picture_bytes, write_picture
from imcodec.files import display_name, read_bytes
from imcodec.png import GREY_ALPHA, inspect_png

__all__ = [
    "MAX_PIXELS",
    "READ_FORMATS",
    "Picture",
    "Source",
    "picture_bytes",
    "read_picture",
    "write_picture",
]

Source: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[Any]"

MAX_PIXELS = 178_956_970
"""Default limit on the pixels of an input picture; Pillow's own limit, too."""

READ_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "PPM", "GIF")
Image.preinit()  # those that are not imported above; Image.init() would load every plug-in

# No picture file needs more bytes for a pixel, other than by holding many pages or much metadata.
_MAX_BYTES_PER_PIXEL = 16
_MAX_OTHER_BYTES = 64 << 20

_PREFIX = 64
_AVIF_HEADER = 1 << 16


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the codec sees it.

    `pixels` is uint8 [H, W, C]: C = 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA, alpha not premultiplied.
    `notices` are one line each. `source` is the name for messages.
    """

    pixels: Pixels
    notices: tuple[str, ...]
    source: str


def read_picture(
    source: Source, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Picture:
    """Read a picture from a path, the bytes of a file, a binary stream, a Pillow image or an array.

    Arrays are [H, W] or [H, W, C] of uint8, uint16 (reduced to 8 bits), bool (0 and 255) or float
    from 0 to 1. `max_pixels` = 0 means no limit. `name` stands for the source in messages.

    Raises InvalidImageError for what cannot be read, LimitError beyond the limit or for want of
    memory, and UsageError for an argument that makes no sense.
    """
    if max_pixels < 0:
        raise UsageError(f"max_pixels is {max_pixels}; give a number of pixels, or 0 for no limit")
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels, display_name(name or "array"))
    if isinstance(source, Image.Image):
        label = display_name(name or getattr(source, "filename", "") or "image")
        with _reporting(label):
            return _finish(source, Samples(), [], max_pixels, label)
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_stream(io.BytesIO(source), max_pixels, display_name(name or "bytes"))
    if isinstance(source, str | os.PathLike):
        return _from_path(source, max_pixels, display_name(name or source))
    if hasattr(source, "read"):
        label = display_name(name or getattr(source, "name", None) or "stream")
        limit = _max_bytes(max_pixels)
        content = read_bytes(source, limit, name=label, error=InvalidImageError)
        return _from_stream(io.BytesIO(content), max_pixels, label)
    raise UsageError(
        f"a picture cannot be read from a {type(source).__name__};"
        " give a path, bytes, a binary stream, a Pillow image or a numpy array"
    )


def _from_path(path: str | os.PathLike[str], max_pixels: int, label: str) -> Picture:
    limit = _max_bytes(max_pixels)
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as exc:
        raise InvalidImageError(f"{label}: {_open_failure(exc)}") from exc
    with stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):  # a pipe cannot be read twice
            content = read_bytes(stream, limit, name=label, error=InvalidImageError)
            return _from_stream(io.BytesIO(content), max_pixels, label)
        if limit and status.st_size > limit:
            raise LimitError(
                f"{label}: the file has {status.st_size} bytes, far more than a picture of"
                f" {max_pixels} pixels needs; raise the pixel limit if you trust it"
            )
        return _from_stream(stream, max_pixels, label)


def _open_failure(exc: OSError | ValueError) -> str:
    if isinstance(exc, FileNotFoundError):
        return "there is no such file; check the path"
    if isinstance(exc, IsADirectoryError):
        return "it is a directory; name a picture file in it"
    if isinstance(exc, PermissionError):
        return "no permission to read it; check the owner and the mode of the file"
    return f"cannot be opened: {_reason(exc)}; check the path"


def _max_bytes(max_pixels: int) -> int:
    return max_pixels and max_pixels * _MAX_BYTES_PER_PIXEL + _MAX_OTHER_BYTES


def _from_stream(stream: BinaryIO, max_pixels: int, label: str) -> Picture:
    with _reporting(label):
        prefix = stream.read(_PREFIX)
        format = _recognise(prefix, label)
        samples, notices = Samples(), []
        if format == "PNG":
            facts = inspect_png(stream)
            is_deep_pair = facts.bits == 16 and facts.colour_type == GREY_ALPHA
            samples = Samples(facts.bits, grey=is_deep_pair, key=facts.key)
            if not facts.has_end:
                notices.append("the end of the file is missing, but no pixel is")
        elif format == "AVIF":
            samples = _avif_samples(stream)
        stream.seek(0)
        factory, _ = Image.OPEN[format]
        return _finish(factory(stream, ""), samples, notices, max_pixels, label)


def _avif_samples(stream: BinaryIO) -> Samples:
    """Depth and want of colour, which Pillow does not tell; a plane of alpha has no colour, too."""
    flags = [box[2] for box in stream.read(_AVIF_HEADER).split(b"av1C")[1:] if len(box) > 2]
    bits = [12 if flag & 0x20 else 10 if flag & 0x40 else 8 for flag in flags]
    return Samples(max(bits, default=8), grey=bool(flags) and all(flag & 0x10 for flag in flags))


def _recognise(prefix: bytes, label: str) -> str:
    """The format that the first bytes announce."""
    if not prefix:
        raise InvalidImageError(f"{label}: the file is empty; give a picture file")
    if prefix[0] == 8 and b"imcodec" in prefix:
        raise InvalidImageError(
            f"{label}: this is an imcodec file, not a picture; decode it to a picture first"
        )
    for format in READ_FORMATS:
        _, accept = Image.OPEN[format]
        accepted = accept(prefix[:16]) if accept and len(prefix) > 1 else False
        if isinstance(accepted, str):
            raise InvalidImageError(
                f"{label}: this Pillow cannot read {format}; install one that can"
            )
        if accepted:
            return format
    raise InvalidImageError(
        f"{label}: not a picture of a kind that can be read; convert it to PNG first"
        " (JPEG, WebP, AVIF, TIFF, BMP, PPM and GIF will do, too)"
    )


def _finish(
    image: Image.Image, samples: Samples, notices: list[str], max_pixels: int, label: str
) -> Picture:
    """The picture in an image that may not have been decoded yet."""
    _check_size(image.width, image.height, max_pixels, label)
    samples = _refine(image, samples)
    if _has_more_frames(image):
        notices.append("only the first frame or page is read")
    image.load()
    orientation = _orientation(image, notices)
    pixels, changes = to_pixels(image, samples)
    return Picture(_upright(pixels, orientation), (*notices, *changes), label)


def _check_size(width: int, height: int, max_pixels: int, label: str) -> None:
    if width < 1 or height < 1:
        raise InvalidImageError(
            f"{label}: its size is {width}x{height}; give a picture with pixels"
        )
    if 0 < max_pixels < width * height:
        raise LimitError(
            f"{label}: {width}x{height} is {width * height} pixels, the limit is {max_pixels};"
            " raise the limit if you trust the file"
        )


def _refine(image: Image.Image, samples: Samples) -> Samples:
    """Adds what the header of a TIFF or PPM says, which is gone after loading."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        deep_grey = image.mode == "F" or image.mode.startswith("I")
        return Samples(
            bits=max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))),
            white_is_zero=tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0 and deep_grey,
            unsigned=tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,)) == (1,),
        )
    if isinstance(image, PpmImagePlugin.PpmImageFile) and image.mode == "RGB" and image.tile:
        arguments: Any = image.tile[0].args
        largest = arguments[-1] if isinstance(arguments, tuple) else 255
        return Samples(bits=int(largest).bit_length() if largest > 255 else 8)
    return samples


def _has_more_frames(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # the second frame of a GIF is broken; the first one still counts
        image.seek(0)
        return True


def _orientation(image: Image.Image, notices: list[str]) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        notices.append("EXIF data ignored, it is broken")
        return 1
    return orientation if isinstance(orientation, int) else 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels as they are meant to be seen, for an EXIF orientation of 1 to 8."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _from_array(array: NDArray[Any], max_pixels: int, label: str) -> Picture:
    if array.ndim in (2, 3):
        _check_size(array.shape[1], array.shape[0], max_pixels, label)
    with _reporting(label):
        pixels, notices = array_to_pixels(array, label)
    return Picture(pixels, tuple(notices), label)


@contextmanager
def _reporting(label: str) -> Iterator[None]:
    """Everything that Pillow may raise, and it may raise anything, as one of our errors."""
    try:
        yield
    except ImcodecError:
        raise
    except (MemoryError, Image.DecompressionBombError) as exc:
        raise LimitError(
            f"{label}: too large for memory ({_reason(exc)}); use fewer pixels"
        ) from exc
    except Exception as exc:
        raise InvalidImageError(
            f"{label}: cannot be read: {_reason(exc)};"
            " get a whole copy, or save it again with another program"
        ) from exc


def _reason(exc: BaseException) -> str:
    """What the exception says, on one line and not too long."""
    lines = str(getattr(exc, "strerror", None) or exc).strip().splitlines()
    if not lines:
        return type(exc).__name__
    if lines[0] == "not identified by this driver":
        return "its header is damaged"
    return display_name(lines[0][:120]).rstrip(".")

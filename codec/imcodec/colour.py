"""From a decoded Pillow image of any mode, or an array, to uint8 pixels of 1 to 4 channels in sRGB.

An image is converted in bands of rows, so that the peak is one copy of it and the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imcodec.errors import UsageError
from imcodec.icc import colour_transform, grey_curve

Pixels: TypeAlias = NDArray[np.uint8]
Band: TypeAlias = Callable[[Image.Image], Pixels]

_BAND_PIXELS = 1 << 21
_OPAQUE = "alpha channel dropped, all of it is opaque"
_DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_GREY_MODES = frozenset({"1", "L", "LA", "La"})
_COLOUR_MODES = frozenset({"RGB", "RGBA", "RGBa", "RGBX", "PA", "CMYK", "YCbCr", "LAB", "HSV"})


@dataclass(frozen=True)
class Samples:
    """What the file's header says about its samples and the Pillow mode does not."""

    bits: int = 8  # a channel, in the file
    white_is_zero: bool = False  # and Pillow did not turn it round
    unsigned: bool = False  # mode "I" holds 32-bit unsigned numbers
    grey: bool = False  # a colour mode, but all channels are the same
    key: tuple[int, ...] | None = None  # the transparent colour, in the mode's own units


def to_pixels(image: Image.Image, samples: Samples) -> tuple[Pixels, list[str]]:
    """Pixels uint8 [H, W, C] of a loaded image, C from 1 to 4, and notices of what was changed.

    The image is not modified. Raises ValueError for a mode that has no meaning as a picture and
    for float samples that are not finite.
    """
    notices: list[str] = []
    if image.mode in _DEEP_MODES:
        return _reduce(image, samples, notices), notices
    if samples.bits > 8:
        notices.append(f"{samples.bits} bits a channel reduced to 8")
    if image.mode == "P":
        return _look_up(image, notices), notices
    if image.mode in _GREY_MODES or (samples.grey and image.mode in ("RGB", "RGBA")):
        return _grey(image, samples, notices), notices
    if image.mode in _COLOUR_MODES:
        return _colour(image, samples, notices), notices
    raise ValueError(f"pixels of the kind {image.mode!r} are not supported")


def array_to_pixels(array: NDArray[Any], label: str) -> tuple[Pixels, list[str]]:
    """Pixels uint8 [H, W, C], a copy, of an array [H, W] or [H, W, C], and notices.

    Raises UsageError for another form, a dtype other than uint8, uint16, bool and floats, or
    floats outside 0 to 1.
    """
    pixels = array[..., None] if array.ndim == 2 else array
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or pixels.size == 0:
        form = "x".join(map(str, array.shape)) or "a single number"
        raise UsageError(f"{label}: its form is {form}; give [H, W] or [H, W, C], C from 1 to 4")
    notices = []
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    elif pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
        notices.append("16 bits a channel reduced to 8")
    elif np.issubdtype(pixels.dtype, np.floating):
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # NaN fails, too
            raise UsageError(f"{label}: float pixels outside 0 to 1; scale them to this range")
        pixels = np.rint(pixels.astype(np.float64) * 255).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        raise UsageError(f"{label}: pixels are {pixels.dtype}; give uint8, uint16, bool or float")
    if pixels.shape[2] in (2, 4) and (pixels[..., -1] == 255).all():
        pixels = pixels[..., :-1]
        notices.append(_OPAQUE)
    return np.array(pixels, order="C"), notices


def _bands(image: Image.Image) -> Iterator[tuple[int, int, Image.Image]]:
    """First row, row after the last, and a copy of these rows."""
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        band = image.crop((0, top, image.width, bottom))
        # Pillow would try to carry it through each conversion, with a warning when it fails.
        band.info.pop("transparency", None)
        yield top, bottom, band


def _fill(image: Image.Image, channels: int, convert: Band) -> Pixels:
    pixels = np.empty((image.height, image.width, channels), np.uint8)
    for top, bottom, band in _bands(image):
        pixels[top:bottom] = convert(band)
    return pixels


def _key(image: Image.Image, samples: Samples, length: int) -> tuple[int, ...] | None:
    """The transparent colour: of the file's header, or as Pillow tells it."""
    stated = image.info.get("transparency") if samples.key is None else samples.key
    key = (stated,) if isinstance(stated, int) else stated
    return key if isinstance(key, tuple) and len(key) == length else None


def _unless_key(colour: NDArray[Any], key: tuple[int, ...]) -> Pixels:
    """Alpha [h, w, 1] of samples [h, w, C]: 0 where they equal the key, else 255."""
    hidden = (colour == np.array(key)).all(axis=-1, keepdims=True)
    return np.where(hidden, 0, 255).astype(np.uint8)


def _has_alpha(image: Image.Image, notices: list[str]) -> bool:
    if image.mode not in _ALPHA_MODES:
        return False
    lowest: Any = image.getextrema()[-1]
    if lowest[0] < 255:
        return True
    notices.append(_OPAQUE)
    return False


def _grey(image: Image.Image, samples: Samples, notices: list[str]) -> Pixels:
    curve = grey_curve(image.info.get("icc_profile", b""), notices)
    key = _key(image, samples, 1)
    alpha = _has_alpha(image, notices)

    def convert(band: Image.Image) -> Pixels:
        if band.mode == "La":
            band = band.convert("LA")
        level = band.getchannel("R") if band.mode in ("RGB", "RGBA") else band.convert("L")
        grey = np.asarray(level)[..., None]  # [h, w, 1]
        parts = [grey if curve is None else curve[grey]]
        if alpha:
            parts.append(np.asarray(band.getchannel("A"))[..., None])
        elif key is not None:
            parts.append(_unless_key(grey, key))
        return np.concatenate(parts, axis=-1)

    return _fill(image, 1 + (alpha or key is not None), convert)


def _colour(image: Image.Image, samples: Samples, notices: list[str]) -> Pixels:
    space = image.mode if image.mode in ("CMYK", "LAB") else "RGB"
    transform = colour_transform(image.info.get("icc_profile", b""), space, notices)
    key = _key(image, samples, 3)
    alpha = _has_alpha(image, notices)
    if image.mode == "CMYK" and transform is None:
        notices.append("CMYK without a colour profile, converted by the plain formula")

    def convert(band: Image.Image) -> Pixels:
        if band.mode in ("RGBa", "PA"):
            band = band.convert("RGBA")
        plain = band if space != "RGB" and transform is not None else band.convert("RGB")
        parts = [np.asarray(plain if transform is None else transform(plain))]  # [h, w, 3]
        if alpha:
            parts.append(np.asarray(band.getchannel("A"))[..., None])
        elif key is not None:
            parts.append(_unless_key(np.asarray(plain), key))
        return np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    return _fill(image, 3 + (alpha or key is not None), convert)


def _look_up(image: Image.Image, notices: list[str]) -> Pixels:
    """Pixels of a palette picture; grey if every entry in use is, alpha if any of them has it."""
    entries = np.zeros((256, 4), np.uint8)
    entries[:, 3] = 255
    palette = np.array(image.getpalette("RGBA") or [], np.uint8).reshape(-1, 4)[:256]
    entries[: len(palette)] = palette
    stated = image.info.get("transparency")
    if isinstance(stated, int) and 0 <= stated < 256:
        entries[stated, 3] = 0
    elif isinstance(stated, bytes):
        entries[: len(stated), 3] = np.frombuffer(stated[:256], np.uint8)

    used = np.array(image.histogram()[:256]) > 0
    is_grey = bool((entries[used, :3] == entries[used, :1]).all())
    profile = image.info.get("icc_profile", b"")
    if is_grey:
        curve = grey_curve(profile, notices)
        colours = entries[:, :1] if curve is None else curve[entries[:, :1]]
    else:
        transform = colour_transform(profile, "RGB", notices)
        colours = entries[:, :3]
        if transform is not None:
            colours = np.asarray(transform(Image.fromarray(colours[None].copy())))[0]
    if (entries[used, 3] < 255).any():
        colours = np.concatenate([colours, entries[:, 3:]], axis=-1)
    return _fill(image, colours.shape[-1], lambda band: colours[np.asarray(band)])


def _reduce(image: Image.Image, samples: Samples, notices: list[str]) -> Pixels:
    """Pixels of grey samples that are wider than 8 bits, or floats."""
    low, high, notice = _full_range(image, samples)
    notices.append(notice)
    scale = 255 / (high - low) if high > low else 0.0
    curve = grey_curve(image.info.get("icc_profile", b""), notices)
    key = _key(image, samples, 1)

    def convert(band: Image.Image) -> Pixels:
        deep = _numbers(band, samples)
        grey = np.rint((deep - low) * scale).astype(np.uint8)
        if samples.white_is_zero:
            grey = 255 - grey
        parts = [grey if curve is None else curve[grey]]
        if key is not None:
            parts.append(_unless_key(deep, key))
        return np.concatenate(parts, axis=-1)

    return _fill(image, 1 + (key is not None), convert)


def _full_range(image: Image.Image, samples: Samples) -> tuple[float, float, str]:
    """The samples that become 0 and 255, and the notice that says so."""
    if image.mode.startswith("I;16"):
        bits = samples.bits if 8 < samples.bits < 16 else 16
        return 0.0, float((1 << bits) - 1), f"{bits} bits a channel reduced to 8"
    low, high = _range(image, samples)
    if image.mode == "I" and low >= 0 and high <= 65535:
        return 0.0, 65535.0, "16 bits a channel reduced to 8"
    if image.mode == "F" and low >= 0 and high <= 255:
        full = 1.0 if high <= 1 else 255.0
        return 0.0, full, f"float samples taken as 0 to {full:g} and reduced to 8 bits"
    kind = "float" if image.mode == "F" else "32-bit"
    return low, high, f"{kind} samples from {low:g} to {high:g} stretched to 0 to 255"


def _numbers(band: Image.Image, samples: Samples) -> NDArray[np.float64]:
    """The samples [h, w, 1] as they stand in the file."""
    raw = np.asarray(band)[..., None]
    if samples.unsigned and band.mode == "I":
        raw = raw.astype(np.int32).view(np.uint32)
    return raw.astype(np.float64)


def _range(image: Image.Image, samples: Samples) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for _, _, band in _bands(image):
        numbers = _numbers(band, samples)
        if not np.isfinite(numbers).all():
            raise ValueError("some of its float samples are infinite or not a number")
        low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
    return low, high

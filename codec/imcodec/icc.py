"""Colour profiles: from the colours of an embedded ICC profile to sRGB.

Relative colorimetric with black point compensation. A profile that is sRGB already, judged by what
it does to a set of colours and not by its name, changes nothing; a broken or unfitting one is
ignored with a notice.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Transform: TypeAlias = Callable[[Image.Image], Image.Image]

# Profiles called sRGB differ from each other by as much in the darkest levels.
_SAME_COLOUR = 2

_NAME_LENGTH = 40


def colour_transform(icc: Any, space: str, notices: list[str]) -> Transform | None:
    """What turns an image of mode `space` (RGB, CMYK or LAB) into sRGB, or None for nothing to do.

    `icc` is the profile's bytes, empty for no profile, None for one that Pillow could not unpack.
    LAB needs no profile and ignores it.
    """
    if space == "LAB":
        return _applied(_build(ImageCms.createProfile("LAB"), "LAB"))
    opened = _open(icc, notices)
    if opened is None:
        return None
    profile, name, stated = opened
    if stated != space:
        notices.append(f"colour profile {name} ignored, it is made for {stated}, not {space}")
        return None
    try:
        transform = _applied(_build(profile, space))
        if space == "RGB" and _changes_nothing(transform):
            return None
    except Exception as exc:
        notices.append(f"colour profile {name} ignored, it cannot be used ({type(exc).__name__})")
        return None
    notices.append(f"colours converted from {name} to sRGB")
    return transform


def grey_curve(icc: Any, notices: list[str]) -> NDArray[np.uint8] | None:
    """The sRGB grey level [256] of each grey level under the profile, or None for nothing to do.

    RGB profiles are found on grey pictures, too: there a grey level stands for three equal values.
    """
    opened = _open(icc, notices)
    if opened is None:
        return None
    profile, name, stated = opened
    mode = {"GRAY": "L", "RGB": "RGB"}.get(stated)
    if mode is None:
        notices.append(f"colour profile {name} ignored, it is made for {stated}, not grey")
        return None
    levels = np.arange(256, dtype=np.uint8)
    try:
        ramp = _applied(_build(profile, mode))(Image.fromarray(levels[None]).convert(mode))
    except Exception as exc:
        notices.append(f"colour profile {name} ignored, it cannot be used ({type(exc).__name__})")
        return None
    curve: NDArray[np.uint8] = np.asarray(ramp)[0, :, 1].copy()
    if np.abs(curve.astype(int) - levels).max() <= _SAME_COLOUR:
        return None
    notices.append(f"grey levels converted from {name} to sRGB")
    return curve


def _open(icc: Any, notices: list[str]) -> tuple[Any, str, str] | None:
    """Profile, its name in quotes, and its colour space; None if there is none or it is broken."""
    if icc == b"":
        return None
    try:
        profile = ImageCms.getOpenProfile(io.BytesIO(icc))
        stated = profile.profile.xcolor_space.strip()
        described = profile.profile.profile_description or "without a name"
    except Exception:
        notices.append("colour profile ignored, it is broken")
        return None
    name = "".join(sign for sign in described if sign.isprintable()).strip()[:_NAME_LENGTH]
    return profile, f"'{name}'", stated


def _build(profile: Any, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _applied(transform: ImageCms.ImageCmsTransform) -> Transform:
    return lambda image: transform.apply(image)


def _changes_nothing(transform: Transform) -> bool:
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3)
    mapped = np.asarray(transform(Image.fromarray(cube)))
    return bool(np.abs(mapped.astype(int) - cube).max() <= _SAME_COLOUR)

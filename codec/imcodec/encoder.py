"""Encoding: picture -> fit -> quantise -> graph -> bytes, decoded once before anyone sees them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imcodec.container import describe, open_container
from imcodec.contents import Info
from imcodec.errors import LimitError, MissingExtraError, TargetError
from imcodec.grid import MAX_PIXELS
from imcodec.header import MAX_SIDE
from imcodec.image import Picture, read_picture
from imcodec.progress import EpochRecord, ProgressCallback, SnapshotCallback
from imcodec.settings import EncodeSettings, PyramidSettings, settings_from


@dataclass(frozen=True)
class Encoding:
    """An encoded picture and what its making showed."""

    #: the file
    data: bytes
    info: Info
    #: PSNR in dB of what onnxruntime decodes from `data`, 8-bit
    psnr: float
    #: PSNR in dB of the fitted network before its weights were rounded, 8-bit
    psnr_before_rounding: float
    #: training curve: one record an epoch
    history: tuple[EpochRecord, ...]
    #: the device that did the fitting
    device: str
    seconds: float
    #: what was done to the picture on the way in
    notices: tuple[str, ...]


def encode(image: Any, **settings: Any) -> bytes:
    """The file for a picture: an ONNX model, as bytes.

    `image` is a path, a Pillow image, a file object, or an array (read_picture). Keywords are those
    of settings_from(), and `progress`, `snapshot`, `stop` and `max_pixels` of encode_picture().
    """
    names = ("progress", "snapshot", "stop", "max_pixels")
    named: dict[str, Any] = {key: settings.pop(key) for key in names if key in settings}
    return encode_picture(image, settings_from(**settings), **named).data


def encode_picture(
    image: Any,
    settings: EncodeSettings | None = None,
    *,
    progress: ProgressCallback | None = None,
    snapshot: SnapshotCallback | None = None,
    stop: Callable[[], bool] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Encoding:
    """Encode a picture and tell how it went.

    `progress` is called a few times a second. `snapshot` is called with a number and the picture as
    it is then: after each epoch of an mlp's fit, and after steps 1, 2, 4, 8 ... of a pyramid's.
    `stop` is asked before every step of a pyramid's fit; once it says True, the fit ends with what
    it has.

    Raises InvalidImageError for a picture that cannot be read, LimitError for one that is too
    large, UsageError for a device that is not there, MissingExtraError without torch, TargetError
    with the nearest Encoding for a size or quality that was not reached.
    """
    start = time.monotonic()
    settings = settings or PyramidSettings()
    require_torch()
    picture = image if isinstance(image, Picture) else read_picture(image, max_pixels=max_pixels)
    height, width, _ = picture.pixels.shape
    if max(width, height) > MAX_SIDE:
        raise LimitError(f"the picture is {width}x{height}; a side may have {MAX_SIDE} pixels")
    # only now, because importing torch takes a second
    if isinstance(settings, PyramidSettings):
        from imcodec.pyramid.encode import encode_pixels as encode_pyramid

        made = encode_pyramid(picture.pixels, settings, progress, snapshot, stop, start=start)
    else:
        from imcodec.mlp_encoder import encode_pixels as encode_mlp

        made = encode_mlp(picture.pixels, settings, progress, snapshot)
    encoding = Encoding(
        data=made.data,
        info=describe(open_container(made.data)),
        psnr=made.psnr,
        psnr_before_rounding=made.psnr_before_rounding,
        history=made.history,
        device=made.device,
        seconds=time.monotonic() - start,
        notices=picture.notices,
    )
    if made.missed:
        raise TargetError(made.missed, encoding)
    return encoding


def require_torch() -> None:
    """Raise MissingExtraError where torch cannot be imported: better before a job than in it."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError('encoding needs torch: pip install "imcodec[encode]"') from error

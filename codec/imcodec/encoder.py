"""Encoding: picture -> fit -> quantise -> graph -> bytes, decoded once before anyone sees them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imcodec.container import describe, open_container
from imcodec.contents import Info
from imcodec.decoder import Renderer
from imcodec.errors import LimitError, MissingExtraError
from imcodec.graph import StoredWeights, build
from imcodec.grid import MAX_PIXELS, view
from imcodec.header import MAX_PSNR, MAX_SIDE, Header
from imcodec.image import Picture, read_picture
from imcodec.metrics import psnr
from imcodec.packing import digits_for, half_range, pack
from imcodec.progress import EpochRecord, Progress, ProgressCallback, SnapshotCallback
from imcodec.settings import EncodeSettings, ResolvedSettings, settings_from

if TYPE_CHECKING:
    from imcodec.quantise import Quantised


#: with fewer pixels a step, handing work to a second thread takes longer than doing it
MIN_SHARED_BATCH = 1024


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
    of settings_from() (recipe, layers, width, activation, and the fields of EncodeSettings), and
    `progress`, `snapshot` and `max_pixels` of encode_picture().
    """
    names = ("progress", "snapshot", "max_pixels")
    named: dict[str, Any] = {key: settings.pop(key) for key in names if key in settings}
    return encode_picture(image, settings_from(**settings), **named).data


def encode_picture(
    image: Any,
    settings: EncodeSettings | None = None,
    *,
    progress: ProgressCallback | None = None,
    snapshot: SnapshotCallback | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Encoding:
    """Encode a picture and tell how it went.

    `progress` is called a few times a second. `snapshot` is called after each epoch of the fit with
    its number and the picture as it is then; that costs a rendering of all pixels each time.

    Raises InvalidImageError for a picture that cannot be read, LimitError for one that is too
    large, UsageError for a device that is not there, MissingExtraError without torch.
    """
    start = time.monotonic()
    picture = image if isinstance(image, Picture) else read_picture(image, max_pixels=max_pixels)
    height, width, _ = picture.pixels.shape
    if max(width, height) > MAX_SIDE:
        raise LimitError(f"the picture is {width}x{height}; a side may have {MAX_SIDE} pixels")
    resolved = (settings or EncodeSettings()).resolved(width, height)
    fitted = _fit(picture.pixels, resolved, progress, snapshot)
    data, quality = _assemble(fitted.header, fitted.quantised, picture.pixels)
    if progress:
        progress(_finished(fitted, quality, time.monotonic() - start))
    return Encoding(
        data=data,
        info=describe(open_container(data)),
        psnr=quality,
        psnr_before_rounding=fitted.psnr,
        history=fitted.history,
        device=fitted.device,
        seconds=time.monotonic() - start,
        notices=picture.notices,
    )


def require_torch() -> None:
    """Raise MissingExtraError where torch cannot be imported: better before a job than in it."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError('encoding needs torch: pip install "imcodec[encode]"') from error


@dataclass(frozen=True)
class _Fitted:
    header: Header
    quantised: Quantised
    #: before rounding
    psnr: float
    history: tuple[EpochRecord, ...]
    device: str
    steps: int


def header_for(resolved: ResolvedSettings, width: int, height: int, channels: int) -> Header:
    """The header of a picture of this size, fitted with these settings."""
    asked = resolved.asked
    return Header(
        width=width,
        height=height,
        channels=channels,
        digits=digits_for(asked.bits),
        features=asked.features,
        frequencies=asked.frequencies if asked.features == "fourier" else 0,
        widths=resolved.widths,
        activations=asked.activations,
        output_activation=asked.output_activation,
    )


def _fit(
    pixels: NDArray[np.uint8],
    resolved: ResolvedSettings,
    progress: ProgressCallback | None,
    snapshot: SnapshotCallback | None,
) -> _Fitted:
    """The part of encoding that needs torch."""
    require_torch()
    import torch

    from imcodec.devices import pick_device, thread_limit
    from imcodec.fit import Monitor, Target, render, train
    from imcodec.losses import steps_per_epoch
    from imcodec.mlp import CoordinateNetwork
    from imcodec.quantise import quantise

    asked = resolved.asked
    height, width, channels = pixels.shape
    header = header_for(resolved, width, height, channels)
    device = pick_device(asked.device)
    everywhere = view((width, height), max_pixels=0)
    target = Target(
        size=(width, height),
        points=torch.from_numpy(everywhere.coordinates(0, everywhere.pixels)).to(device),
        colours=torch.from_numpy(pixels.reshape(-1, channels)).to(device).float() / 255,
    )
    epochs = resolved.epochs + resolved.finetune
    monitor = Monitor(epochs * steps_per_epoch(asked.loss, target.size, asked.batch), progress)
    with thread_limit(asked.threads or (1 if asked.batch < MIN_SHARED_BATCH else 0)):
        network = CoordinateNetwork(header, asked.seed).to(device)

        def rendered() -> NDArray[np.uint8]:
            return render(network, target.points).numpy().reshape(pixels.shape)

        train(
            network,
            target,
            asked,
            monitor,
            phase="fit",
            epochs=resolved.epochs,
            parameters=list(network.parameters()),
            lr=asked.lr,
            schedule=asked.schedule,
            after_epoch=(lambda epoch: snapshot(epoch, rendered())) if snapshot else None,
        )
        before = psnr(pixels, rendered())
        half = half_range(header.digits)
        quantised = quantise(network, target, asked, monitor, half, resolved.finetune)
    return _Fitted(header, quantised, before, tuple(monitor.history), str(device), monitor.steps)


def _assemble(
    header: Header, quantised: Quantised, pixels: NDArray[np.uint8]
) -> tuple[bytes, float]:
    """The file, and the PSNR of what onnxruntime makes of it, which it records."""
    stored = StoredWeights(
        steps=quantised.steps.astype("<f4").tobytes(),
        weights=pack(quantised.weights, header.digits),
    )
    trial = open_container(build(header, stored))
    whole = view((header.width, header.height), max_pixels=0)
    quality = psnr(pixels, Renderer(trial).picture(whole))
    recorded = min(MAX_PSNR, int(100 * min(quality, 100.0)))
    return build(replace(header, psnr=recorded), stored), quality


def _finished(fitted: _Fitted, quality: float, elapsed: float) -> Progress:
    last = fitted.history[-1]
    return Progress(
        phase="verify",
        step=fitted.steps,
        steps=fitted.steps,
        epoch=last.epoch,
        epochs=last.epoch,
        loss=last.loss if math.isfinite(last.loss) else 0.0,
        psnr=quality,
        elapsed=elapsed,
        remaining=0.0,
    )

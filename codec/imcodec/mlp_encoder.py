"""Encoding with the mlp model: fit -> quantise -> graph -> bytes, decoded once."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from imcodec.container import open_container
from imcodec.decoder import Renderer
from imcodec.devices import pick_device, thread_limit
from imcodec.errors import UsageError
from imcodec.fit import Monitor, Target, render, train
from imcodec.graph import StoredWeights, build
from imcodec.grid import view
from imcodec.header import MAX_PSNR, Header
from imcodec.losses import steps_per_epoch
from imcodec.metrics import psnr
from imcodec.mlp import CoordinateNetwork
from imcodec.mlp_settings import MAX_WEIGHTS, MlpSettings, ResolvedMlpSettings
from imcodec.packing import digits_for, half_range, pack
from imcodec.progress import EpochRecord, Made, Progress, ProgressCallback, SnapshotCallback
from imcodec.quantise import Quantised, quantise

#: with fewer pixels a step, handing work to a second thread takes longer than doing it
MIN_SHARED_BATCH = 1024


def encode_pixels(
    pixels: NDArray[np.uint8],
    settings: MlpSettings,
    progress: ProgressCallback | None = None,
    snapshot: SnapshotCallback | None = None,
) -> Made:
    """The file for uint8 [H, W, C]. Raises UsageError for a device that is not there."""
    height, width, _ = pixels.shape
    fitted = _fit(pixels, settings.resolved(width, height), progress, snapshot)
    data, quality = _assemble(fitted.header, fitted.quantised, pixels)
    if progress:
        progress(_finished(fitted, quality))
    return Made(data, quality, fitted.psnr, fitted.history, fitted.device)


@dataclass(frozen=True)
class _Fitted:
    header: Header
    quantised: Quantised
    #: before rounding
    psnr: float
    history: tuple[EpochRecord, ...]
    device: str
    steps: int
    seconds: float


def header_for(resolved: ResolvedMlpSettings, width: int, height: int, channels: int) -> Header:
    """The header of a picture of this size, fitted with these settings.

    Raises UsageError for a network of more weights than a file may have.
    """
    asked = resolved.asked
    header = Header(
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
    count = sum(header.tensor_sizes)
    if count > MAX_WEIGHTS:
        raise UsageError(
            f"the network has {count} weights, the limit is {MAX_WEIGHTS}; take fewer or narrower"
            " layers"
        )
    return header


def _fit(
    pixels: NDArray[np.uint8],
    resolved: ResolvedMlpSettings,
    progress: ProgressCallback | None,
    snapshot: SnapshotCallback | None,
) -> _Fitted:
    start = time.monotonic()
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
    return _Fitted(
        header,
        quantised,
        before,
        tuple(monitor.history),
        str(device),
        monitor.steps,
        time.monotonic() - start,
    )


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
    quality = psnr(pixels, Renderer.of(trial).picture(whole))
    recorded = min(MAX_PSNR, int(100 * min(quality, 100.0)))
    return build(replace(header, psnr=recorded), stored), quality


def _finished(fitted: _Fitted, quality: float) -> Progress:
    last = fitted.history[-1]
    return Progress(
        phase="verify",
        step=fitted.steps,
        steps=fitted.steps,
        epoch=last.epoch,
        epochs=last.epoch,
        loss=last.loss if math.isfinite(last.loss) else 0.0,
        psnr=quality,
        elapsed=fitted.seconds,
        remaining=0.0,
    )

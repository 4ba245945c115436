"""Pictures about pictures: the training curve, and two pictures side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imcodec.errors import MissingExtraError, UsageError
from imcodec.export import over_white
from imcodec.progress import EpochRecord

GAP = 8
CAPTION = 22


def training_curve(history: Sequence[EpochRecord], title: str, format: str = "png") -> bytes:
    """A drawing of loss (logarithmic) and PSNR over the epochs, "png" or "svg".

    The fine-tuning with rounded weights is shaded. Raises MissingExtraError without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError('plots need matplotlib: pip install "imcodec[encode]"') from error
    if not history:
        raise UsageError("there is no training curve to draw")
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.add_subplot()
    right = left.twinx()
    epochs = np.arange(1, len(history) + 1)
    (loss,) = left.plot(epochs, [r.loss for r in history], color="tab:blue", label="loss")
    (psnr,) = right.plot(epochs, [r.psnr for r in history], color="tab:orange", label="PSNR")
    left.set_yscale("log")
    left.set_xlabel("epoch")
    left.set_ylabel("loss")
    right.set_ylabel("PSNR of the pixels seen [dB]")
    handles: list[Any] = [loss, psnr]
    fitted = sum(record.phase == "fit" for record in history)
    if fitted < len(history):
        span = left.axvspan(fitted + 0.5, len(history) + 0.5, color="0.9", label="rounded weights")
        handles.append(span)
    left.legend(handles=handles, loc="center right")
    left.set_title(title)
    stream = io.BytesIO()
    figure.savefig(
        stream, format=format, dpi=120, metadata={"Date": None} if format == "svg" else {}
    )
    return stream.getvalue()


def side_by_side(pictures: Sequence[NDArray[np.uint8]], labels: Sequence[str]) -> NDArray[np.uint8]:
    """Pictures [H, W, C] of one height beside each other with a caption each: uint8 [H', W', 3].

    Alpha is shown over white. Raises UsageError when heights differ or labels are missing.
    """
    if len({pixels.shape[0] for pixels in pictures}) != 1 or len(labels) != len(pictures):
        raise UsageError("side by side needs pictures of one height, and a label for each")
    height = pictures[0].shape[0]
    width = sum(pixels.shape[1] for pixels in pictures) + GAP * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, height + CAPTION), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    left = 0
    for pixels, label in zip(pictures, labels, strict=True):
        sheet.paste(Image.fromarray(_rgb(pixels)), (left, CAPTION))
        draw.text((left + 4, 3), label, fill="black", font=font)
        left += pixels.shape[1] + GAP
    return np.asarray(sheet)


def _rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB [H, W, 3] of a picture of 1 to 4 channels, alpha blended over white."""
    shown = over_white(pixels) if pixels.shape[2] in (2, 4) else pixels
    return np.ascontiguousarray(np.broadcast_to(shown, (*pixels.shape[:2], 3)))

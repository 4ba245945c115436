"""What the encoder tells its caller while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Phase = Literal["fit", "refine", "quantise", "verify"]


#: steps after which the time of the others is known
CALIBRATION = 6


@dataclass(frozen=True)
class Progress:
    """One report; the encoder sends a few a second."""

    phase: Phase
    #: optimisation steps done and to do in all phases together; per cent while refining
    step: int
    steps: int
    epoch: int
    epochs: int
    #: running mean of the training loss
    loss: float
    #: running PSNR in dB of the pixels seen lately, before rounding to 8 bits
    psnr: float
    #: seconds since the start, and expected until the end
    elapsed: float
    remaining: float
    #: bits per pixel of the latents (pyramid)
    bpp: float | None = None

    @property
    def expected(self) -> float | None:
        """Seconds that it will take in all, once that can be told from the steps so far."""
        known = self.step >= CALIBRATION and (self.remaining > 0 or self.phase == "verify")
        return self.elapsed + self.remaining if known else None


@dataclass(frozen=True)
class EpochRecord:
    """One point of the training curve: means over the epoch."""

    epoch: int
    phase: Phase
    loss: float
    psnr: float


@dataclass(frozen=True)
class Made:
    """What the encoder of a model hands back."""

    data: bytes
    #: PSNR in dB of what onnxruntime decodes from `data`, 8-bit
    psnr: float
    #: PSNR in dB of the fit before its weights (mlp) or its colours (pyramid) were rounded
    psnr_before_rounding: float
    history: tuple[EpochRecord, ...]
    device: str
    #: one line about a target that was not reached
    missed: str = ""


ProgressCallback = Callable[[Progress], None]
#: called with the number of an epoch (or step) and the whole picture as uint8 [H, W, C]
SnapshotCallback = Callable[[int, NDArray[np.uint8]], None]

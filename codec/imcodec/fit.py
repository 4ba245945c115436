"""The fitting loop: pixels in, a trained network and its training curve out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from imcodec.losses import batches, loss_function, steps_per_epoch
from imcodec.mlp import CoordinateNetwork
from imcodec.progress import EpochRecord, Phase, Progress, ProgressCallback
from imcodec.settings import EncodeSettings

#: seconds between progress reports
REPORT_INTERVAL = 0.25
#: pixels rendered at once when the whole picture is needed
RENDER_CHUNK = 2**15


@dataclass(frozen=True)
class Target:
    """The picture on the device that fits it."""

    #: (width, height)
    size: tuple[int, int]
    #: [H * W, 2], pixel centres, -1 and 1 being the picture's edges
    points: Tensor
    #: [H * W, C] in [0, 1]
    colours: Tensor


@dataclass
class Monitor:
    """Counts steps over all phases, keeps the training curve, and tells the caller."""

    steps: int
    report: ProgressCallback | None = None
    history: list[EpochRecord] = field(default_factory=list)
    step: int = 0
    _start: float = field(default_factory=time.monotonic)
    _reported: float = 0.0

    def tick(self, phase: Phase, epoch: int, epochs: int, state: Callable[[], Averages]) -> None:
        """One step is done; `state` is asked only when a report is due, because it may wait."""
        self.step += 1
        now = time.monotonic()
        if self.report is None or now - self._reported < REPORT_INTERVAL:
            return
        self._reported = now
        elapsed = now - self._start
        averages = state()
        self.report(
            Progress(
                phase=phase,
                step=self.step,
                steps=self.steps,
                epoch=epoch,
                epochs=epochs,
                loss=averages.loss,
                psnr=averages.psnr,
                elapsed=elapsed,
                remaining=elapsed / self.step * (self.steps - self.step),
            )
        )


@dataclass(frozen=True)
class Averages:
    """Means over the pixels of an epoch so far."""

    loss: float
    psnr: float


def train(
    network: CoordinateNetwork,
    target: Target,
    settings: EncodeSettings,
    monitor: Monitor,
    *,
    phase: Phase,
    epochs: int,
    parameters: Sequence[Tensor],
    lr: float,
    schedule: str,
    weights: Callable[[], Sequence[Tensor]] | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> None:
    """Minimise the loss over `epochs` passes through the pixels, changing `parameters`.

    `weights` gives the tensors that the network is run with, the network's own by default;
    `after_epoch` is called with the number of each finished epoch. Deterministic on a CPU for one
    seed, one version of torch and one number of threads.
    """
    if epochs == 0:
        return
    loss_of = loss_function(settings.loss, target.size)
    optimiser = _optimiser(settings.optimiser, parameters, lr)
    generator = torch.Generator().manual_seed(settings.seed)
    total = epochs * steps_per_epoch(settings.loss, target.size, settings.batch)
    done = 0
    for epoch in range(1, epochs + 1):
        sums = torch.zeros(2, device=target.colours.device)  # of loss and of squared error
        count = 0

        def averages(sums: Tensor = sums) -> Averages:
            loss, error = (sums / max(count, 1)).tolist()  # noqa: B023 (called inside the loop)
            return Averages(loss, -10 * math.log10(max(error, 1e-10)))

        for index in batches(settings.loss, target.size, settings.batch, generator):
            chosen = index.to(target.colours.device)
            wanted = target.colours[chosen]
            if schedule == "cosine":
                optimiser.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * done / total)) / 2
            optimiser.zero_grad(set_to_none=True)
            colours = network(target.points[chosen], weights() if weights else None)
            loss = loss_of(colours, wanted)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            done += 1
            with torch.no_grad():
                error = loss if settings.loss == "mse" else F.mse_loss(colours, wanted)
                sums += torch.stack([loss.detach(), error.detach()]) * len(index)
            count += len(index)
            monitor.tick(phase, epoch, epochs, averages)
        means = averages()
        monitor.history.append(EpochRecord(epoch, phase, means.loss, means.psnr))
        if after_epoch:
            after_epoch(epoch)


def _optimiser(name: str, parameters: Sequence[Tensor], lr: float) -> torch.optim.Optimizer:
    # eps as in Keras; the fused kernels save a third of the time of a step with few pixels
    kind = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
    fused = parameters[0].device.type in ("cpu", "cuda")
    return kind(list(parameters), lr=lr, eps=1e-7, fused=fused)


@torch.no_grad()
def render(
    network: CoordinateNetwork, points: Tensor, tensors: Sequence[Tensor] | None = None
) -> Tensor:
    """Colours of many points as the decoder will round them: uint8 [N, C] on the CPU."""
    parts = [network(part, tensors) for part in torch.split(points, RENDER_CHUNK)]
    return torch.cat([(part * 255).round().to(torch.uint8).cpu() for part in parts])

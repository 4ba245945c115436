"""The fitting loop: pixels in, a trained network and its training curve out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor
from torch.nn import functional as F

from imcodec.losses import batches, loss_function, steps_per_epoch
from imcodec.mlp import CoordinateNetwork
from imcodec.mlp_settings import MlpSettings
from imcodec.progress import EpochRecord, Phase, Progress, ProgressCallback

#: seconds between progress reports
REPORT_INTERVAL = 0.25
#: the first steps are slow, and do not count towards the estimate of the time left
WARM_UP = 5
#: pixels rendered at once when the whole picture is needed
RENDER_CHUNK = 2**15
#: pixels gathered at once for the next steps
GATHERED = 2**17


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
    _warm: float = 0.0

    def tick(self, phase: Phase, epoch: int, epochs: int, state: Callable[[], Averages]) -> None:
        """One step is done; `state` is asked only when a report is due, because it may wait."""
        self.step += 1
        now = time.monotonic()
        if self.step == WARM_UP:
            self._warm = now
        if self.report is None or now - self._reported < REPORT_INTERVAL:
            return
        self._reported = now
        warm = self.step > WARM_UP
        since, done = (self._warm, self.step - WARM_UP) if warm else (self._start, self.step)
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
                elapsed=now - self._start,
                remaining=(now - since) / done * (self.steps - self.step),
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
    settings: MlpSettings,
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
        sums = _Sums(settings.loss)
        for points, wanted in _drawn(target, settings, generator):
            if schedule == "cosine":
                optimiser.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * done / total)) / 2
            optimiser.zero_grad(set_to_none=True)
            colours = network(points, weights() if weights else None)
            loss = loss_of(colours, wanted)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            done += 1
            sums.add(loss, colours, wanted)
            monitor.tick(phase, epoch, epochs, sums.averages)
        means = sums.averages()
        monitor.history.append(EpochRecord(epoch, phase, means.loss, means.psnr))
        if after_epoch:
            after_epoch(epoch)


def _drawn(
    target: Target, settings: MlpSettings, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """(points [n, 2], colours [n, C]) of each step of one epoch.

    Steps are gathered many at a time: with few pixels a step, gathering would take longer than
    learning.
    """
    steps = batches(settings.loss, target.size, settings.batch, generator)
    while block := list(islice(steps, max(1, GATHERED // settings.batch))):
        chosen = torch.cat(block).to(target.colours.device)
        sizes = [len(index) for index in block]
        yield from zip(
            torch.split(target.points[chosen], sizes),
            torch.split(target.colours[chosen], sizes),
            strict=True,
        )


class _Sums:
    """Sums over an epoch; nothing waits for the device until averages() is called."""

    def __init__(self, loss: str) -> None:
        self._loss_is_error = loss == "mse"
        self._losses: list[Tensor] = []
        self._errors: list[Tensor] = []
        self._counts: list[int] = []

    def add(self, loss: Tensor, colours: Tensor, wanted: Tensor) -> None:
        """One step."""
        self._losses.append(loss.detach())
        if not self._loss_is_error:
            with torch.no_grad():
                self._errors.append(F.mse_loss(colours, wanted))
        self._counts.append(len(wanted))

    def averages(self) -> Averages:
        """Means over the pixels so far."""
        counts = torch.tensor(self._counts, dtype=torch.float64)
        losses, errors = (
            torch.stack(values).cpu().double() if values else None
            for values in (self._losses, self._errors)
        )
        assert losses is not None
        loss = float((losses * counts).sum() / counts.sum())
        error = loss if errors is None else float((errors * counts).sum() / counts.sum())
        return Averages(loss, -10 * math.log10(max(error, 1e-10)))


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

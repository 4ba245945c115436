"""Encoding with the pyramid model: fit -> entropy code -> graph -> bytes, decoded and compared."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from imcodec.container import open_container
from imcodec.decoder import Renderer
from imcodec.devices import pick_device, thread_limit
from imcodec.errors import RuntimeFailureError
from imcodec.grid import view
from imcodec.header import MAX_PSNR
from imcodec.metrics import psnr
from imcodec.processors import processors
from imcodec.progress import EpochRecord, Made, Phase, Progress, ProgressCallback, SnapshotCallback
from imcodec.pyramid.choice import choose, context_bytes
from imcodec.pyramid.context import Context
from imcodec.pyramid.descent import Proceed, descend, plan
from imcodec.pyramid.drawer import PyramidDrawer
from imcodec.pyramid.file import PyramidFile, Stored, build
from imcodec.pyramid.finish import Coded, code
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.fitted import Fitted, Report
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.goal import Aim, Found, Goal, decibels
from imcodec.pyramid.header import PyramidHeader
from imcodec.pyramid.jpeg import Jpeg
from imcodec.pyramid.pace import FINISHING
from imcodec.pyramid.prices import first_price
from imcodec.pyramid.settings import NetworkSize, PyramidSettings
from imcodec.pyramid.steering import MORE, Steering
from imcodec.runtime import Session

#: seconds between two reports
REPORT_EVERY = 0.25
#: points of the finished file that are compared with the decoder's, by the bare runtime
PROBES = 256
#: seconds from a finished fit to the file, besides pace.FINISHING steps
OPENING = 0.8
#: the last round of moved latents may take so many times as long as planned
SLOWER = 2
#: more workers than this do not help
MAX_THREADS = 16


def encode_pixels(
    pixels: NDArray[np.uint8],
    settings: PyramidSettings,
    progress: ProgressCallback | None = None,
    snapshot: SnapshotCallback | None = None,
    stop: Callable[[], bool] | None = None,
    start: float | None = None,
) -> Made:
    """The file for uint8 [H, W, C]. `start` is when the time limit began (time.monotonic()).

    Raises UsageError for a device that is not there, RuntimeFailureError if onnxruntime does not
    decode the file to what was encoded.
    """
    start = time.monotonic() if start is None else start
    device = pick_device(settings.device)
    if device.type == "mps":  # float64 and some operators are missing there
        device = torch.device("cpu")
    threads = min(settings.threads or len(processors()), MAX_THREADS)
    diary = _Diary(progress, snapshot, start)
    # each worker runs its operators alone: the work is cut above them
    with thread_limit(1 if device.type == "cpu" else threads):
        jpeg = Jpeg(pixels)
        goal = Goal.of(settings, jpeg.area)
        price = first_price(goal, jpeg, settings.chosen_steps) if goal else None
        recipe, geometry = choose(jpeg, settings, price)
        descends = settings.tune == "psnr"
        added = MORE if goal else 0.0
        diary.more = added / 2
        if descends:
            size = NetworkSize(recipe.filters, recipe.units)
            weights = context_bytes(size, geometry.levels)
            moving = sum(turn.steps for turn in plan(recipe.steps, weights)) / recipe.steps
            added, diary.more = added + moving, diary.more + moving
        fit = Fit(pixels, geometry, recipe, device, threads)
        if settings.time_limit:
            diary.end = start + settings.time_limit
            # a machine that was slow to begin will be slow to end
            spent = time.monotonic() - start
            left = settings.time_limit - spent - max(OPENING, spent / 2)
            fit.recipe = replace(recipe, seconds=max(left / (1 + added), 1e-3))
        diary.picture_of = fit.picture
        stop = stop or (lambda: False)

        def size_of(fitted: Fitted, coded: Coded) -> int:
            made = contents(coded, fitted.synthesis, fitted.filters, geometry)
            return len(build(made.header, made.stored))

        aim = Aim(goal, size_of) if goal else None

        def refine(fitted: Fitted, coded: Coded) -> tuple[Fitted, Coded]:
            if stop():
                return fitted, coded
            turns = plan(diary.steps, weights)
            return descend(fit, fitted, coded, turns, diary.refining(stop), aim)

        if aim:
            steering = Steering(aim, fit, diary, stop)
            fitted, coded = steering.run(refine if descends else None)
        else:
            fitted = fit.run(diary, stop)
            coded = code(fit, fitted)
            if descends:
                fitted, coded = refine(fitted, coded)
    data, quality = assemble(coded, fitted.synthesis, fitted.filters, geometry, pixels)
    diary.finished(fitted, quality)
    before = decibels(fitted.mse)
    found = Found(len(data), quality)
    missed = goal.missed(found) if goal and not (goal.met(found) or stop()) else ""
    return Made(data, quality, before, tuple(diary.history), str(device), missed)


def assemble(
    coded: Coded,
    synthesis: NDArray[np.int8],
    filters: NDArray[np.int8],
    geometry: Geometry,
    pixels: NDArray[np.uint8],
) -> tuple[bytes, float]:
    """The file of a finished fit, decoded and compared; and the PSNR that it records."""
    made = contents(coded, synthesis, filters, geometry)
    drawer = PyramidDrawer(made)
    for level, (decoded, plane) in enumerate(zip(drawer.planes(), coded.planes, strict=True), 1):
        if not np.array_equal(decoded, plane):
            raise RuntimeFailureError(f"level {level} decodes to other latents; please report this")
    renderer = Renderer(drawer)
    shown = renderer.picture(view((geometry.width, geometry.height), max_pixels=0))
    quality = psnr(pixels, shown)
    recorded = min(MAX_PSNR, int(100 * min(quality, 100.0)))
    data = build(replace(made.header, psnr=recorded), made.stored)
    open_container(data)
    _compare(data, renderer)
    return data, quality


def contents(
    coded: Coded, synthesis: NDArray[np.int8], filters: NDArray[np.int8], geometry: Geometry
) -> PyramidFile:
    """What the file of a finished fit holds; its quality is not yet known."""
    payload = coded.payload
    stored = Stored(coded.context.stored, synthesis, filters, payload.words, payload.states)
    # as many digits as the quality will have
    header = replace(header_for(geometry, coded.context, synthesis), psnr=MAX_PSNR)
    return PyramidFile(header, stored)


def header_for(geometry: Geometry, context: Context, synthesis: NDArray[np.int8]) -> PyramidHeader:
    """The header of a picture with these planes and networks."""
    return PyramidHeader.of(
        geometry,
        len(synthesis) - geometry.levels - 1,
        filters=context.first.shape[1],
        units=synthesis.shape[1],
    )


def _compare(data: bytes, renderer: Renderer) -> None:
    """Some pixels from the file itself, in a runtime as a stranger would start it."""
    points = np.random.default_rng(0).uniform(-1, 1, (PROBES, 2)).astype(np.float32)
    bare = Session(data, stock=True).run(["rgb"], {"grid": points[None, None]})[0]
    ours = renderer.points(points, 1)
    if np.abs(bare[0, 0].astype(int) - ours).max() > 1:
        raise RuntimeFailureError("onnxruntime draws another picture; please report this")


class _Diary:
    """Passes on what the fit reports, a few times a second, and keeps the training curve."""

    def __init__(
        self, progress: ProgressCallback | None, snapshot: SnapshotCallback | None, start: float
    ) -> None:
        self._progress, self._snapshot, self._start = progress, snapshot, start
        self._last = 0.0
        self.history: list[EpochRecord] = []
        self.picture_of: Callable[[], NDArray[np.uint8]] | None = None
        self._report: Report | None = None
        self._first: Report | None = None
        #: share of the steps that may be added, and when the time limit ends
        self.more, self.end = 0.0, math.inf

    @property
    def steps(self) -> int:
        """Steps that were made."""
        return self._report.step if self._report else 0

    def refining(self, stop: Callable[[], bool]) -> Proceed:
        """For descend(): reports the share that is done, and says whether there is time."""
        begin = time.monotonic()
        assert self._report is not None
        report = self._report
        quality = decibels(report.mse)
        finishing = self._seconds_of(report, 0.0)
        step = self._seconds_of(report, 0.0, FINISHING + 1) - finishing

        def proceed(share: float, ahead: float) -> bool:
            now = time.monotonic()
            if self._progress and now - self._last >= REPORT_EVERY and share > 0:
                self._last = now
                left = (now - begin) * (1 / share - 1) + finishing
                state = self._state(report, "refine", quality, min(left, max(0.0, self.end - now)))
                self._progress(replace(state, step=round(100 * share), steps=100))
            return not stop() and now + SLOWER * ahead * step + finishing < self.end

        return proceed

    def _left(self, report: Report) -> float:
        """Seconds to go. The first step says little: it may have compiled its loops."""
        left = self._seconds_of(report, max(0.0, 1 + self.more - report.share))
        return min(left, max(0.0, self.end - time.monotonic()))

    def _seconds_of(self, report: Report, share: float, steps: int = FINISHING) -> float:
        """What a share of the fit takes, and the file, besides OPENING so many steps' time."""
        first = self._first
        if first is None or report.share <= first.share:
            return 0.0
        passed = report.seconds - first.seconds
        per_share = passed / (report.share - first.share)
        return per_share * share + OPENING + steps * passed / max(1, report.step - first.step)

    def __call__(self, report: Report) -> None:
        self._report = report
        if report.step == 1:
            self._first = report
        quality = decibels(report.mse)
        self.history.append(EpochRecord(report.step, "fit", report.cost, quality))
        if self._snapshot and self.picture_of and report.step.bit_count() == 1:
            self._snapshot(report.step, self.picture_of())
        now = time.monotonic()
        if self._progress and now - self._last >= REPORT_EVERY:
            self._last = now
            self._progress(self._state(report, "fit", quality, self._left(report)))

    def finished(self, fitted: Fitted, quality: float) -> None:
        """The last report."""
        if self._progress and self._report:
            self._progress(self._state(self._report, "verify", quality, 0.0))

    def _state(self, report: Report, phase: Phase, quality: float, left: float) -> Progress:
        return Progress(
            phase=phase,
            step=report.step,
            steps=report.steps,
            epoch=report.step,
            epochs=report.steps,
            loss=report.cost,
            psnr=quality,
            elapsed=time.monotonic() - self._start,
            remaining=left,
            bpp=report.bpp,
        )

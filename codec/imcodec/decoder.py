"""Decoding: a verified file, onnxruntime, and a grid of coordinates, chunk by chunk.

Pixels do not depend on how the work is cut or on the number of threads: every call of the runtime
gets the same number of points (the last one is padded) and uses one thread, so each point takes the
same path through the same kernels; several threads make several such calls side by side. That also
bounds memory, and makes a crop equal to the same region of the whole picture, bit for bit.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imcodec.container import Container, Source, open_container
from imcodec.errors import LimitError, UsageError
from imcodec.grid import MAX_PIXELS, Crop, View, view
from imcodec.mlp_drawer import MlpDrawer
from imcodec.pyramid.drawer import PyramidDrawer
from imcodec.pyramid.file import PyramidFile
from imcodec.pyramid.file_words import words_of

#: weights of an mlp up to which a point counts as one pixel of max_pixels
PIXEL_WEIGHTS = 2**16


def decode(
    data: Source,
    *,
    scale: float = 1.0,
    size: tuple[int, int] | None = None,
    crop: Crop | None = None,
    threads: int = 0,
    max_pixels: int = MAX_PIXELS,
    timings: dict[str, float] | None = None,
) -> NDArray[np.uint8]:
    """The picture in a file (its bytes or its path), uint8 [H, W, C].

    C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha). `crop` is (x, y, width, height) in
    pixels of the picture at scale 1; `size` is (width, height) of the result, `scale` a factor on
    that, or on the size of the crop. `threads` is the number of processors to use, 0 for all.
    `timings`, if given, receives the seconds spent in "verify", "session" and "run", and for a
    pyramid in "latents"; the finest latents of a large one are decoded while it is drawn, in "run".

    Memory: 200 MB at most, the result, and `data` if it is no path. A file of more than 8 MiB is
    read a second time; it is refused if it has changed. Threads beyond 32 are not used.

    Raises InvalidFileError for bytes that are not a whole file of ours, UsageError for a view that
    makes no sense, LimitError for a result above `max_pixels` (0: no limit). A pyramid is decoded
    whole whatever the view shows of it, so that its own size counts, too; a pixel of an mlp of more
    than 65,536 weights counts as several.
    """
    clock = _Clock(timings)
    container = open_container(data)
    header = container.header
    seen = view(
        (header.width, header.height), scale=scale, size=size, crop=crop, max_pixels=max_pixels
    )
    _check_work(container, seen.pixels, max_pixels)
    clock.lap("verify")
    renderer = Renderer.of(container, _path_of(data))
    del container  # a large file is read again
    clock.lap("session")
    if renderer.prepare():
        clock.lap("latents")
    pixels = renderer.picture(seen, threads)
    clock.lap("run")
    return pixels


def evaluate(
    data: Source,
    grid: NDArray[np.floating],
    *,
    threads: int = 0,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Colours at any points: `grid` [..., 2] gives x and y, -1 and 1 being the picture's edges.

    Returns uint8 [..., C]. Points outside are allowed: an mlp continues as it likes there, a
    pyramid repeats its edges. Raises InvalidFileError and, for more work than `max_pixels` pixels
    make (0: no limit), LimitError as decode() does, and UsageError for a grid of another shape.
    """
    points = np.asarray(grid)
    if points.ndim < 1 or points.shape[-1] != 2 or points.dtype.kind not in "fiu":
        raise UsageError("grid must be an array of numbers whose last axis is (x, y)")
    if not np.isfinite(points).all():
        raise UsageError("grid holds numbers that are not finite")
    container = open_container(data)
    flat = points.astype(np.float32).reshape(-1, 2)
    _check_work(container, len(flat), max_pixels)
    renderer, channels = Renderer.of(container, _path_of(data)), container.header.channels
    del container
    pixels = renderer.points(flat, threads)
    return pixels.reshape(*points.shape[:-1], channels)


class Renderer:
    """A verified file, loaded into onnxruntime and ready to give colours."""

    def __init__(self, drawer: PyramidDrawer | MlpDrawer) -> None:
        self._drawer = drawer

    @classmethod
    def of(cls, container: Container, path: str | os.PathLike[str] | None = None) -> Renderer:
        """The renderer of a file. One that was read from `path` need not stay in memory."""
        contents = container.contents
        if isinstance(contents, PyramidFile):
            words = words_of(contents.stored.words, container.data, path)
            stored = replace(contents.stored, words=contents.stored.words[:0].copy())
            return cls(PyramidDrawer(replace(contents, stored=stored), words))
        return cls(MlpDrawer(contents, container.data))

    def prepare(self) -> bool:
        """Do what has to be done once, before the first point; False if there is nothing.

        Called by the other methods if it has not been. Raises InvalidFileError for latents that are
        damaged although the file had passed verification.
        """
        return self._drawer.prepare()

    def picture(self, seen: View, threads: int = 0) -> NDArray[np.uint8]:
        """What a view shows: uint8 [H, W, C]."""
        _check_threads(threads)
        return self._drawer.picture(seen, threads)

    def points(self, points: NDArray[np.float32], threads: int = 0) -> NDArray[np.uint8]:
        """Colours uint8 [n, C] at points float32 [n, 2]."""
        _check_threads(threads)
        return self._drawer.points(points, threads)


def _path_of(data: Source) -> str | os.PathLike[str] | None:
    return None if isinstance(data, bytes | bytearray | memoryview) else data


def _check_threads(threads: int) -> None:
    if threads < 0:
        raise UsageError(f"threads is {threads}; it must be 0 (all processors) or more")


def _check_work(container: Container, points: int, max_pixels: int) -> None:
    """Before anything is decoded: how long it would take, as a number of pixels.

    A pyramid's latents are as many as its pixels, at any view. A point costs an mlp as much as a
    pixel of a pyramid, or more, if its network is large.
    """
    contents = container.contents
    if isinstance(contents, PyramidFile):
        pixels = contents.header.width * contents.header.height
        reason = f"the picture has {pixels} pixels and is decoded whole"
    else:
        weights = sum(contents.header.tensor_sizes)
        pixels = points * max(weights, PIXEL_WEIGHTS) // PIXEL_WEIGHTS
        reason = f"{weights} weights make {points} points cost as much as {pixels} pixels"
    if max_pixels and pixels > max_pixels:
        raise LimitError(
            f"{reason}; that is more than the limit of {max_pixels}; raise max_pixels if you trust "
            "the file"
        )


class _Clock:
    """Writes the seconds between laps into a dictionary, if there is one."""

    def __init__(self, timings: dict[str, float] | None) -> None:
        self._timings = timings
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        if self._timings is not None:
            self._timings[name] = now - self._last
        self._last = now

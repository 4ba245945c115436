"""Draws points of an mlp file: the file is the model that runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from imcodec.grid import View
from imcodec.mlp_file import MlpFile
from imcodec.runtime import Session, chunk_size
from imcodec.workers import Workers


class MlpDrawer:
    """A verified file of this model, loaded into onnxruntime."""

    def __init__(self, contents: MlpFile, data: bytes) -> None:
        header = contents.header
        self.channels = header.channels
        #: points in one call
        self.chunk = chunk_size(max(header.inputs, *header.widths, header.channels, 8))
        self._session = Session(data)

    def prepare(self) -> bool:
        """There is nothing to prepare."""
        return False

    def picture(self, seen: View, threads: int = 0) -> NDArray[np.uint8]:
        """What a view shows, uint8 [H, W, C]."""
        colours = self._colours(seen.coordinates, seen.pixels, threads)
        return colours.reshape(seen.height, seen.width, self.channels)

    def points(self, points: NDArray[np.float32], threads: int = 0) -> NDArray[np.uint8]:
        """Colours uint8 [n, C] at points float32 [n, 2] anywhere."""
        return self._colours(lambda first, last: points[first:last], len(points), threads)

    def _colours(
        self, coordinates: Callable[[int, int], NDArray[np.float32]], count: int, threads: int
    ) -> NDArray[np.uint8]:
        """Colours uint8 [count, C]; coordinates(first, last) gives float32 [last - first, 2].

        Every call of the runtime gets a whole chunk, so that a point's colour does not depend on
        how many there are.
        """
        result = np.empty((count, self.channels), np.uint8)

        def run(first: int) -> None:
            last = min(first + self.chunk, count)
            grid = np.zeros((1, 1, self.chunk, 2), np.float32)
            grid[0, 0, : last - first] = coordinates(first, last)
            (rgb,) = self._session.run(["rgb"], {"grid": grid})
            result[first:last] = rgb[0, 0, : last - first]

        with Workers(threads) as workers:
            for first in range(0, count, self.chunk):
                workers.do(partial(run, first))
        return result

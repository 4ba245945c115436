"""Draws points of an mlp file: the file is the model that runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imcodec.mlp_file import MlpFile
from imcodec.runtime import Session, chunk_size


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

    def colours(self, points: NDArray[np.float32]) -> NDArray[np.uint8]:
        """uint8 [n, C] at points [n, 2] anywhere, at most a chunk of them.

        Every call of the runtime gets a whole chunk, so that a point's colour does not depend on
        how many there are.
        """
        grid = np.zeros((1, 1, self.chunk, 2), np.float32)
        grid[0, 0, : len(points)] = points
        found: NDArray[np.uint8] = self._session.run(["rgb"], {"grid": grid})[0]
        return found[0, 0, : len(points)]

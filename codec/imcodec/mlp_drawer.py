"""Draws points of an mlp file: the file is the model that runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imcodec.mlp_file import MlpFile
from imcodec.runtime import Session, chunk_size


class MlpDrawer:
    """A verified file of this model, loaded into onnxruntime."""

    #: the network says what lies between the pixels
    interpolates = False

    def __init__(self, contents: MlpFile, data: bytes) -> None:
        header = contents.header
        self.channels = header.channels
        #: points in one call
        self.chunk = chunk_size(max(header.inputs, *header.widths, header.channels, 8))
        self._session = Session(data)

    def prepare(self) -> bool:
        """There is nothing to prepare."""
        return False

    def colours(self, points: NDArray[np.float32]) -> NDArray[Any]:
        """uint8 [1, 1, chunk, C] at points [1, 1, chunk, 2]."""
        return self._session.run(["rgb"], {"grid": points})[0]

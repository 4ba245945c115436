"""What a runtime is asked for: the pixels of a file, and every latent that its graph decodes.

Colours hide most of a latent, so the graph of a pyramid file is built once more with three outputs
beside the colours (imcodec.pyramid.graph.build, `debug`): the levels as drawn, the states of the
entropy code's lanes at the end, and the number of words read. Its grid goes through the centre of
every cell of every level, where interpolation gives the latent itself, as filters that do nothing
are put in the place of the file's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imcodec.container import open_container
from imcodec.pyramid import graph
from imcodec.pyramid.decode import latents
from imcodec.pyramid.file import TABLE, PyramidFile, picture_of
from imcodec.pyramid.filters import identity
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.rans import START


@dataclass(frozen=True)
class Probe:
    """A model whose outputs tell the latents, and the latents as the imcodec here decodes them."""

    model: bytes
    #: float32 [1, P, 1, 2]: the cells of the first level, row by row, then those of the second, ...
    grid: NDArray[np.float32]
    #: coarse to fine
    planes: list[NDArray[np.int8]]
    lanes: int
    words: int

    @property
    def counts(self) -> tuple[int, int]:
        """Latents in the file, and numbers of its entropy code's end."""
        return sum(plane.size for plane in self.planes), self.lanes + 1

    def wrong(self, outputs: Sequence[NDArray[Any]]) -> tuple[int, int]:
        """Latents, and numbers of the entropy code's end, that are not what they should be.

        `outputs` are the model's, in its own order, of any shape.
        """
        _, features, states, position = outputs
        if features.size != len(self.planes) * self.counts[0] or states.size != self.lanes:
            return self.counts
        ends = np.cumsum([plane.size for plane in self.planes])
        # level l at the cells of level l; what it is elsewhere is interpolated
        found = np.concatenate(
            [
                level[end - plane.size : end] / TABLE.step
                for plane, level, end in zip(
                    self.planes, features.reshape(len(self.planes), -1), ends, strict=True
                )
            ]
        )
        expected = np.concatenate([plane.ravel() for plane in self.planes])
        wrong = np.count_nonzero(np.rint(found) != expected)
        ending = np.count_nonzero(states != START) + np.count_nonzero(position != -self.words)
        return int(wrong), int(ending)


def probe(path: Path) -> Probe | None:
    """How to read the latents of a file; None for a model that has none."""
    contents = open_container(path).contents
    if not isinstance(contents, PyramidFile):
        return None
    # with filters that do nothing, the features at a level's cells are its latents
    stored = replace(contents.stored, filters=identity(contents.header.levels))
    return Probe(
        model=graph.build(picture_of(contents.header, stored), stored.payload, debug=True),
        grid=cell_grid(contents.header.geometry),
        planes=latents(path),
        lanes=len(stored.states),
        words=len(stored.words),
    )


def counted(probed: Probe | None, wrong: tuple[int, int]) -> list[str]:
    """Two cells of a table: how many numbers differ, of how many."""
    if probed is None:
        return ["", ""]
    return [f"{number} of {count}" for number, count in zip(wrong, probed.counts, strict=True)]


def pixel_grid(width: int, height: int) -> NDArray[np.float32]:
    """Centres of the cells of a plane that fills the picture, float32 [1, height, width, 2]."""
    return _centres(width, height).astype(np.float32)[None]


def cell_grid(geometry: Geometry) -> NDArray[np.float32]:
    """Centres of the cells of every level, coarse to fine, float32 [1, P, 1, 2]."""
    pairs = geometry.affine()
    scale, offset = (np.array([float(value) for value in pair]) for pair in pairs)
    levels = []
    for level in range(1, geometry.levels + 1):
        height, width = geometry.plane(level)
        levels.append(((_centres(width, height) - offset) / scale).reshape(-1, 2))
    return np.concatenate(levels).astype(np.float32)[None, :, None]


def _centres(width: int, height: int) -> NDArray[np.float64]:
    x = (2 * np.arange(width) + 1) / width - 1
    y = (2 * np.arange(height) + 1) / height - 1
    return np.stack(np.meshgrid(x, y), -1)

"""The latents of a file, as the file's own graph decodes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imcodec.container import Source, open_container
from imcodec.errors import UsageError
from imcodec.pyramid.file import PyramidFile
from imcodec.pyramid.latent_decoder import LatentDecoder


def latents(source: Source) -> list[NDArray[np.int8]]:
    """One plane per level, coarse to fine, int8 [height, width] (Geometry.plane), of a file.

    Raises InvalidFileError for what is no whole file of ours, or does not decode to its end, and
    UsageError for a file of another model.
    """
    contents = open_container(source).contents
    if not isinstance(contents, PyramidFile):
        raise UsageError(f"the model {contents.model} has no latents")
    return LatentDecoder(contents).planes()

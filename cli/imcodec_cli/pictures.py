"""Pictures that the user named: read without a word from the libraries below."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imcodec_cli.paths import STREAM, stdin

if TYPE_CHECKING:
    from imcodec.image import Picture

_STDERR = 2


def read_input(source: str, max_pixels: int) -> Picture:
    """The picture behind a path or "-". Raises what read_picture() raises."""
    from imcodec.image import read_picture

    with _silence():
        if source == STREAM:
            return read_picture(stdin(), max_pixels=max_pixels, name="stdin")
        return read_picture(source, max_pixels=max_pixels)


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing reaches stderr: libtiff writes there itself, a line for each thing that is broken."""
    try:
        kept = os.dup(_STDERR)
    except OSError:  # it is closed
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDERR)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)

"""Forged numbers are refused: by the checks before a run, or by where the run ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pytest

from forged import AFTER, BEFORE, Forgery, forged
from imcodec import InvalidFileError, decode, evaluate, verify
from imcodec.pyramid.decode import latents
from pyramids import made_pyramid

Watched = Callable[[], AbstractContextManager[None]]


def named(forgery: Forgery) -> str:
    return forgery.name


@pytest.mark.usefixtures("no_session")
@pytest.mark.parametrize("forgery", BEFORE, ids=named)
def test_refused_before_a_run(forgery: Forgery, watched: Watched) -> None:
    data = forgery.make()
    start = time.perf_counter()
    with watched(), pytest.raises(InvalidFileError, match=forgery.reason) as caught:
        decode(data)
    assert time.perf_counter() - start < 5
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("forgery", AFTER, ids=named)
def test_refused_by_the_state_at_the_end(
    forgery: Forgery, capfd: pytest.CaptureFixture[str]
) -> None:
    """Such a file is whole, canonical, and its checksum is right: only decoding can tell."""
    data = forgery.make()
    assert verify(data).bytes.total == len(data)
    start = time.perf_counter()
    for run in (decode, latents, lambda file: evaluate(file, np.zeros((1, 2)))):
        with pytest.raises(InvalidFileError, match=forgery.reason):
            run(data)
    assert time.perf_counter() - start < 5
    assert capfd.readouterr() == ("", "")


def test_a_forger_can_show_another_picture() -> None:
    """A checksum is no signature: other colours for the same latents make a valid file."""
    header, stored, _ = made_pyramid()
    synthesis = stored.synthesis.copy()
    synthesis[header.levels + 1 :] //= 2
    first = decode(forged(header, stored))
    second = decode(forged(header, replace(stored, synthesis=synthesis)))
    assert first.shape == second.shape
    assert (first != second).mean() > 0.5

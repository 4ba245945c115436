"""Crafted models are refused for the right reason, before a runtime sees them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from imcodec import InvalidFileError, decode, verify
from models import CASES, VALID, Case

Watched = Callable[[], AbstractContextManager[None]]

ATTACKS = [
    pytest.param(case, model, id=f"{case.name} ({model})")
    for case in CASES
    for model in case.models
]


def test_there_are_enough() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 30


@pytest.mark.parametrize("model", VALID)
def test_what_is_attacked_is_valid(model: str) -> None:
    assert verify(VALID[model]).bytes.total == len(VALID[model])


def test_the_watch_works(watched: Watched, no_session: None) -> None:
    with pytest.raises(AssertionError, match="open"), watched(), open(__file__):  # noqa: PTH123
        pass
    with pytest.raises(pytest.fail.Exception, match="session"):
        decode(VALID["mlp"])


@pytest.mark.usefixtures("no_session")
@pytest.mark.parametrize(("case", "model"), ATTACKS)
def test_refused(case: Case, model: str, watched: Watched) -> None:
    data = case.make(VALID[model])
    assert data != VALID[model]
    start = time.perf_counter()
    with watched(), pytest.raises(InvalidFileError, match=case.reason) as caught:
        decode(data)
    assert time.perf_counter() - start < 5
    assert len(str(caught.value).splitlines()) == 1

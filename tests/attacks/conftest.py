from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import onnxruntime as ort
import pytest

from imcodec import verify
from models import VALID

_watched: list[list[str]] = []
_EVENTS = ("open", "os.", "socket.", "subprocess.", "ctypes.", "import", "exec")


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _watched and event.startswith(_EVENTS):
        _watched[-1].append(f"{event} {arguments[:1]}")


# A hook cannot be taken away again; this one does nothing unless a test asks.
sys.addaudithook(_watch)


@pytest.fixture
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test if a runtime is given a model."""

    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("a session was made for a file that is not ours")

    monkeypatch.setattr(ort, "InferenceSession", forbidden)


@contextmanager
def nothing_opened() -> Iterator[None]:
    """Fails the test if Python opens a file or a socket, starts a process, or loads anything."""
    events: list[str] = []
    _watched.append(events)
    try:
        yield
    finally:
        _watched.remove(events)
    assert not events


@pytest.fixture
def watched() -> Callable[[], AbstractContextManager[None]]:
    """What nothing may be opened in. Everything that is needed has been imported."""
    for data in VALID.values():
        verify(data)
    return nothing_opened

"""Ctrl-C as a request: the first one asks, the second one insists."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_request(*, enabled: bool) -> Iterator[Callable[[], bool]]:
    """A question whether Ctrl-C was pressed. The second Ctrl-C interrupts as usual.

    Not enabled, the first one interrupts, too, and the answer is always no.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before)

    before = signal.getsignal(signal.SIGINT)
    if enabled:
        signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)

"""Signals: Ctrl-C as a request, of which the second one insists; and the end without litter."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_TERMINATION = ("SIGTERM", "SIGHUP")


@contextmanager
def tidy_termination() -> Iterator[None]:
    """SIGTERM and SIGHUP end the process as an exception does, so that files are cleaned up.

    The exit code is 128 and the signal's number, as a shell shows it. A signal that is ignored,
    say by nohup, stays so.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in _TERMINATION if hasattr(signal, name)]
    taken = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


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

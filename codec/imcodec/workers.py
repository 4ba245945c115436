"""Threads that do tasks while more tasks are being made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from imcodec.processors import processors

#: tasks that may wait for each thread: what they hold is in memory
WAITING = 2
#: threads that there are at most: each has memory of its own
MOST = 32


class Workers:
    """So many threads, the caller's included, which works, too, when enough tasks wait.

    Leaving the context waits for all tasks, or drops them if there was an exception. A task's
    exception is raised by a later call, or there.
    """

    def __init__(self, threads: int, most: int = MOST) -> None:
        """`threads` 0 is one for each processor."""
        others = min(threads or len(processors()), most) - 1
        self._pool = ThreadPoolExecutor(others) if others else None
        self._most = WAITING * others
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Workers:
        return self

    def do(self, task: Callable[[], None]) -> None:
        """Have a task done, sooner or later."""
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft().result()
        if self._pool is None or len(self._waiting) >= self._most:
            task()
        else:
            self._waiting.append(self._pool.submit(task))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=error is not None)
        if error is None:
            for future in self._waiting:
                future.result()

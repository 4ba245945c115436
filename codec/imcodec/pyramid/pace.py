"""How far a fit is: by its steps and, where there is a time limit, by the seconds that passed."""

from __future__ import annotations

import math
import time

#: steps that a fit could do in the time that making a file of it takes
FINISHING = 8


class Pace:
    """Share of the work that is done, of `steps` steps and `limit` seconds (0: no limit).

    It begins at a share `first` of the steps, now.
    """

    def __init__(self, steps: int, limit: float, first: float = 0.0) -> None:
        self._steps, self._limit, self._first = steps, limit, first
        self._begin = time.monotonic()
        self.step = min(math.ceil(first * steps), steps - 1)
        self.share = self.step / steps
        self._before = 0.0
        #: seconds of a step, averaged; the first one may compile, and is left out
        self._typical: float | None = None

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begin

    def return_to(self, seconds: float) -> None:
        """What passed since then does not count."""
        self._begin = time.monotonic() - seconds

    def advance(self) -> None:
        """A step is over."""
        self.step += 1
        self.share = self.step / self._steps
        if not self._limit:
            return
        passed = self.seconds
        took, self._before = passed - self._before, passed
        if self._typical is None:
            self._typical = 0.0
        else:
            self._typical = 0.8 * self._typical + 0.2 * took if self._typical else took
        usable = self._limit - min(FINISHING * self._typical, self._limit / 2)
        self.share = max(self.share, self._first + passed / usable)
        if self._first + (passed + took) / usable > 1:  # the last pass takes as long
            self.share = max(self.share, 1.0)

"""Which processors there are to work with."""

from __future__ import annotations

import os


def processors() -> list[int]:
    """Numbers of the processors that this process may use, or 0 to n - 1 if nobody says."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))

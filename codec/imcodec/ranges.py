"""Settings checked against what they may be."""

from __future__ import annotations

import math

from imcodec.errors import UsageError


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise UsageError unless `value` is one of the names."""
    if value not in allowed:
        raise UsageError(f"{name} '{value}' is unknown; choose one of {', '.join(allowed)}")


def in_range(name: str, value: object, low: float, high: float, *, whole: bool = True) -> None:
    """Raise UsageError unless `value` is a (whole) number from `low` to `high`."""
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}; it must be a {'whole ' if whole else ''}number")
    if not (low <= value <= high) or math.isnan(value):  # type: ignore[operator, arg-type]
        raise UsageError(f"{name} is {value}; the allowed range is {low:g} to {high:g}")

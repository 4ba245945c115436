"""The quality at which a codec's file comes nearest to a size."""

from __future__ import annotations

from collections.abc import Callable


def nearest_size(
    size: int, encode: Callable[[int], bytes], low: int = 0, high: int = 100
) -> tuple[int, bytes]:
    """A quality from `low` to `high` and its file, the nearest to `size` bytes of those tried.

    Bisection: sizes grow with quality, nearly.
    """
    tried: dict[int, bytes] = {}
    while low <= high:
        quality = (low + high) // 2
        tried[quality] = encode(quality)
        if len(tried[quality]) < size:
            low = quality + 1
        else:
            high = quality - 1
    return min(tried.items(), key=lambda item: abs(len(item[1]) - size))

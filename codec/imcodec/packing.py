"""Weights as digits: several small integers in one 64-bit word.

A weight is an integer q with |q| <= h. Stored plainly it takes one signed byte (h = 127). Packed,
the weights are digits q + h of a number in base R = 2h + 1, k digits to a word, least significant
first, R the largest odd base for which k digits fit in 63 bits:

    k   8* 9   10  11  12  13  14  15  16  17  18  19  20  ...  32
    R      127 77  51  37  27  21  17  15  13  11  9   7   ...  3        (* plain bytes, R = 255)

so a weight costs 64/k bits, between 2 and 8, in steps finer than whole bits, and the graph takes
the digits apart with one integer division and one remainder, which are exact everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: digits a word that stand for "one signed byte a weight, no words at all"
PLAIN = 8
MAX_DIGITS = 32


def digits_for(bits: float) -> int:
    """Digits a word so that a weight takes at most `bits` bits, 2 <= bits <= 8."""
    return max(PLAIN, min(MAX_DIGITS, int(64 / bits)))


def half_range(digits: int) -> int:
    """h: the largest magnitude that a weight may have."""
    if digits == PLAIN:
        return 127
    base = 3
    while (base + 2) ** digits <= 2**63:
        base += 2
    return (base - 1) // 2


def powers(digits: int) -> list[int]:
    """R**i for each digit of a word."""
    base = 2 * half_range(digits) + 1
    return [base**i for i in range(digits)]


def words_for(count: int, digits: int) -> int:
    """Number of words that hold `count` weights."""
    return -(-count // digits)


def stored_size(count: int, digits: int) -> int:
    """Bytes that `count` weights take."""
    return count if digits == PLAIN else 8 * words_for(count, digits)


def pack(weights: NDArray[np.int64], digits: int) -> bytes:
    """The stored form of integer `weights` [n], |q| <= half_range(digits); little-endian."""
    if digits == PLAIN:
        return weights.astype(np.int8).tobytes()
    half = half_range(digits)
    padded = np.zeros(words_for(weights.size, digits) * digits, np.int64)
    padded[: weights.size] = weights
    table = np.array(powers(digits), np.int64)
    words: NDArray[np.int64] = ((padded.reshape(-1, digits) + half) * table).sum(axis=1)
    return words.astype("<i8").tobytes()


def unpack(stored: bytes, count: int, digits: int) -> NDArray[np.int64]:
    """The integers [count] behind `stored`. Raises ValueError unless pack() could have made it."""
    if digits == PLAIN:
        weights = np.frombuffer(stored, np.int8).astype(np.int64)
    else:
        if len(stored) != stored_size(count, digits):
            raise ValueError("wrong length")
        half = half_range(digits)
        words = np.frombuffer(stored, "<i8")
        table = np.array(powers(digits), np.int64)
        weights = ((words[:, None] // table) % (2 * half + 1) - half).reshape(-1)[:count]
    in_range = np.abs(weights).max(initial=0) <= half_range(digits)
    if weights.size != count or not in_range or pack(weights, digits) != stored:
        raise ValueError("not a packed form")
    return weights

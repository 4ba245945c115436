"""Interleaved range asymmetric numeral systems: N lanes that share one stream of 16-bit words.

Duda, "Asymmetric numeral systems", arXiv:1311.2540; interleaving: Giesen, arXiv:1402.3392. A lane
is an integer x in [2**16, 2**32) where a symbol is taken from it. The decoder (the graph;
`Decoder.step` says the same in NumPy) does for all lanes at once: those with x < 2**16, in lane
order, take the next words, x = x * 2**16 + word; then, each with its own (edge, width) and a table
as in imcodec.pyramid.table,

    slot  = x mod M
    entry = the first j with cdf[j] > slot
    last  = entry + (edge - entry) mod width        first = last - width
    value = (edge - last) / width                   exact, and the symbol
    x     = (cdf[last] - cdf[first]) * (x div M) + slot - cdf[first]

A lane begins below 2**16, so its first step takes a word. The encoder runs the same steps backwards
from x = 2**16 in every lane, so a correct decode ends there: the final states and the read position
are a check on the whole file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imcodec.pyramid.table import Ints, Table

WORD_BITS = 16
START = 1 << WORD_BITS  # every lane's state before encoding and after decoding


@dataclass(frozen=True)
class Payload:
    """What the graph carries of the latents."""

    words: NDArray[np.uint16]  # [W], in reading order
    states: Ints  # [N], each in [1, 2**16)
    ideal_bits: float  # code length of the same symbols under the same table, without lanes

    @property
    def size(self) -> int:
        """Bytes in the file: words, and states as varints."""
        return 2 * len(self.words) + sum(-(-int(state).bit_length() // 7) for state in self.states)


def encode(low: Ints, count: Ints, total: int) -> Payload:
    """Encode steps [T, N] of slot intervals (low, count), in decoding order.

    Raises ValueError for an interval that is empty or not inside 0 .. total - 2.
    """
    if low.shape != count.shape or low.ndim != 2:
        raise ValueError("low and count are both [steps, lanes]")
    if low.size and (count.min() < 1 or low.min() < 0 or (low + count).max() >= total):
        raise ValueError("slot interval outside the table")
    states = np.full(low.shape[1], START, np.int64)
    limit = count * (START // total) << WORD_BITS  # a state at or above it would overflow 32 bits
    words: list[NDArray[np.int64]] = []
    for step in range(len(low) - 1, -1, -1):
        full = states >= limit[step]
        if full.any():
            words.append(states[full] & (START - 1))
            states = np.where(full, states >> WORD_BITS, states)
        quotient, remainder = np.divmod(states, count[step])
        states = quotient * total + remainder + low[step]
    words.append(states & (START - 1))  # each lane's first
    states = states >> WORD_BITS
    stream = np.concatenate(words[::-1])
    bits = float(-np.log2(count / total).sum())
    return Payload(stream.astype(np.uint16), states, bits)


@dataclass
class Decoder:
    """Reference decoder, the graph's innermost Scan in NumPy."""

    table: Table
    words: NDArray[np.uint16]
    states: Ints
    position: int = 0

    def step(self, edge: Ints, width: Ints) -> Ints:
        """Decode one symbol per lane; edge and width are [N]."""
        total, cdf = self.table.total, self.table.cdf
        states, need = self.states.copy(), self.states < START
        index = self.position + np.cumsum(need) - 1
        self.position += int(need.sum())
        states[need] = states[need] * START + self.words[index[need]]
        slot = states % total
        entry = self.table.first_above[slot]
        last = entry + (edge - entry) % width
        first = last - width
        self.states = (cdf[last] - cdf[first]) * (states // total) + slot - cdf[first]
        return np.asarray((edge - last) // width)

from __future__ import annotations

import numpy as np
import pytest
from rans import START, Decoder, encode
from tables import Table


@pytest.mark.parametrize(("steps", "lanes"), [(1, 1), (500, 1), (40, 7), (200, 96)])
def test_round_trip_ends_in_the_start_state(steps: int, lanes: int) -> None:
    table, random = Table(), np.random.default_rng(steps)
    width = random.integers(1, 54, (steps, lanes))
    edge = (table.centre - width / 2 + random.normal(0, 9, width.shape)).astype(np.int64)
    value = table.clamp(edge, width, np.rint(random.normal(0, 3, width.shape)).astype(np.int64))
    low, count = table.frequencies(edge, width, value)
    payload = encode(low, count, table.total)
    assert payload.states.min() >= START
    assert payload.states.max() < START**2
    decoder = Decoder(table, payload.words, payload.states)
    found = np.stack([decoder.step(e, w) for e, w in zip(edge, width, strict=True)])
    assert (found == value).all()
    assert (decoder.states == START).all()
    assert decoder.position == len(payload.words)


def test_size_is_near_the_ideal() -> None:
    table, random = Table(), np.random.default_rng(0)
    value = np.rint(random.laplace(0, 0.7, (2000, 96))).astype(np.int64)
    width = np.full(value.shape, 8)
    edge = np.full(value.shape, table.centre - 4)
    low, count = table.frequencies(edge, width, table.clamp(edge, width, value))
    payload = encode(low, count, table.total)
    assert payload.size < payload.ideal_bits / 8 + 3.5 * 96


def test_empty_intervals_are_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        encode(np.array([[5]]), np.array([[0]]), 1 << 14)

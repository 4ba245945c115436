from __future__ import annotations

import numpy as np
import pytest

from imcodec.pyramid.rans import START, Decoder, encode
from imcodec.pyramid.table import Table


@pytest.mark.parametrize(("steps", "lanes"), [(1, 1), (500, 1), (40, 7), (200, 96)])
def test_round_trip_ends_in_the_start_state(steps: int, lanes: int) -> None:
    table, random = Table(), np.random.default_rng(steps)
    width = random.integers(1, 54, (steps, lanes))
    edge = table.edge(random.integers(-40, 57, width.shape), width)
    value = table.clamp(edge, width, np.rint(random.normal(0, 3, width.shape)).astype(np.int64))
    low, count = table.frequencies(edge, width, value)
    payload = encode(low, count, table.total)
    assert payload.states.min() >= 1
    assert payload.states.max() < START
    decoder = Decoder(table, payload.words, payload.states)
    found = np.stack([decoder.step(e, w) for e, w in zip(edge, width, strict=True)])
    assert (found == value).all()
    assert (decoder.states == START).all()
    assert decoder.position == len(payload.words)


def test_size_is_near_the_ideal() -> None:
    table, random = Table(), np.random.default_rng(0)
    value = np.rint(random.laplace(0, 0.7, (2000, 96))).astype(np.int64)
    width = np.full(value.shape, 8)
    edge = np.full(value.shape, table.centre + 4)
    low, count = table.frequencies(edge, width, table.clamp(edge, width, value))
    payload = encode(low, count, table.total)
    assert payload.size < payload.ideal_bits / 8 + 3.5 * 96


def test_known_words() -> None:
    """The code is part of the format: these numbers stay."""
    low, count = np.full((9, 2), 8000), np.array([[40, 300]] * 9)
    payload = encode(low, count, 1 << 14)
    assert payload.words.tolist() == [57191, 40891, 57448, 8000, 40786, 57187, 8009, 8248, 40784]
    assert payload.states.tolist() == [17662, 14]


@pytest.mark.parametrize(("low", "count"), [(5, 0), (-1, 3), ((1 << 14) - 3, 3)])
def test_intervals_outside_the_table_are_refused(low: int, count: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        encode(np.array([[low]]), np.array([[count]]), 1 << 14)
    with pytest.raises(ValueError, match="both"):
        encode(np.array([low]), np.array([count]), 1 << 14)

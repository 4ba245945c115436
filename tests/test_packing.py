from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imcodec.packing import MAX_DIGITS, PLAIN, digits_for, half_range, pack, powers, unpack


@given(st.integers(PLAIN, MAX_DIGITS), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_unpack_undoes_pack(digits: int, count: int, seed: int) -> None:
    half = half_range(digits)
    weights = np.random.default_rng(seed).integers(-half, half + 1, count)
    stored = pack(weights, digits)
    assert np.array_equal(unpack(stored, count, digits), weights)


@pytest.mark.parametrize("digits", range(PLAIN + 1, MAX_DIGITS + 1))
def test_digits_fit_in_63_bits_and_no_larger_odd_base_would(digits: int) -> None:
    base = 2 * half_range(digits) + 1
    assert base**digits <= 2**63 < (base + 2) ** digits
    assert powers(digits)[-1] == base ** (digits - 1)


def test_known_bases() -> None:
    assert [2 * half_range(k) + 1 for k in (9, 10, 11, 12, 16, 20, 32)] == [
        127, 77, 51, 37, 15, 7, 3,
    ]  # fmt: skip
    assert half_range(PLAIN) == 127


def test_extreme_weights_survive() -> None:
    for digits in (PLAIN, 9, 10, 32):
        half = half_range(digits)
        weights = np.array([half] * 70 + [-half] * 70)
        assert np.array_equal(unpack(pack(weights, digits), 140, digits), weights)


@pytest.mark.parametrize(
    ("bits", "digits"), [(8, 8), (7.2, 8), (7.1, 9), (6.4, 10), (6, 10), (2, 32)]
)
def test_bits_become_digits(bits: float, digits: int) -> None:
    assert digits_for(bits) == digits


def test_unpack_refuses_what_pack_does_not_make() -> None:
    stored = bytearray(pack(np.array([1, -1, 0]), 10))
    with pytest.raises(ValueError, match="wrong length"):
        unpack(bytes(stored), 11, 10)
    stored[7] ^= 0x80  # negative word
    with pytest.raises(ValueError, match="not a packed form"):
        unpack(bytes(stored), 3, 10)
    padded = pack(np.array([1, -1, 0, 5]), 10)  # a digit where padding must be zero
    with pytest.raises(ValueError, match="not a packed form"):
        unpack(padded, 3, 10)
    for plain in (b"\x01\x02", b"\x80"):  # one too many; -128, which is outside the range
        with pytest.raises(ValueError, match="not a packed form"):
            unpack(plain, 1, PLAIN)

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headers import read_or_refused
from imcodec.errors import InvalidFileError
from imcodec.pyramid.geometry import choose_geometry
from imcodec.pyramid.header import RANGES, PyramidHeader, parse

GOOD = "1 pyr 768 512 3 6 8 2 1 7 16 3012 00000000"
HEADER = PyramidHeader(768, 512, 3, 6, 8, 2, 1, 7, 16, 3012)

sides = st.integers(1, 300) | st.integers(1, 65535)


@st.composite
def headers(draw: st.DrawFn) -> PyramidHeader:
    width, height, pitch = draw(sides), draw(sides), draw(st.integers(1, 2))
    sizes = choose_geometry(height, width, draw(st.integers(1, 8)), pitch)
    return PyramidHeader(
        width=width,
        height=height,
        channels=draw(st.integers(1, 4)),
        levels=sizes.levels,
        strips=sizes.strips,
        row_factor=sizes.row_factor,
        pitch=pitch,
        filters=draw(st.integers(1, 64)),
        units=draw(st.integers(1, 64)),
        psnr=draw(st.integers(0, 9999)),
    )


@given(headers(), st.binary(max_size=20))
def test_parse_undoes_text(header: PyramidHeader, stored: bytes) -> None:
    assert parse(header.text(stored)) == header


def test_one_known_spelling() -> None:
    assert HEADER.text(b"abc") == "1 pyr 768 512 3 6 8 2 1 7 16 3012 dcf7bd59"
    assert parse(GOOD) == HEADER
    assert tuple(RANGES) == tuple(field.name for field in fields(HEADER))


def test_shapes() -> None:
    assert HEADER.context_shapes == ((2, 7, 7, 5), (2, 16, 14, 1), (6, 2, 14))
    assert HEADER.synthesis_shape == (10, 16, 1, 1)
    assert HEADER.geometry.plane(6) == (512, 768)


@pytest.mark.parametrize("index", range(len(RANGES)))
def test_every_number_has_its_range(index: int) -> None:
    low, high = list(RANGES.values())[index]
    for value in (low - 1, high + 1, -1, "", "x", "1.0", "+1", "٣", "99999999999", "007"):
        words = GOOD.split(" ")
        words[2 + index] = str(value)
        with pytest.raises(InvalidFileError):
            parse(" ".join(words))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1 pyr", "1 pyt"),
        ("1 pyr", "1 mlp"),
        ("1 pyr", "01 pyr"),
        ("1 pyr", "1  pyr"),
        ("3012 0", "3012  0"),
        ("00000000", "0000000"),
        ("00000000", "000000000"),
        ("00000000", "0000000G"),
        ("00000000", "00000000\n"),
        (" 7 16 3012", " 7 3012"),
        ("768 512", "768\t512"),
        ("768 512 3 6 8", "768 512 3 6 9"),  # more strips than rows of level 0
        ("768 512 3 6", "1 1 3 12"),
        ("768 512 3 6 8 2", "16 1 3 10 1 2"),
        ("768 512 3 6 8 2", "65535 512 3 1 8 1"),  # too many lanes
    ],
)
def test_everything_else_is_refused(old: str, new: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    with pytest.raises(InvalidFileError):
        parse(text)


@given(st.text(alphabet="0123456789 pyrml\n-", max_size=80))
def test_any_text_is_refused_politely(text: str) -> None:
    with pytest.raises(InvalidFileError):
        parse(text)


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_a_changed_sign_is_another_header_or_none(at: int, sign: str) -> None:
    text = GOOD[:at] + sign + GOOD[at + 1 :]
    read_or_refused(parse, text)


@given(headers(), st.data())
def test_numbers_in_place_of_others_are_another_header_or_none(
    header: PyramidHeader, data: st.DataObject
) -> None:
    """Whatever is accepted has planes in proportion to its picture."""
    words = header.text(b"").split(" ")
    values = st.sampled_from(words) | st.integers(-1, 70_000).map(str)
    words[data.draw(st.integers(2, len(words) - 2))] = data.draw(values)
    text = " ".join(words)
    if (found := read_or_refused(parse, text)) is None:
        return
    cells = found.width * found.height
    assert found.geometry.symbols <= 11 * cells + 6000 * found.pitch**2
    assert found.geometry.steps <= 2**17 + cells / 256


def test_a_newer_format_says_so() -> None:
    with pytest.raises(InvalidFileError, match="version 2 is not known"):
        parse("2" + GOOD[1:])

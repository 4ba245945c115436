from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headers import read_or_refused
from imcodec.errors import InvalidFileError
from imcodec.header import LETTERS, Header, parse
from imcodec.mlp_settings import MAX_WEIGHTS
from pictures import made_header

GOOD = "1 mlp 640 480 3 11 n 4x64s,l 3012 00000000"

hidden = st.lists(
    st.tuples(st.integers(1, 300) | st.just(4096), st.sampled_from(sorted(LETTERS))), max_size=8
)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    layers = draw(hidden)
    features = draw(st.sampled_from(["raw", "normalised", "fourier"]))
    header = Header(
        width=draw(st.integers(1, 65535)),
        height=draw(st.integers(1, 65535)),
        channels=draw(st.integers(1, 4)),
        digits=draw(st.integers(8, 32)),
        features=features,
        frequencies=draw(st.integers(1, 512)) if features == "fourier" else 0,
        widths=tuple(width for width, _ in layers),
        activations=tuple(activation for _, activation in layers),
        output_activation=draw(st.sampled_from(sorted(LETTERS))),
        psnr=draw(st.integers(0, 9999)),
    )
    assume(sum(header.tensor_sizes) <= MAX_WEIGHTS)
    return header


@given(headers(), st.binary(max_size=20))
def test_parse_undoes_text(header: Header, stored: bytes) -> None:
    assert parse(header.text(stored)) == header


def test_one_known_spelling() -> None:
    header = made_header(widths=(64,) * 4, activations=("sine",) * 4, digits=11)
    assert header.text(b"abc") == "1 mlp 37 53 3 11 n 4x64s,l 3012 f0c12d4c"
    assert len(fields(header)) == 10


def test_shapes_and_tensor_sizes() -> None:
    header = made_header(features="fourier", frequencies=5)
    assert header.shapes == ((10, 12), (12, 12), (12, 3))
    assert header.tensor_sizes == (120, 12, 144, 12, 36, 3)
    assert made_header(widths=(), activations=()).shapes == ((2, 3),)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("640", "0"),
        ("640", "65536"),
        ("480", "99999999999"),
        ("640", "-640"),
        ("640", "0640"),
        ("640", "6e2"),
        ("640", "٦٤٠"),
        (" 3 ", " 5 "),
        (" 3 ", " 0 "),
        (" 11 ", " 7 "),
        (" 11 ", " 33 "),
        (" n ", " x "),
        (" n ", " f0 "),
        (" n ", " f513 "),
        ("4x64s", "65x64s"),
        ("4x64s", "1x64s"),
        ("4x64s", "2x64s,2x64s"),
        ("4x64s", "64s,64s"),
        ("4x64s", "4x4097s"),
        ("4x64s", "4x0s"),
        ("4x64s", "4x1024s"),
        ("4x64s", "4x64q"),
        ("4x64s,l", "4x64s"),
        (",l", ",q"),
        (",l", ",,l"),
        ("3012", "10000"),
        ("mlp", "mlq"),
        ("00000000", "0000000"),
        ("00000000", "0000000G"),
        ("640 480", "640  480"),
        (" 0000", "\n0000"),
    ],
)
def test_everything_out_of_range_is_refused(old: str, new: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    with pytest.raises(InvalidFileError):
        parse(text)


def test_good_is_good() -> None:
    assert parse(GOOD).widths == (64,) * 4


def test_a_newer_format_says_so() -> None:
    with pytest.raises(InvalidFileError, match="version 2 is not known"):
        parse("2 something else entirely")
    with pytest.raises(InvalidFileError, match="version 999"):
        parse(GOOD.replace("1 mlp", "999 mlp"))


def test_very_long_text_is_refused() -> None:
    with pytest.raises(InvalidFileError):
        parse(GOOD + "0" * 100_000)


@given(st.text(alphabet="0123456789 mlpnfrxs,\n-", max_size=80))
def test_any_text_is_refused_politely(text: str) -> None:
    with pytest.raises(InvalidFileError):
        parse(text)


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_a_changed_sign_is_another_header_or_none(at: int, sign: str) -> None:
    text = GOOD[:at] + sign + GOOD[at + 1 :]
    read_or_refused(parse, text)


@given(headers(), st.data())
def test_words_in_place_of_others_are_another_header_or_none(
    header: Header, data: st.DataObject
) -> None:
    words = header.text(b"").split(" ")
    values = st.sampled_from(words) | st.integers(-1, 2**40).map(str)
    words[data.draw(st.integers(0, len(words) - 2))] = data.draw(values)
    text = " ".join(words)
    read_or_refused(parse, text)

from __future__ import annotations

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto

from imcodec.errors import InvalidFileError
from imcodec.outline import _PATH, MAX_STRUCTURE, _structure, metadata_of, tensors_of
from make_golden import CASES, GOLDEN


@pytest.mark.parametrize("name", CASES)
def test_structure_is_all_but_raw_numbers(name: str) -> None:
    data = (GOLDEN / f"{name}.onnx").read_bytes()
    model = onnx.load_from_string(data)
    raw = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    assert sum(_structure(data, 0, len(data), _PATH)) == len(data) - raw
    assert metadata_of(data) == {entry.key: entry.value for entry in model.metadata_props}


@pytest.mark.parametrize("name", CASES)
def test_initializers_are_those_that_protobuf_reads(name: str) -> None:
    data = (GOLDEN / f"{name}.onnx").read_bytes()
    expected = onnx.load_from_string(data).graph.initializer
    found = list(tensors_of(data))
    assert len(found) == len(expected)
    for tensor, other in zip(found, expected, strict=True):
        assert bytes(tensor.raw) == other.raw_data
        assert not tensor.raw or tensor.raw.obj is data  # no copy
        other.ClearField("raw_data")
        assert tensor.proto == other


def test_the_last_raw_numbers_count_and_graphs_are_merged() -> None:
    """As for protobuf, so that there is one reading of a file."""
    parts = [TensorProto(name="a", raw_data=raw).SerializeToString() for raw in (b"12", b"3")]
    graph = framed(5, parts[0] + parts[1]) + framed(1, b"")
    data = framed(7, graph) + framed(7, framed(5, parts[1]))
    expected = ModelProto.FromString(data).graph.initializer
    assert [bytes(tensor.raw) for tensor in tensors_of(data)] == [t.raw_data for t in expected]


@pytest.mark.parametrize("tensor", [b"\x0a\xff", b"\x42\x02a"])
def test_tensors_that_are_none(tensor: bytes) -> None:
    data = framed(7, framed(5, tensor))
    with pytest.raises(InvalidFileError, match="not a model"):
        list(tensors_of(data))


def framed(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2, len(body)]) + body


def test_the_limit_is_exact() -> None:
    front = ModelProto(producer_name="x" * (MAX_STRUCTURE - 4)).SerializeToString()
    assert len(front) == MAX_STRUCTURE
    assert metadata_of(front) == {}
    with pytest.raises(InvalidFileError, match="so many nodes"):
        metadata_of(front + b"\x08\x08")


def test_the_last_entry_of_a_key_counts() -> None:
    """As protobuf reads it; another rule would let two readers see two headers."""
    model = ModelProto()
    for value in ("first", "second"):
        model.metadata_props.add(key="imcodec", value=value)
    assert metadata_of(model.SerializeToString()) == {"imcodec": "second"}


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_politely(data: bytes) -> None:
    try:
        found = metadata_of(data)
    except InvalidFileError:
        return
    assert isinstance(found, dict)


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=300), max_size=4), st.text())
def test_what_protobuf_writes_is_read(entries: dict[str, str], text: str) -> None:
    model = ModelProto(ir_version=8, domain=text, model_version=-5)
    model.graph.name = text
    for key, value in entries.items():
        model.metadata_props.add(key=key, value=value)
    assert metadata_of(model.SerializeToString()) == entries

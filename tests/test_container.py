from __future__ import annotations

import onnx
import pytest

from imcodec import InvalidFileError, LimitError, info, verify
from imcodec import container as container_module
from imcodec.container import MAX_BYTES, open_container
from imcodec.header import parse
from pictures import made_file, made_header, made_weights

FILES = [
    made_file(),
    made_file(1, channels=1, widths=(5,), activations=("relu",), width=1, height=1),
    made_file(2, channels=4, digits=8, features="raw"),
    made_file(3, features="fourier", frequencies=4, digits=16),
]


def test_a_good_file_is_accepted_and_described() -> None:
    data = FILES[0]
    found = verify(data)
    assert (found.width, found.height, found.channels) == (37, 53, 3)
    assert found.psnr == 30.12
    assert found.bits == 6.4
    assert [(layer.inputs, layer.outputs) for layer in found.layers] == [(2, 12), (12, 12), (12, 3)]
    assert found.parameters == 36 + 156 + 39
    assert found.bpp == 8 * len(data) / (37 * 53)


@pytest.mark.parametrize("data", FILES)
def test_bytes_add_up_to_the_file(data: bytes) -> None:
    count = info(data).bytes
    assert count.total == len(data)
    assert count.graph + count.weights + count.payload + count.header == count.total
    assert min(count.graph, count.weights, count.header) > 0


def test_a_path_is_as_good_as_bytes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.onnx"
    path.write_bytes(FILES[0])
    assert verify(path).bytes == verify(FILES[0]).bytes
    path.write_bytes(FILES[0][:-1])
    with pytest.raises(InvalidFileError, match=r"a\.onnx: "):
        verify(path)
    with pytest.raises(InvalidFileError):
        verify(tmp_path / "missing.onnx")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not an imcodec file"),
        (b"hello", "not an imcodec file"),
        (FILES[0][:11], "damaged"),
        (container_module.PREFIX + b"\xff" * 30, "damaged"),
    ],
)
def test_foreign_bytes(data: bytes, message: str) -> None:
    with pytest.raises(InvalidFileError, match=message):
        open_container(data)


def test_size_limit() -> None:
    with pytest.raises(LimitError):
        open_container(bytes(MAX_BYTES + 1))


def test_the_checksum_covers_the_header() -> None:
    text = onnx.load_from_string(FILES[0]).metadata_props[0].value
    header = parse(text)
    assert header.text(made_weights(header).joined) == text
    assert text != made_header(psnr=3013).text(made_weights(header).joined)

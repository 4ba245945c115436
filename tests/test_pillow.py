from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

import imcodec.pillow
from imcodec import decode
from pictures import made_file, scene


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_open(tmp_path, channels: int, mode: str) -> None:  # type: ignore[no-untyped-def]
    data = made_file(channels=channels)
    path = tmp_path / "a.onnx"
    path.write_bytes(data)
    with Image.open(path) as image:
        assert (image.size, image.mode, image.format) == ((37, 53), mode, "IMCODEC")
        pixels = np.asarray(image)
    assert np.array_equal(pixels.reshape(53, 37, channels), decode(data))


def test_open_verifies_and_load_decodes(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    calls = []
    real = imcodec.pillow.decode
    monkeypatch.setattr(
        imcodec.pillow, "decode", lambda *a, **k: (calls.append(k), real(*a, **k))[1]
    )
    image = Image.open(io.BytesIO(made_file()))
    assert calls == []
    image.load()
    image.load()
    assert len(calls) == 1


def test_draft_gives_any_larger_size() -> None:
    data = made_file()
    image = Image.open(io.BytesIO(data))
    image.draft(None, (100, 77))
    assert image.size == (100, 77)
    assert np.array_equal(np.asarray(image), decode(data, size=(100, 77)))
    small = Image.open(io.BytesIO(data))
    assert small.draft(None, (10, 10)) is None
    assert small.size == (37, 53)


def test_thumbnail_and_copy_work() -> None:
    image = Image.open(io.BytesIO(made_file()))
    copy = image.copy()
    image.thumbnail((20, 20))
    assert max(image.size) == 20
    assert copy.size == (37, 53)


def test_damaged_files_are_not_identified() -> None:
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(made_file()[:-1]))


def test_save(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.onnx"
    image = Image.fromarray(scene(20, 16))
    image.save(path, layers=1, width=8, epochs=2)
    with Image.open(path) as again:
        assert again.size == (20, 16)
    stream = io.BytesIO()
    image.convert("L").save(stream, "IMCODEC", layers=1, width=8, epochs=2)
    assert Image.open(stream).mode == "L"

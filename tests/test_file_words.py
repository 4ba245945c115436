"""Words that are read from their file a second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imcodec import InvalidFileError, decode
from imcodec.container import open_container
from imcodec.pyramid import file_words
from imcodec.pyramid.file import PyramidFile
from imcodec.pyramid.file_words import FileWords, words_of
from pyramids import made_pyramid_file

DATA = made_pyramid_file(90, 70)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_words, "SMALL", 0)
    monkeypatch.setattr(file_words, "BLOCK", 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a.onnx"
    file.write_bytes(DATA)
    return file


def words_in(path: Path) -> tuple[FileWords, np.ndarray]:
    container = open_container(path)
    assert isinstance(container.contents, PyramidFile)
    words = container.contents.stored.words
    found = words_of(words, container.data, path)
    assert isinstance(found, FileWords)
    return found, words


def test_parts_are_those_of_the_array(path: Path) -> None:
    found, words = words_in(path)
    assert len(found) == len(words) > 100
    for first, last in ((0, 5), (3, 30), (0, len(words)), (len(words) - 2, 10**9), (9, 9)):
        assert np.array_equal(found[first:last], words[first:last])


def test_the_picture_is_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(file_words, "FileWords", lambda *a: made.append(FileWords(*a)) or made[-1])
    assert np.array_equal(decode(path), decode(DATA))
    assert len(made) == 1  # bytes in memory are not read again


@pytest.mark.parametrize("change", ["other", "shorter", "gone"])
def test_a_file_that_changes_meanwhile(
    change: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meddle(*arguments: Any) -> FileWords:
        words = FileWords(*arguments)
        if change == "gone":
            path.unlink()
        else:
            place = words._offset + len(words)
            changed = bytearray(DATA[: None if change == "other" else place])
            changed[place - 1] ^= 1
            path.write_bytes(changed)
        return words

    monkeypatch.setattr(file_words, "FileWords", meddle)
    with pytest.raises(InvalidFileError, match=r"a\.onnx: the file changed while it was decoded"):
        decode(path)


def test_small_files_and_pipes_stay_in_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container = open_container(DATA)
    assert isinstance(container.contents, PyramidFile)
    words = container.contents.stored.words
    assert words_of(words, DATA, None) is words
    assert words_of(words, DATA, path.parent) is words
    monkeypatch.setattr(file_words, "SMALL", len(DATA))
    assert words_of(words, DATA, path) is words

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from PIL import Image

from console import Cli
from pictures import made_file, scene

# a busy machine is no failure
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
    tmp_path: Path,
) -> Cli:
    """The command line, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return Cli(monkeypatch, capsysbinary)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 24x16 pixels, bird.png."""
    path = tmp_path / "bird.png"
    Image.fromarray(scene(24, 16)).save(path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file of ours with random weights, model.onnx: 37x53 pixels."""
    path = tmp_path / "model.onnx"
    path.write_bytes(made_file())
    return path

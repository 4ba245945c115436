from __future__ import annotations

import subprocess
import sys

import pytest

import imcodec
from imcodec import errors


def test_everything_announced_is_there() -> None:
    for name in imcodec.__all__:
        assert getattr(imcodec, name) is not None
    assert set(imcodec.__all__) <= set(dir(imcodec))
    with pytest.raises(AttributeError):
        _ = imcodec.nothing


def test_one_tree_of_exceptions() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) >= 9
    assert all(issubclass(kind, imcodec.ImcodecError) for kind in kinds)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)


def run(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def test_import_is_light() -> None:
    heavy = run(
        "import sys, imcodec; print([n for n in ('torch', 'numpy', 'onnx', 'onnxruntime', 'PIL')"
        " if n in sys.modules])"
    )
    assert heavy == "[]"


def test_decoding_never_imports_torch() -> None:
    found = run(
        "import sys, imcodec, imcodec.pillow\n"
        "for name in ('decode', 'evaluate', 'info', 'verify', 'read_picture'):"
        " getattr(imcodec, name)\n"
        "print([n for n in ('torch', 'matplotlib', 'skimage') if n in sys.modules])"
    )
    assert found == "[]"

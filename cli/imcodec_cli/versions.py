"""Versions of imcodec and of what it stands on, without importing any of it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "onnx", "onnxruntime")


def print_versions() -> None:
    """One line for each package."""
    from imcodec import __version__

    print(f"imcodec {__version__}")
    for name in PACKAGES:
        try:
            print(f"{name} {version(name)}")
        except PackageNotFoundError:
            print(f"{name} not installed")

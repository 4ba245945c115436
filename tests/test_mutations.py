"""Seeded damage: to files of ours, and to the pictures that the encoder reads."""

from __future__ import annotations

import io
import random
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageCms

from imcodec import InvalidFileError, decode
from imcodec.container import open_container
from make_golden import CASES, GOLDEN
from mutations import KINDS, damage, mutate, outcome
from pictures import scene

SMALLEST = ("pixel", "pyramid-pixel")


@cache
def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.onnx").read_bytes()


def test_20000_damaged_copies_are_refused() -> None:
    """A copy is accepted only when it is equal to the original."""
    rng = random.Random(2)
    names = sorted(CASES)
    for turn in range(20_000):
        original = golden(names[turn % len(names)])
        damaged = mutate(original, rng)
        if damaged == original:
            continue
        try:
            open_container(damaged)
        except InvalidFileError:
            continue
        pytest.fail(f"copy {turn}, of {names[turn % len(names)]}, was accepted")


@pytest.mark.parametrize("name", SMALLEST)
def test_every_prefix_is_refused(name: str) -> None:
    data = golden(name)
    for length in range(len(data)):
        with pytest.raises(InvalidFileError):
            open_container(data[:length])


@pytest.mark.parametrize(("name", "stride"), [("pixel", 3), ("pyramid-pixel", 61)])
def test_a_single_bit_is_noticed(name: str, stride: int) -> None:
    data = bytearray(golden(name))
    for bit in range(0, 8 * len(data), stride):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidFileError):
            open_container(bytes(data))
        data[bit // 8] ^= 1 << bit % 8
    assert bytes(data) == golden(name)


@pytest.mark.parametrize("kind", KINDS)
def test_decode_is_no_laxer_than_the_check(kind: str) -> None:
    rng = random.Random(3)
    for name in ("scene", "pyramid"):
        damaged = damage(golden(name), rng, kind)
        if damaged != golden(name):
            with pytest.raises(InvalidFileError):
                decode(damaged)


def pictures() -> list[bytes]:
    """One small picture in every form that the encoder reads."""
    image = Image.fromarray(scene(24, 16))
    turned = image.rotate(90)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    deep = Image.fromarray(np.arange(384, dtype=np.uint16).reshape(16, 24) * 170)
    forms = [
        (image, "PNG", {}),
        (image.quantize(16), "PNG", {"bits": 4}),
        (deep, "PNG", {}),
        (image, "PNG", {"save_all": True, "append_images": [turned]}),
        (image, "JPEG", {"icc_profile": profile}),
        (image.convert("CMYK"), "JPEG", {"progressive": True}),
        (image, "WEBP", {"lossless": True}),
        (image, "WEBP", {"save_all": True, "append_images": [turned]}),
        (image, "AVIF", {}),
        (image, "TIFF", {}),
        (deep, "TIFF", {}),
        (image, "BMP", {}),
        (image, "PPM", {}),
        (image, "GIF", {"save_all": True, "append_images": [turned]}),
    ]
    found = []
    for form, format, settings in forms:
        stream = io.BytesIO()
        form.save(stream, format, **settings)
        found.append(stream.getvalue())
    return found


@pytest.mark.filterwarnings("ignore")
def test_damaged_pictures_are_read_or_refused() -> None:
    originals = pictures()
    assert [outcome(data, ours=False) for data in originals] == ["read"] * len(originals)
    rng = random.Random(4)
    found = {
        outcome(mutate(originals[turn % len(originals)], rng), ours=False) for turn in range(5000)
    }
    assert found == {"read", "refused"}

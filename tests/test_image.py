"""Reading and writing pictures: every mode, every kind of damage, and the exact values."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from imcodec.errors import (
    InvalidImageError,
    LimitError,
    OutputError,
    UsageError,
)
from imcodec.image import (
    MAX_PIXELS,
    READ_FORMATS,
    picture_bytes,
    read_picture,
    write_picture,
)
from profiles import black_only_cmyk_profile, linear_grey_profile, swapped_rgb_profile


def drawn(height: int = 9, width: int = 7, channels: int = 3) -> NDArray[np.uint8]:
    """Any picture without symmetry, without flat parts and with alpha that is not opaque."""
    ramp = np.arange(height * width * channels).reshape(height, width, channels)
    return (ramp * 7 % 251).astype(np.uint8)


def saved(image: Image.Image | NDArray[np.uint8], format: str = "PNG", **settings: Any) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, format, **settings)
    return stream.getvalue()


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
    colour_type: int,
    *extra: bytes,
    bits: int | None = None,
) -> bytes:
    """A PNG of [H, W, C] samples; `extra` chunks go before the pixel data. 1 to 4 bits: [H, W]."""
    height, width = pixels.shape[:2]
    if bits is None:
        bits = 8 * pixels.dtype.itemsize
        rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(
            height, width * pixels.shape[2]
        )
        lines = [row.tobytes() for row in rows]
    else:
        unpacked = (pixels[..., None] >> np.arange(bits - 1, -1, -1)) & 1  # [H, W, bits]
        lines = [np.packbits(row.reshape(-1)).tobytes() for row in unpacked]
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + line for line in lines))
    parts = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", data), chunk(b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(tags: dict[int, int], data: bytes = b"") -> bytes:
    """A TIFF of these tags, all of them long integers, whose pixel data starts at byte 8."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    start = struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data
    return start + struct.pack("<H", len(tags)) + entries + bytes(4)


# Sources


def test_path_bytes_stream_image_and_array_give_the_same(tmp_path: Path) -> None:
    pixels = drawn()
    content = saved(pixels)
    path = tmp_path / "no extension"
    path.write_bytes(content)
    with path.open("rb") as stream:
        sources = [path, str(path), content, bytearray(content), stream, io.BytesIO(content)]
        pictures = [read_picture(s) for s in (*sources, Image.fromarray(pixels), pixels)]  # type: ignore[arg-type]
    for picture in pictures:
        np.testing.assert_array_equal(picture.pixels, pixels)
        assert picture.pixels.dtype == np.uint8
        assert picture.pixels.flags.c_contiguous
        assert picture.notices == ()
    assert pictures[0].source == str(path)
    assert read_picture(content, name="bird").source == "bird"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(saved(drawn()),))
    writer.start()
    np.testing.assert_array_equal(read_picture(pipe).pixels, drawn())
    writer.join()


def test_stream_is_read_from_where_it_stands() -> None:
    stream = io.BytesIO(b"before" + saved(drawn()))
    stream.seek(6)
    np.testing.assert_array_equal(read_picture(stream).pixels, drawn())


def test_source_of_another_type() -> None:
    with pytest.raises(UsageError, match="cannot be read from a int"):
        read_picture(3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="binary"):
        read_picture(io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="max_pixels"):
        read_picture(drawn(), max_pixels=-1)


def test_image_of_the_caller_stays_as_it_was() -> None:
    pixels = drawn(4, 5)
    image = Image.fromarray(pixels)
    image.info["icc_profile"] = swapped_rgb_profile()
    assert not np.array_equal(read_picture(image).pixels, pixels)
    np.testing.assert_array_equal(np.asarray(image), pixels)


# Arrays


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_array_is_copied(channels: int) -> None:
    pixels = drawn(channels=channels)
    picture = read_picture(pixels)
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert not np.shares_memory(picture.pixels, pixels)


def test_array_of_two_dimensions_is_grey() -> None:
    assert read_picture(drawn()[..., 0]).pixels.shape == (9, 7, 1)


def test_array_of_every_16_bit_level() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = read_picture(levels)
    np.testing.assert_array_equal(picture.pixels[..., 0], np.rint(levels / 257))
    assert picture.notices == ("16 bits a channel reduced to 8",)


def test_array_of_bools_and_floats() -> None:
    mask = np.array([[True, False, True]])
    assert read_picture(mask).pixels[..., 0].tolist() == [[255, 0, 255]]
    for dtype in (np.float16, np.float32, np.float64):
        exact = drawn().astype(np.float64) / 255
        np.testing.assert_array_equal(read_picture(exact.astype(dtype)).pixels, drawn())


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 5, 5), np.uint8),
        np.zeros((5, 5, 0), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((1, 5, 5, 3), np.uint8),
        np.zeros((5, 5), np.int32),
        np.zeros((5, 5), complex),
        np.full((5, 5), "a"),
        np.full((5, 5), 1.5),
        np.full((5, 5), -0.1),
        np.full((5, 5), np.nan),
        np.array(7),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_array_that_is_no_picture(array: NDArray[np.uint8]) -> None:
    with pytest.raises((UsageError, InvalidImageError)) as caught:
        read_picture(array)
    assert len(str(caught.value).splitlines()) == 1


def test_array_beyond_the_limit() -> None:
    with pytest.raises(LimitError, match="63 pixels"):
        read_picture(drawn(), max_pixels=62)


# Channels


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_of_a_png(channels: int) -> None:
    pixels = drawn(channels=channels)
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    np.testing.assert_array_equal(read_picture(png(pixels, colour_type)).pixels, pixels)


@pytest.mark.parametrize("channels", [2, 4])
def test_opaque_alpha_is_dropped(channels: int) -> None:
    pixels = drawn(channels=channels)
    pixels[..., -1] = 255
    for source in (pixels, saved(pixels)):
        picture = read_picture(source)
        np.testing.assert_array_equal(picture.pixels, pixels[..., :-1])
        assert picture.notices == ("alpha channel dropped, all of it is opaque",)


def test_colours_under_full_transparency_are_kept() -> None:
    pixels = drawn(channels=4)
    pixels[..., 3] = 0
    np.testing.assert_array_equal(read_picture(saved(pixels)).pixels, pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (1, 300), (300, 1)])
def test_smallest_sizes(size: tuple[int, int]) -> None:
    pixels = drawn(*size)
    np.testing.assert_array_equal(read_picture(saved(pixels)).pixels, pixels)


def test_many_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imcodec.colour._BAND_PIXELS", 15)
    for channels in (1, 2, 3, 4):
        pixels = drawn(channels=channels)
        content = png(pixels, {1: 0, 2: 4, 3: 2, 4: 6}[channels])
        np.testing.assert_array_equal(read_picture(content).pixels, pixels)


def test_one_bit() -> None:
    bits = drawn()[..., 0] % 2
    expected = bits * 255
    for content in (png(bits, 0, bits=1), saved(Image.fromarray(expected).convert("1"), "PPM")):
        np.testing.assert_array_equal(read_picture(content).pixels[..., 0], expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_transparent_level_of_few_bits(bits: int) -> None:
    levels = drawn()[..., 0] % (1 << bits)
    pixels = read_picture(png(levels, 0, chunk(b"tRNS", b"\0\1"), bits=bits)).pixels
    np.testing.assert_array_equal(pixels[..., 0], levels * (255 // ((1 << bits) - 1)))
    np.testing.assert_array_equal(pixels[..., 1], np.where(levels == 1, 0, 255))


def test_transparent_colour_of_8_and_16_bits() -> None:
    grey, colour = drawn(channels=1), drawn()
    level, red_green_blue = grey[2, 2], colour[3, 3]
    content = png(grey, 0, chunk(b"tRNS", struct.pack(">H", *level)))
    expected = np.where(grey == level, 0, 255)
    np.testing.assert_array_equal(read_picture(content).pixels, np.dstack([grey, expected]))

    content = png(colour, 2, chunk(b"tRNS", struct.pack(">3H", *red_green_blue)))
    expected = np.where((colour == red_green_blue).all(-1), 0, 255)
    np.testing.assert_array_equal(read_picture(content).pixels, np.dstack([colour, expected]))

    deep = np.array([[[1000], [1001]]], np.uint16)
    content = png(deep, 0, chunk(b"tRNS", struct.pack(">H", 1001)))
    assert read_picture(content).pixels.tolist() == [[[4, 255], [4, 0]]]

    deep = np.array([[[0x1234] * 3, [0x5678] * 3]], np.uint16)
    content = png(deep, 2, chunk(b"tRNS", struct.pack(">3H", *[0x5678] * 3)))
    assert read_picture(content).pixels[..., 3].tolist() == [[255, 0]]


PALETTE = bytes([10, 20, 30, 200, 100, 0, 7, 7, 7, 9, 9, 9])


def palette_png(entries: list[int], *extra: bytes) -> bytes:
    indices = np.array([entries], np.uint8)[..., None]
    return png(indices, 3, chunk(b"PLTE", PALETTE), *extra)


def test_palette() -> None:
    colours = np.frombuffer(PALETTE, np.uint8).reshape(-1, 3)
    assert read_picture(palette_png([1, 0, 2])).pixels[0].tolist() == colours[[1, 0, 2]].tolist()
    assert read_picture(palette_png([2, 3])).pixels.tolist() == [[[7], [9]]]


@pytest.mark.parametrize("alphas", [[255, 0, 255], [128, 0, 3]])
def test_palette_with_transparency(alphas: list[int]) -> None:
    transparent = chunk(b"tRNS", bytes(alphas))
    pixels = read_picture(palette_png([0, 1, 2, 3], transparent)).pixels
    assert pixels.shape == (1, 4, 4)
    assert pixels[0, :, 3].tolist() == [*alphas, 255]
    pixels = read_picture(palette_png([2, 3], chunk(b"tRNS", bytes([0, 0, 5])))).pixels
    assert pixels.tolist() == [[[7, 5], [9, 255]]]
    # The transparent entry is not in use.
    assert read_picture(palette_png([0, 3], transparent)).pixels.shape[2] == 3 + (alphas[0] < 255)


def test_gif_with_transparency() -> None:
    indexed = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "L").convert("L")
    indexed.putpalette(PALETTE)
    pixels = read_picture(saved(indexed, "GIF", transparency=1)).pixels
    assert pixels.tolist() == [[[10, 20, 30, 255], [200, 100, 0, 0], [7, 7, 7, 255]]]


# Depth


@pytest.mark.parametrize("form", ["png", "tiff", "tiff, big endian", "ppm"])
def test_16_bit_grey_is_exact(form: str) -> None:
    levels = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    if form == "png":
        content = png(levels[..., None], 0)
    elif form == "tiff":
        content = saved(Image.fromarray(levels), "TIFF")
    elif form == "ppm":
        content = b"P5 64 64 65535\n" + levels.astype(">u2").tobytes()
    else:
        content = saved(Image.frombytes("I;16B", (64, 64), levels.astype(">u2").tobytes()), "TIFF")
    picture = read_picture(content)
    np.testing.assert_array_equal(picture.pixels[..., 0], np.rint(levels / 257))
    assert picture.notices == ("16 bits a channel reduced to 8",)


def test_16_bit_grey_where_white_is_zero() -> None:
    levels = np.array([[0, 257, 65535]], np.uint16)
    content = saved(Image.fromarray(levels), "TIFF", tiffinfo={262: 0})
    assert read_picture(content).pixels[..., 0].tolist() == [[255, 254, 0]]


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bit_colour_keeps_the_high_byte(channels: int) -> None:
    deep = drawn(channels=channels).astype(np.uint16) * 256 + 77
    picture = read_picture(png(deep, {2: 4, 3: 2, 4: 6}[channels]))
    np.testing.assert_array_equal(picture.pixels, deep >> 8)
    assert picture.notices == ("16 bits a channel reduced to 8",)


def test_16_bit_colour_of_a_ppm() -> None:
    picture = read_picture(b"P6 1 1 65535\n" + struct.pack(">3H", 0, 257 * 9, 65535))
    assert picture.pixels.tolist() == [[[0, 9, 255]]]
    assert picture.notices == ("16 bits a channel reduced to 8",)


def float_tiff(samples: list[float]) -> bytes:
    return saved(Image.fromarray(np.array([samples], np.float32)), "TIFF")


@pytest.mark.parametrize(
    ("samples", "expected", "notice"),
    [
        ([0, 0.25, 0.5, 0.998], [0, 64, 128, 254], "taken as 0 to 1"),
        ([0, 0.25, 100.4, 255], [0, 0, 100, 255], "taken as 0 to 255"),
        ([-1, 0, 4], [0, 51, 255], "from -1 to 4 stretched"),
        ([300, 400], [0, 255], "from 300 to 400 stretched"),
        ([300, 300], [0, 0], "from 300 to 300 stretched"),
    ],
)
def test_float_samples(samples: list[float], expected: list[int], notice: str) -> None:
    picture = read_picture(float_tiff(samples))
    assert picture.pixels[0, :, 0].tolist() == expected
    assert notice in picture.notices[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_float_samples_that_are_not_finite(bad: float) -> None:
    with pytest.raises(InvalidImageError, match="infinite or not a number"):
        read_picture(float_tiff([0, bad]))


def test_32_bit_samples() -> None:
    wide = Image.fromarray(np.array([[-100, 0, 156]], np.int32))
    picture = read_picture(wide)
    assert picture.pixels[..., 0].tolist() == [[0, 100, 255]]
    assert "stretched" in picture.notices[0]
    unsigned = struct.pack("<3I", 0, 2**32 - 1, 2**31)
    content = tiff({256: 3, 257: 1, 258: 32, 262: 1, 273: 8, 279: 12}, unsigned)
    assert read_picture(content).pixels[..., 0].tolist() == [[0, 255, 128]]


# Colour


def test_modes_without_a_profile() -> None:
    image = Image.fromarray(drawn())
    for mode in ("YCbCr", "HSV"):
        converted = image.convert(mode)
        np.testing.assert_array_equal(
            read_picture(converted).pixels, np.asarray(converted.convert("RGB"))
        )
    cmyk = Image.new("CMYK", (1, 1), (255, 0, 0, 0))
    for source in (cmyk, saved(cmyk, "TIFF")):
        picture = read_picture(source)
        assert picture.pixels.tolist() == [[[0, 255, 255]]]
        assert "CMYK without a colour profile" in picture.notices[0]


@pytest.mark.parametrize(
    ("lab", "expected"), [((255, 128, 128), 255), ((0, 128, 128), 0), ((137, 128, 128), 128)]
)
def test_lab(lab: tuple[int, int, int], expected: int) -> None:
    image = Image.frombytes("LAB", (1, 1), bytes([lab[0], 0, 0]))
    pixels = read_picture(saved(image, "TIFF")).pixels
    assert np.abs(pixels.astype(int) - expected).max() <= 2


def test_premultiplied_alpha() -> None:
    image = Image.new("RGBA", (1, 1), (200, 100, 0, 128)).convert("RGBa")
    pixels = read_picture(image).pixels[0, 0].astype(int)
    assert np.abs(pixels - (200, 100, 0, 128)).max() <= 2


def test_cmyk_profile() -> None:
    inks = Image.new("CMYK", (2, 1), (255, 0, 0, 0))
    inks.putpixel((1, 0), (0, 0, 0, 255))
    picture = read_picture(saved(inks, "TIFF", icc_profile=black_only_cmyk_profile()))
    assert picture.pixels.tolist() == [[[255] * 3, [0] * 3]]
    assert picture.notices == ("colours converted from 'test CMYK' to sRGB",)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("channels", [3, 4])
def test_rgb_profile(format: str, channels: int) -> None:
    pixels = drawn(channels=channels)
    content = saved(pixels, format, icc_profile=swapped_rgb_profile(), lossless=True, exact=True)
    picture = read_picture(content)
    expected = pixels[..., [1, 0, *range(2, channels)]]
    far = np.abs(picture.pixels.astype(int) - expected)
    assert far[..., :3].max() <= 10  # gamma 2.2 is not quite the curve of sRGB
    assert channels == 3 or far[..., 3].max() == 0
    assert picture.notices == ("colours converted from 'test RGB' to sRGB",)


def test_rgb_profile_of_a_palette() -> None:
    content = palette_png([1], chunk(b"iCCP", b"x\0\0" + zlib.compress(swapped_rgb_profile())))
    pixels = read_picture(content).pixels[0, 0].astype(int)
    assert np.abs(pixels - (100, 200, 0)).max() <= 4


def test_grey_profile() -> None:
    levels = np.array([[0, 55, 128, 255]], np.uint8)
    linear = levels / 255
    expected = 255 * np.where(
        linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    for format in ("PNG", "TIFF"):
        picture = read_picture(saved(levels, format, icc_profile=linear_grey_profile()))
        assert np.abs(picture.pixels[..., 0] - expected).max() <= 1.5
        assert picture.notices == ("grey levels converted from 'test GRAY' to sRGB",)
    deep = Image.fromarray(levels.astype(np.uint16) * 257)
    picture = read_picture(saved(deep, "TIFF", icc_profile=linear_grey_profile()))
    assert np.abs(picture.pixels[..., 0] - expected).max() <= 1.5


def test_srgb_profile_changes_nothing() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for pixels in (drawn(), drawn(channels=4), drawn()[..., 0]):
        picture = read_picture(saved(pixels, icc_profile=icc))
        np.testing.assert_array_equal(picture.pixels.squeeze(), pixels)
        assert picture.notices == ()


@pytest.mark.parametrize(
    ("icc", "notice"),
    [
        (b"not a profile", "ignored, it is broken"),
        (swapped_rgb_profile()[:200], "ignored"),
        (black_only_cmyk_profile(), "made for CMYK, not RGB"),
        (linear_grey_profile(), "made for GRAY, not RGB"),
    ],
)
def test_profile_that_cannot_be_used(icc: bytes, notice: str) -> None:
    picture = read_picture(saved(drawn(), icc_profile=icc))
    np.testing.assert_array_equal(picture.pixels, drawn())
    assert len(picture.notices) == 1
    assert notice in picture.notices[0]


def test_profile_that_cannot_be_unpacked() -> None:
    picture = read_picture(png(drawn(), 2, chunk(b"iCCP", b"x\0\0not compressed")))
    np.testing.assert_array_equal(picture.pixels, drawn())
    assert picture.notices == ("colour profile ignored, it is broken",)


# Orientation, frames


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF"])
def test_orientation(orientation: int, format: str) -> None:
    upright = Image.fromarray(np.kron(drawn(3, 2), np.ones((16, 16, 1), np.uint8)))
    # What turns the upright picture into the stored one: the inverse of what a viewer must do.
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(inverse[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[274] = orientation
    settings: dict[str, dict[str, Any]] = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 98},
        "AVIF": {"quality": 95},
    }
    content = saved(stored, format, exif=exif, **settings.get(format, {}))
    pixels = read_picture(content).pixels
    assert pixels.shape == (48, 32, 3)
    far = np.abs(pixels.astype(int) - np.asarray(upright)).mean()
    assert far <= (0 if format in ("PNG", "TIFF", "WEBP") else 6)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_orientation_that_does_not_exist(value: object) -> None:
    exif = Image.Exif()
    exif[274] = value
    np.testing.assert_array_equal(read_picture(saved(drawn(), exif=exif)).pixels, drawn())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_first_frame_only(format: str) -> None:
    black, white = Image.new("RGB", (32, 32)), Image.new("RGB", (32, 32), "white")
    picture = read_picture(saved(black, format, save_all=True, append_images=[white]))
    assert picture.pixels.max() <= 2
    assert picture.notices == ("only the first frame or page is read",)


# Formats and damage


def attempt(content: bytes) -> tuple[str, ...] | None:
    """The notices of a picture, or None for one of the errors that damage may lead to."""
    try:
        return read_picture(content, max_pixels=100_000).notices
    except (InvalidImageError, LimitError) as exc:
        if len(str(exc).splitlines()) != 1:
            pytest.fail(repr(exc))
        return None


@pytest.mark.parametrize("format", READ_FORMATS)
def test_every_format_at_every_length(format: str) -> None:
    content = picture_bytes(np.kron(drawn(4, 5), np.ones((4, 4, 1), np.uint8)), format)[0]
    assert attempt(content) == ()
    for length in range(0, len(content) - 1, max(1, len(content) // 60)):
        notices = attempt(content[:length])
        assert notices is None or notices == ("the end of the file is missing, but no pixel is",)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", READ_FORMATS)
def test_flipped_bits_raise_nothing_else(format: str) -> None:
    rng = np.random.default_rng(5)
    content = picture_bytes(drawn(20, 30), format)[0]
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        notices = attempt(bytes(damaged))
        assert notices is None or format != "PNG"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x89", "not a picture"),
        (b"P", "not a picture"),
        (b"P9 1 1 255\n\0", "not a picture"),
        (b"BM", "cannot be read"),
        (b"some text", "not a picture"),
        (bytes(4096), "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "not a picture"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "not a picture"),
        (b"\x08\x08\x12\x07imcodec and more", "this is an imcodec file"),
        (png(drawn(), 2)[:8], "header chunk is missing"),
        (png(drawn()[..., :1], 3), "the palette is missing"),
        (png(drawn(), 5), "colour type 5 with 8 bits"),
        (png(drawn()[:0], 2), "its size is 7x0"),
        (png(drawn(), 2).replace(b"IDAT", b"idat"), "fails its checksum"),
        (png(drawn(), 2, b"\0\0\0\1\0\0\0\0"), "chunk header is damaged"),
        (png(drawn(), 2, chunk(b"tRNS", b"\0")), "tRNS is too short"),
        (png(drawn(), 2)[:-30], "truncated inside chunk IDAT"),
    ],
)
def test_damaged_file(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidImageError, match=reason) as caught:
        read_picture(content, name="bird.png")
    assert str(caught.value).startswith("bird.png: ")
    assert len(str(caught.value).splitlines()) == 1


def test_checksum_of_pixel_data() -> None:
    content = bytearray(png(drawn(), 2))
    content[content.index(b"IEND") - 8] ^= 1  # a bit of the last checksum, no pixel
    with pytest.raises(InvalidImageError, match="IDAT fails its checksum"):
        read_picture(bytes(content))


@pytest.mark.parametrize(
    "failure",
    [
        OSError("a\nb"),
        SyntaxError("odd"),
        ValueError(),
        struct.error("x"),
        zlib.error("x"),
        EOFError(),
        OverflowError("x"),
        KeyError("MPO"),
        IndexError(),
        TypeError("x"),
        RecursionError("deep"),
        AssertionError(),
        RuntimeError("x"),
        UserWarning("x"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_whatever_pillow_raises(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise failure

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    with pytest.raises(InvalidImageError) as caught:
        read_picture(saved(drawn()))
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.__cause__ is failure


def test_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    with pytest.raises(LimitError, match="too large for memory"):
        read_picture(saved(drawn()))


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(InvalidImageError, match="there is no such file"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(InvalidImageError, match="it is a directory"):
        read_picture(tmp_path)
    with pytest.raises(InvalidImageError, match="null") as caught:
        read_picture("a\0b.png")
    assert "\0" not in str(caught.value)
    with pytest.raises(InvalidImageError) as caught:
        read_picture(tmp_path / "two\nlines.png")
    assert len(str(caught.value).splitlines()) == 1
    if os.name == "posix" and os.geteuid() != 0:
        (tmp_path / "locked.png").touch(0)
        with pytest.raises(InvalidImageError, match="no permission"):
            read_picture(tmp_path / "locked.png")


# Limits


def test_limit_is_exact() -> None:
    content = saved(drawn(10, 10))
    assert read_picture(content, max_pixels=100).pixels.size == 300
    assert read_picture(content, max_pixels=0).pixels.size == 300
    for source in (content, Image.fromarray(drawn(10, 10))):
        with pytest.raises(LimitError, match="10x10 is 100 pixels, the limit is 99"):
            read_picture(source, max_pixels=99)


def test_warning_of_pillow_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    assert read_picture(saved(drawn())).pixels.shape == (9, 7, 3)  # 63 pixels, warnings are errors


def test_file_far_too_long(tmp_path: Path) -> None:
    path = tmp_path / "long.bmp"
    with path.open("wb") as stream:
        stream.write(b"BM")
        stream.truncate(70 << 20)  # takes no room on the disk
    with pytest.raises(LimitError, match="far more than"):
        read_picture(path, max_pixels=1000)
    with path.open("rb") as stream, pytest.raises(LimitError, match="longer than the limit"):
        read_picture(stream, max_pixels=1000)


BOMBS = {
    "png": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(1000)))
    + chunk(b"IEND"),
    "text": png(drawn(), 2, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20 << 20)))),
    "profile": png(drawn(), 2, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(20 << 20)))),
    "ppm": b"P6 100000 100000 255\n" + bytes(100),
    "bmp": b"BM"
    + struct.pack("<IHHIIiiHHIIiiII", 200, 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0)
    + bytes(100),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"," + bytes(60),
    "webp": b"RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xfe\x3f\0" * 2 + bytes(30),
    "tiff": tiff({256: 90000, 257: 90000, 258: 8, 262: 1, 273: 8}),
    "jpeg": saved(drawn(), "JPEG").replace(
        b"\x08" + struct.pack(">HH", 9, 7), b"\x08\xff\xff\xff\xff"
    ),
}


def test_bombs_take_no_memory() -> None:
    program = (
        "import pickle, resource, sys, time\n"
        "from imcodec.errors import ImcodecError\n"
        "from imcodec.image import read_picture\n"
        "bombs = pickle.load(sys.stdin.buffer)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for name, content in bombs.items():\n"
        "    try:\n"
        "        print(name, read_picture(content).pixels.shape)\n"
        "    except ImcodecError as exc:\n"
        "        print(name, type(exc).__name__, exc)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    pytest.importorskip("resource")
    import pickle

    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        input=pickle.dumps(BOMBS),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    *lines, growth = run.stdout.decode().splitlines()
    outcomes = dict(line.split(" ", 2)[:2] for line in lines)
    assert int(growth) < 60
    assert set(outcomes) == set(BOMBS)
    assert {"LimitError", "InvalidImageError"} >= set(outcomes.values())
    for name in ("png", "ppm", "bmp", "tiff", "jpeg", "gif"):
        assert outcomes[name] == "LimitError", lines


def test_default_limit() -> None:
    assert MAX_PIXELS == 178_956_970


# Writing


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats(format: str, channels: int) -> None:
    pixels = drawn(channels=channels)
    content, notices = picture_bytes(pixels, format)
    back = read_picture(content).pixels
    assert notices == ()
    assert back.shape[2] == (3 if format == "WEBP" else channels)
    np.testing.assert_array_equal(back, np.broadcast_to(pixels, back.shape))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("channels", [2, 4])
def test_lossless_formats_with_alpha(format: str, channels: int) -> None:
    pixels = drawn(channels=channels)
    pixels[0, 0, -1] = 0
    content, notices = picture_bytes(pixels, format)
    back = read_picture(content).pixels
    assert notices == ()
    if channels == 2 and format == "WEBP":
        back = back[..., [0, 3]]
    np.testing.assert_array_equal(back, pixels)


@pytest.mark.parametrize("format", ["JPEG", "AVIF"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossy_formats(format: str, channels: int) -> None:
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    pixels = np.stack([x * 3, y * 4, x + y], -1)[..., :channels].astype(np.uint8)
    back = read_picture(picture_bytes(pixels, format)[0]).pixels
    assert back.shape == pixels.shape
    assert np.abs(back.astype(int) - pixels).max() <= 8


@pytest.mark.parametrize("channels", [2, 4])
def test_avif_keeps_alpha(channels: int) -> None:
    pixels = np.full((32, 32, channels), 100, np.uint8)
    back = read_picture(picture_bytes(pixels, "avif")[0]).pixels
    assert back.shape == pixels.shape
    assert np.abs(back.astype(int) - 100).max() <= 3


@pytest.mark.parametrize("format", ["JPEG", "BMP", "PPM", "GIF"])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_over_white(format: str, channels: int) -> None:
    pixels = np.zeros((16, 16, channels), np.uint8)
    pixels[:8, :, -1] = 255
    content, notices = picture_bytes(pixels, format)
    back = read_picture(content).pixels.astype(int)
    assert back.shape[2] == channels - 1 or format == "GIF"
    assert np.abs(back[:8]).max() <= 1
    assert np.abs(back[8:] - 255).max() <= 1
    assert notices == (f"{format} holds no transparency, white background put in",)


def test_alpha_over_white_is_rounded_exactly() -> None:
    level, alpha = np.meshgrid(np.arange(256), np.arange(256))
    pixels = np.stack([level, alpha], -1).astype(np.uint8)
    back = read_picture(picture_bytes(pixels, "ppm")[0]).pixels[..., 0]
    np.testing.assert_array_equal(back, np.rint((level * alpha + 255 * (255 - alpha)) / 255))


def test_gif_has_256_colours() -> None:
    few = drawn(4, 4)
    content, notices = picture_bytes(few, "gif")
    np.testing.assert_array_equal(read_picture(content).pixels, few)
    assert notices == ()
    many = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    _, notices = picture_bytes(many, "gif")
    assert notices == ("colours reduced to the 256 that GIF can hold",)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.png", b"\x89PNG"),
        ("a.JPG", b"\xff\xd8"),
        ("a.jpeg", b"\xff\xd8"),
        ("a.tif", b"II"),
        ("a.pgm", b"P5"),
        ("a.b.bmp", b"BM"),
    ],
)
def test_format_by_extension(name: str, start: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    assert write_picture(drawn(channels=1), path) == ()
    assert path.read_bytes().startswith(start)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_format_by_name(tmp_path: Path) -> None:
    write_picture(drawn(), tmp_path / "noext", "png")
    np.testing.assert_array_equal(read_picture(tmp_path / "noext").pixels, drawn())
    stream = io.BytesIO()
    notices = write_picture(drawn(channels=4), stream, ".jpg")
    assert stream.getvalue().startswith(b"\xff\xd8")
    assert len(notices) == 1


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.", ".png", "a.eps", "a.onnx", "a.pdf"])
def test_unknown_extension(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_picture(drawn(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_writing_that_fails(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the format"):
        write_picture(drawn(), io.BytesIO())
    with pytest.raises(UsageError, match="float64"):
        picture_bytes(np.zeros((3, 3)), "png")  # type: ignore[arg-type]
    for form in ((3, 3, 5), (3,), (0, 3, 3)):
        with pytest.raises(UsageError):
            picture_bytes(np.zeros(form, np.uint8), "png")
    with pytest.raises(OutputError, match="1x17000 pixels cannot be stored as WEBP"):
        picture_bytes(np.zeros((17000, 1, 3), np.uint8), "webp")
    with pytest.raises(OutputError, match="create it first"):
        write_picture(drawn(), tmp_path / "none" / "a.png")
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(OutputError, match="stream cannot be written"):
        write_picture(drawn(), closed, "png")

"""The codecs that people would use instead, all by way of Pillow, each with slow, fair settings."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import PIL
from PIL import Image, features

from imcodec.bench.codec import CPU, Codec, CodedFile
from imcodec.colour import Pixels


def pillow_codec(
    name: str,
    label: str,
    described: str,
    ladder: Sequence[float],
    *,
    format: str,
    options: Callable[[float, int], dict[str, Any]],
    library: str | None = None,
    mime: str | None = None,
    needs: str | None = None,
) -> Codec:
    """A codec behind Image.save(). `options` are its keywords for a setting and threads."""

    def encode(pixels: Pixels, setting: float, threads: int, device: str) -> CodedFile:
        _register(needs)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format, **options(setting, threads))
        return CodedFile(stream.getvalue())

    def decode(data: bytes, threads: int) -> Pixels:
        _register(needs)
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))

    def version() -> str:
        if needs:
            from importlib.metadata import version as installed

            return f"pillow-jxl-plugin {installed('pillow-jxl-plugin')}"
        return f"Pillow {PIL.__version__}, {library} {features.version(library or '')}"

    def warm_up(device: str) -> object:
        small = np.zeros((16, 16, 3), np.uint8)
        return decode(encode(small, ladder[0], 1, CPU).data, 1)

    return Codec(
        name=name,
        label=label,
        described=described,
        ladder=tuple(ladder),
        extension={"JPEG2000": ".jp2"}.get(format, f".{format.lower()}"),
        encode=encode,
        decode=decode,
        version=version,
        warm_up=warm_up,
        mime=mime,
        needs=needs,
    )


def _register(plugin: str | None) -> None:
    if plugin:
        from importlib import import_module

        import_module(plugin)


def _jpeg(progressive: bool) -> Callable[[float, int], dict[str, Any]]:
    def options(quality: float, threads: int) -> dict[str, Any]:
        return {
            "quality": max(1, int(quality)),
            "optimize": True,
            "progressive": progressive,
            "subsampling": "4:4:4" if quality >= 90 else "4:2:0",
        }

    return options


def _avif(subsampling: str) -> Callable[[float, int], dict[str, Any]]:
    def options(quality: float, threads: int) -> dict[str, Any]:
        return {
            "quality": int(quality),
            "speed": 4,
            "subsampling": subsampling,
            # more make larger files, and rows must not depend on the number of workers
            "max_threads": 1,
        }

    return options


def _jxl(effort: int) -> Callable[[float, int], dict[str, Any]]:
    return lambda quality, threads: {
        "quality": float(quality),
        "effort": effort,
        "num_threads": threads,
    }


def _jpeg2000(quality: float, threads: int) -> dict[str, Any]:
    return {
        "quality_mode": "dB",
        "quality_layers": [22 + 0.2 * quality],
        "irreversible": True,
        # Pillow leaves the colour transform out unless asked, at more than twice the bytes.
        "mct": 1,
    }


_AVIF_LADDER = (5, 10, 20, 35, 50, 65, 75, 85, 90)
_JXL_LADDER = (5, 10, 20, 30, 45, 60, 75, 85, 90)
_JPEG_LADDER = (5, 10, 20, 30, 50, 70, 80, 90, 95)

#: in the order of reports
OTHERS = (
    pillow_codec(
        "jpeg",
        "JPEG",
        "Pillow, optimised Huffman tables; 4:2:0, from quality 90 on 4:4:4",
        _JPEG_LADDER,
        format="JPEG",
        options=_jpeg(progressive=False),
        library="libjpeg_turbo",
        mime="image/jpeg",
    ),
    pillow_codec(
        "jpeg-progressive",
        "JPEG, progressive",
        "Pillow, progressive, optimised Huffman tables; 4:2:0, from quality 90 on 4:4:4",
        _JPEG_LADDER,
        format="JPEG",
        options=_jpeg(progressive=True),
        library="libjpeg_turbo",
        mime="image/jpeg",
    ),
    pillow_codec(
        "webp",
        "WebP",
        "Pillow, lossy, method 6 (the slowest)",
        (0, 5, 10, 20, 40, 60, 80, 90, 95),
        format="WEBP",
        options=lambda quality, threads: {"quality": int(quality), "method": 6},
        library="webp",
        mime="image/webp",
    ),
    pillow_codec(
        "avif-420",
        "AVIF 4:2:0",
        "Pillow, speed 4, 4:2:0, one thread",
        _AVIF_LADDER,
        format="AVIF",
        options=_avif("4:2:0"),
        library="avif",
        mime="image/avif",
    ),
    pillow_codec(
        "avif-444",
        "AVIF 4:4:4",
        "Pillow, speed 4, 4:4:4, one thread",
        _AVIF_LADDER,
        format="AVIF",
        options=_avif("4:4:4"),
        library="avif",
        mime="image/avif",
    ),
    pillow_codec(
        "jxl",
        "JPEG XL",
        "pillow-jxl-plugin, effort 7 (its default)",
        _JXL_LADDER,
        format="JXL",
        options=_jxl(7),
        needs="pillow_jxl",
    ),
    pillow_codec(
        "jxl-e9",
        "JPEG XL, effort 9",
        "pillow-jxl-plugin, effort 9 (slow)",
        _JXL_LADDER,
        format="JXL",
        options=_jxl(9),
        needs="pillow_jxl",
    ),
    pillow_codec(
        "jpeg2000",
        "JPEG 2000",
        "Pillow, 9/7 wavelet, colour transform, asked for 22 + quality / 5 dB",
        (10, 25, 40, 55, 70, 85, 100),
        format="JPEG2000",
        options=_jpeg2000,
        library="jpg_2000",
    ),
)

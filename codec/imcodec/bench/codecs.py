"""The codecs that are measured: how each is called, and with what settings.

A setting is a quality from 0 to 100 on the codec's own scale. Pictures are uint8 RGB
[H, W, 3].
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

from imcodec.bench import ours
from imcodec.errors import MissingExtraError, UsageError

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Codec:
    """One way to make a file of a picture. Two efforts of one encoder are two codecs."""

    #: as it is written in rows and on the command line
    name: str
    #: as it is shown
    label: str
    #: encoder and settings in words, for the report
    described: str
    #: settings that are measured if nobody asks for others
    ladder: tuple[float, ...]
    extension: str
    #: the file for pixels and a setting, on so many threads
    encode: Callable[[Pixels, float, int], bytes]
    #: the pixels of a file, on so many threads
    decode: Callable[[bytes, int], Pixels]
    #: versions of what does the work
    version: Callable[[], str]
    #: what must be done once in a process so that the next call is no slower than those after it
    warm_up: Callable[[], object]
    #: type for <img> where browsers show the file itself
    mime: str | None = None
    #: whether its files are ours
    is_ours: bool = False
    #: a package that must be there
    needs: str | None = None

    def require(self) -> None:
        """Raise MissingExtraError where the codec cannot run."""
        if self.needs and find_spec(self.needs) is None:
            package = "pillow-jxl-plugin" if self.needs == "pillow_jxl" else self.needs
            raise MissingExtraError(f'{self.name} needs {package}; pip install "imcodec[bench]"')


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

    def encode(pixels: Pixels, setting: float, threads: int) -> bytes:
        _register(needs)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format, **options(setting, threads))
        return stream.getvalue()

    def decode(data: bytes, threads: int) -> Pixels:
        _register(needs)
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))

    def version() -> str:
        if needs:
            from importlib.metadata import version as installed

            return f"pillow-jxl-plugin {installed('pillow-jxl-plugin')}"
        return f"Pillow {PIL.__version__}, {library} {features.version(library or '')}"

    def warm_up() -> object:
        small = np.zeros((16, 16, 3), np.uint8)
        return decode(encode(small, ladder[0], 1), 1)

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


_AVIF_LADDER = (10, 20, 35, 50, 65, 75, 85, 90)
_JXL_LADDER = (10, 20, 30, 45, 60, 75, 85, 90, 95)
_JPEG_LADDER = (5, 10, 20, 30, 50, 70, 80, 90, 95)

_PILLOW = (
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


def _of_ours(made: ours.Ours) -> Codec:
    return Codec(
        name=made.name,
        label=made.label,
        described=made.described,
        ladder=made.ladder,
        extension=".onnx",
        encode=made.encode,
        decode=ours.decode,
        version=ours.version,
        warm_up=made.warm_up,
        is_ours=True,
    )


#: every codec but the efforts of ours, in the order of reports
CODECS: dict[str, Codec] = {
    **{codec.name: codec for codec in map(_of_ours, ours.OTHERS)},
    **{codec.name: codec for codec in _PILLOW},
}
#: what is measured if nobody asks for anything else; "imcodec" stands for all efforts asked for
DEFAULT = ("imcodec", "jpeg", "webp", "avif-420", "avif-444", "jxl", "jpeg2000")
_COMMON = DEFAULT[1:]
#: colours that the report and the plots have for codecs of ours; each of the others has its own
COLOURS_OF_OURS = 6
NAMES = ("imcodec", *CODECS)


def colour_numbers(names: Sequence[str]) -> dict[str, int]:
    """A number for the colour of each codec, ours and the others counted apart.

    The others keep theirs whatever they are shown with.
    """
    others = [codec.name for codec in _PILLOW if codec.name in _COMMON]
    others += [codec.name for codec in _PILLOW if codec.name not in others]
    ours_first = [name for name in names if codec_named(name).is_ours]
    return {name: i % COLOURS_OF_OURS for i, name in enumerate(ours_first)} | {
        name: others.index(name) for name in names if name in others
    }


def codec_named(name: str) -> Codec:
    """The codec of this name; `imcodec-e5` is our pyramid at effort 5. Raises UsageError."""
    if name in CODECS:
        return CODECS[name]
    prefix, _, effort = name.partition("-e")
    if prefix == "imcodec" and effort.isascii() and effort.isdigit():
        return _of_ours(ours.pyramid(int(effort)))
    raise UsageError(f"codec '{name}' is unknown; choose from {', '.join(NAMES)}")


def chosen_codecs(names: Sequence[str], efforts: Sequence[int]) -> list[Codec]:
    """The codecs of these names, `imcodec` at each of the efforts. Raises UsageError."""
    expanded = [
        expanded
        for name in names
        for expanded in (
            [f"imcodec-e{effort}" for effort in efforts] if name == "imcodec" else [name]
        )
    ]
    return [codec_named(name) for name in dict.fromkeys(expanded)]

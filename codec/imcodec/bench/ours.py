"""Our own codecs as the bench sees them: the pyramid at an effort, the mlp, the article's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from imcodec.bench.codec import CPU, Codec, CodedFile
from imcodec.colour import Pixels
from imcodec.errors import TargetError
from imcodec.mlp_settings import (
    BITS_PER_PIXEL,
    MAX_WIDTH,
    MIN_WIDTH,
    RECIPES,
    MlpSettings,
    mlp_settings_from,
)
from imcodec.pyramid.settings import PyramidSettings
from imcodec.settings import EncodeSettings

#: pixels that a bare runtime draws in one call
MOST_IN_ONE_PIECE = 4_000_000


def _codec(
    name: str,
    label: str,
    described: str,
    ladder: tuple[float, ...],
    settings: Callable[[Pixels, float, int], EncodeSettings],
    shortest: EncodeSettings,
    to_size: Callable[[Pixels, int], bytes] | None = None,
) -> Codec:
    """A model of ours: its settings for pixels, a quality and threads, and those of a short fit."""

    def encode(pixels: Pixels, setting: float, threads: int, device: str) -> CodedFile:
        from imcodec.encoder import encode_picture

        chosen = replace(settings(pixels, setting, threads), device=device)
        made = encode_picture(pixels, chosen)
        return CodedFile(made.data, made.device)

    def warm_up(device: str) -> object:
        from imcodec.encoder import encode_picture

        small = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
        return decode(encode_picture(small, replace(shortest, device=device)).data, 1)

    return Codec(
        name=name,
        label=label,
        described=described,
        ladder=ladder,
        extension=".onnx",
        encode=encode,
        decode=decode,
        version=partial(version, isinstance(shortest, MlpSettings)),
        warm_up=warm_up,
        is_ours=True,
        to_size=to_size,
    )


def decode(data: bytes, threads: int) -> Pixels:
    """The pixels of a file of ours, as `imcodec decode` gives them."""
    from imcodec.decoder import decode as decoded

    return decoded(data, threads=threads)


def shown(data: bytes) -> Pixels:
    """The pixels of a file of ours as a stock onnxruntime shows them, with nothing of ours set.

    Pictures of more than 4 megapixels, which a bare runtime draws in one piece, are those of
    decode(), which differ by one level at most.
    """
    from imcodec.container import info
    from imcodec.runtime import Session

    header = info(data)
    width, height = header.width, header.height
    if width * height > MOST_IN_ONE_PIECE:
        return decode(data, 0)
    x, y = ((2 * np.arange(side) + 1) / side - 1 for side in (width, height))
    grid = np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)
    pixels: Pixels = Session(data, stock=True).run(["rgb"], {"grid": grid})[0][0]
    return pixels


def pyramid(effort: int) -> Codec:
    """The pyramid at an effort of 1 to 9. Raises UsageError."""

    def settings(pixels: Pixels, quality: float, threads: int) -> PyramidSettings:
        return PyramidSettings(quality=quality, effort=effort, threads=threads)

    def to_size(pixels: Pixels, size: int) -> bytes:
        from imcodec.encoder import encode_picture

        try:
            chosen = PyramidSettings(effort=effort, target_size=size, device=CPU)
            return encode_picture(pixels, chosen).data
        except TargetError as error:
            if error.nearest is None:
                raise
            return error.nearest.data

    return _codec(
        name=f"imcodec-e{effort}",
        label=f"imcodec, effort {effort}",
        described=f"pyramid, --effort {effort}, "
        f"{PyramidSettings(effort=effort).chosen_steps} steps; quality is --quality",
        ladder=(0, 25, 50, 75, 100),
        settings=settings,
        shortest=PyramidSettings(steps=1),
        to_size=to_size,
    )


def _mlp(pixels: Pixels, setting: float, threads: int) -> MlpSettings:
    # it chooses its threads by itself: small steps are slower on several
    return MlpSettings(
        widths=(width_for(pixels.shape[0] * pixels.shape[1], bits_for(setting)),) * 2
    )


def bits_for(quality: float) -> float:
    """Bits a pixel of the mlp's weights: 25 more double them; 50 is the default network."""
    return float(BITS_PER_PIXEL * 2 ** (quality / 25 - 2))


def width_for(pixels: int, bits: float) -> int:
    """Width of the mlp's two layers so that its weights take about `bits` bits a pixel."""
    weights = pixels * bits / MlpSettings.bits
    inputs = 2 * MlpSettings.frequencies
    width = round(math.sqrt(inputs**2 / 4 + weights) - inputs / 2)
    return max(MIN_WIDTH, min(MAX_WIDTH, width))


def _recipe(name: str) -> Codec:
    def settings(pixels: Pixels, setting: float, threads: int) -> MlpSettings:
        return mlp_settings_from(recipe=name)

    return _codec(
        name=name,
        label=f"article, network {name[-1]}",
        described=f"mlp, --recipe {name}; no qualities",
        ladder=(1,),
        settings=settings,
        shortest=mlp_settings_from(recipe=name, epochs=1, finetune=0),
    )


@cache
def version(is_mlp: bool = False) -> str:
    """Version of the package, and a digest of its code: another encoder's rows are not ours.

    An mlp's rows are not made again because the pyramid's code has changed.
    """
    from imcodec import __version__

    package = Path(__file__).parents[1]
    left_out = ("bench", "pyramid") if is_mlp else ("bench",)
    digest = sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".safetensors") and path.parent.name not in left_out:
            digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return f"imcodec {__version__} ({digest.hexdigest()[:8]})"


def parts(data: bytes) -> dict[str, Any]:
    """Where the bytes of a file of ours went: graph, weights, payload, header."""
    from imcodec.container import info

    count = info(data).bytes
    return {name: getattr(count, name) for name in ("graph", "weights", "payload", "header")}


#: those that have no effort
WITHOUT_EFFORT = (
    _codec(
        name="imcodec-mlp",
        label="imcodec, mlp",
        described="mlp with its default training; quality q stands for the width whose weights "
        "take 0.05 * 2^(q / 25) bits a pixel",
        ladder=(0, 25, 50, 75, 100),
        settings=_mlp,
        shortest=MlpSettings(widths=(8, 8), epochs=1, finetune=1),
    ),
    *(_recipe(name) for name in RECIPES),
)

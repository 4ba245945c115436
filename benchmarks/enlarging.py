"""Is a picture at scale 2 as good as one that is enlarged afterwards?

    python benchmarks/enlarging.py PICTURE... [--quality 75] [--effort 3]

Each picture is reduced by 2 (mean of 2x2 pixels), encoded, and decoded at scale 2; PSNR and SSIM
against the picture itself, beside what Pillow makes of the decode at scale 1, and what a bare
onnxruntime draws at twice as many points.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image
from probe import pixel_grid
from skimage.metrics import structural_similarity

from imcodec import decode, encode
from imcodec.metrics import psnr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--quality", type=float, default=75)
    parser.add_argument("--effort", type=int, default=3)
    arguments = parser.parse_args()
    print(
        "| picture | bytes | imcodec --scale 2 | Lanczos | bicubic | bilinear | bare onnxruntime |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for path in arguments.pictures:
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        width, height = photo.width // 2 * 2, photo.height // 2 * 2
        photo = photo.crop((0, 0, width, height))
        small = np.asarray(photo.reduce(2))
        data = encode(small, quality=arguments.quality, effort=arguments.effort)
        cells = [score(photo, view) for view in views(data, width, height)]
        print("|", " | ".join([path.stem, f"{len(data):,}", *cells]), "|", flush=True)


def views(data: bytes, width: int, height: int) -> list[NDArray[np.uint8]]:
    """The picture at twice its size in several ways."""
    plain = Image.fromarray(decode(data))
    kinds = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)
    bare = ort.InferenceSession(data).run(None, {"grid": pixel_grid(width, height)})[0]
    enlarged = [np.asarray(plain.resize((width, height), kind)) for kind in kinds]
    return [decode(data, scale=2), *enlarged, np.asarray(bare)[0]]


def score(photo: Image.Image, found: NDArray[np.uint8]) -> str:
    """PSNR in dB, and SSIM."""
    wanted = np.asarray(photo)
    similarity = structural_similarity(wanted, found, channel_axis=2)
    return f"{psnr(wanted, found):.2f} dB, {similarity:.4f}"


if __name__ == "__main__":
    main()

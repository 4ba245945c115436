"""The demo: draw a picture, encode it, decode it at 1x and 2x, compare. `make demo` runs it.

    python benchmarks/demo/run.py DIRECTORY

Leaves in DIRECTORY the picture (bird.png), the file (bird.onnx), what it decodes to (bird-1x.png,
bird-2x.png), the training curve and a sheet with the picture and the decoded one side by side.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from godwit import draw
from numpy.typing import NDArray

from imcodec import read_picture, write_picture
from imcodec.bench.codecs import codec_named
from imcodec.bench.matching import nearest_size
from imcodec.metrics import psnr, ssim

OTHERS = ("jpeg-progressive", "webp", "avif-444")


def main() -> None:
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    picture, coded = directory / "bird.png", directory / "bird.onnx"
    print("drawing a godwit ...", flush=True)
    write_picture(draw(), picture)
    imcodec("encode", picture, coded, "--effort", "4", "--plot", directory / "training-curve.png")
    imcodec("decode", coded, directory / "bird-1x.png", "-v")
    imcodec("decode", coded, directory / "bird-2x.png", "--scale", "2")
    imcodec("compare", picture, coded, "--side-by-side", directory / "side-by-side.png")
    print_table(picture, coded, directory / "bird-1x.png")
    print(f"\nLook at {directory / 'side-by-side.png'} and {directory / 'training-curve.png'}.")


def imcodec(*arguments: object) -> None:
    """Run a command as a user would, and show it."""
    words = [str(argument) for argument in arguments]
    print("\n$ imcodec", *words, flush=True)
    subprocess.run([sys.executable, "-m", "imcodec_cli", *words], check=True)


def print_table(picture: Path, coded: Path, decoded: Path) -> None:
    """Size and quality beside the codecs that people would use instead, at the nearest size."""
    pixels = read_picture(picture).pixels
    size = coded.stat().st_size
    print(f"\n{'':22}{'bytes':>9}{'bpp':>8}{'PSNR':>10}{'SSIM':>8}")
    print_row("imcodec", size, pixels, read_picture(decoded).pixels)
    for name in OTHERS:
        codec = codec_named(name)
        quality, data = nearest_size(size, lambda q, c=codec: c.encode(pixels, q, 1))  # type: ignore[misc]
        print_row(f"{codec.label} q{quality}", len(data), pixels, codec.decode(data, 1))


def print_row(name: str, size: int, pixels: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> None:
    """One line of the table."""
    height, width, _ = pixels.shape
    print(
        f"{name:22}{size:9,}{8 * size / (width * height):8.3f}"
        f"{psnr(pixels, decoded):7.2f} dB{ssim(pixels, decoded):8.3f}"
    )


if __name__ == "__main__":
    main()

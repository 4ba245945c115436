"""The demo: draw a picture, encode it, decode it at 1x and 2x, compare. `make demo` runs it.

    python benchmarks/demo/run.py DIRECTORY

Leaves in DIRECTORY the picture (bird.png), the file (bird.onnx), what it decodes to (bird-1x.png,
bird-2x.png), the training curve, a sheet with the picture and the decoded one side by side, and
rows.jsonl, whose copy in results/demo.jsonl is what tables.py makes the README's table of.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from godwit import draw

from imcodec import PyramidSettings, read_picture, write_picture
from imcodec.bench.codec import CPU, Codec
from imcodec.bench.codecs import codec_named
from imcodec.bench.machine import this_machine
from imcodec.bench.matching import nearest_size
from imcodec.bench.ours import shown
from imcodec.bench.plan import digest
from imcodec.bench.quality import measure_all
from imcodec.bench.rows import Row
from imcodec.colour import Pixels

EFFORT = 4
OTHERS = ("jpeg-progressive", "webp", "avif-444")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    picture, coded = directory / "bird.png", directory / "bird.onnx"
    print("drawing a godwit ...", flush=True)
    write_picture(draw(), picture)
    imcodec(
        "encode", picture, coded, "--effort", EFFORT, "--plot", directory / "training-curve.png"
    )
    imcodec("decode", coded, directory / "bird-1x.png", "-v")
    imcodec("decode", coded, directory / "bird-2x.png", "--scale", "2")
    imcodec("compare", picture, coded, "--side-by-side", directory / "side-by-side.png")
    rows = measured(picture, coded)
    lines = [json.dumps({"machine": this_machine()}), *(each.to_json() for each in rows)]
    (directory / "rows.jsonl").write_text("\n".join(lines) + "\n")
    print_table(rows)
    print(f"\nLook at {directory / 'side-by-side.png'} and {directory / 'training-curve.png'}.")


def imcodec(*arguments: object) -> None:
    """Run a command as a user would, and show it."""
    words = [str(argument) for argument in arguments]
    print("\n$ imcodec", *words, flush=True)
    subprocess.run([sys.executable, "-m", "imcodec_cli", *words], check=True)


def measured(picture: Path, coded: Path) -> list[Row]:
    """Our file, and those of the codecs that people would use instead at the nearest size."""
    pixels = read_picture(picture).pixels
    data = coded.read_bytes()
    own = codec_named(f"imcodec-e{EFFORT}")
    rows = [row(picture, pixels, own, PyramidSettings.quality, data, shown(data))]
    for name in OTHERS:
        codec = codec_named(name)

        def file(quality: int, codec: Codec = codec) -> bytes:
            return codec.encode(pixels, quality, 1, CPU).data

        quality, data = nearest_size(rows[0].bytes, file)
        rows.append(row(picture, pixels, codec, quality, data, codec.decode(data, 1)))
    return rows


def row(
    picture: Path, pixels: Pixels, codec: Codec, setting: float, data: bytes, decoded: Pixels
) -> Row:
    """Size and quality of one file."""
    height, width, _ = pixels.shape
    return Row(
        picture=picture.name,
        sha256=digest(pixels),
        width=width,
        height=height,
        codec=codec.name,
        setting=setting,
        version=codec.version(),
        bytes=len(data),
        quality=measure_all(pixels, decoded, ["psnr", "ssim"]),
        machine=this_machine()["id"],
    )


def print_table(rows: list[Row]) -> None:
    """The rows for people."""
    print(f"\n{'':34}{'bytes':>9}{'bpp':>8}{'PSNR':>10}{'SSIM':>8}")
    for each in rows:
        name = f"{codec_named(each.codec).label}, quality {each.setting:g}"
        print(
            f"{name:34}{each.bytes:9,}{each.bpp:8.3f}"
            f"{each.quality['psnr']:7.2f} dB{each.quality['ssim']:8.3f}"
        )


if __name__ == "__main__":
    main()

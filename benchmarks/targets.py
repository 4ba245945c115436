"""How well sizes and qualities that are asked for are hit, and what asking costs.

    python benchmarks/targets.py PICTURE... [--effort 1] [--qualities 40 70] [--side 256]
    python benchmarks/targets.py PICTURE... [--effort 1] --sizes 6000 8000 12000 [--side 256]

Every picture, reduced to --side pixels, is encoded at each quality; then for that file's bytes and
for its PSNR, both changed by --shift (nobody asks for what comes by itself). Prints, for each kind
of target, how many were hit, the largest distance, the processor time as a ratio to that of the
first encoding, and the change of bytes at equal PSNR, by the slope of the picture's own qualities.
With --sizes these are asked for instead, and what came is printed, a row for each.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imcodec import Encoding, PyramidSettings, TargetError, encode_picture


@dataclass(frozen=True)
class Row:
    """One target."""

    kind: str
    hit: bool
    #: of the target, positive on the side where files may be: share of the bytes, or dB
    distance: float
    time_ratio: float
    #: bytes, over those that the picture takes at the same PSNR without a target
    more: float


def pixels_of(path: Path, side: int) -> np.ndarray:
    """The picture, reduced so that its longer side has `side` pixels."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def encoded(pixels: np.ndarray, **settings: Any) -> tuple[Encoding, float, bool]:
    """The encoding, or the nearest one; seconds of processor time; whether the target was hit."""
    start = time.process_time()
    try:
        encoding, hit = encode_picture(pixels, PyramidSettings(**settings)), True
    except TargetError as error:
        if error.nearest is None:
            raise
        encoding, hit = error.nearest, False
    return encoding, time.process_time() - start, hit


def rows(pixels: np.ndarray, effort: int, qualities: list[float], shift: float) -> Iterator[Row]:
    """All targets of one picture."""
    plain = [encoded(pixels, quality=quality, effort=effort) for quality in qualities]
    places = sorted((made.psnr, math.log(len(made.data))) for made, _, _ in plain)

    def log_bytes(quality: float) -> float:
        (low, first), (high, last) = places[0], places[-1]
        return first + (last - first) * (quality - low) / (high - low)

    for made, seconds, _ in plain:
        size, quality = round(len(made.data) * (1 + shift)), made.psnr + 5 * shift
        for kind, target in (("size", {"target_size": size}), ("psnr", {"target_psnr": quality})):
            found, taken, hit = encoded(pixels, effort=effort, **target)
            distance = 1 - len(found.data) / size if kind == "size" else found.psnr - quality
            more = math.exp(math.log(len(found.data)) - log_bytes(found.psnr)) - 1
            yield Row(kind, hit, distance, taken / seconds, more)


def print_sizes(paths: list[Path], side: int, effort: int, sizes: list[int]) -> None:
    """What comes of sizes in bytes."""
    print("| picture | asked for | bytes | PSNR | seconds |\n| --- | ---: | ---: | ---: | ---: |")
    for path in paths:
        for size in sizes:
            made, seconds, hit = encoded(pixels_of(path, side), target_size=size, effort=effort)
            came = f"{len(made.data):,}{'' if hit else ', missed'}"
            cells = [path.stem, f"{size:,}", came, f"{made.psnr:.2f} dB", f"{seconds:.0f}"]
            print("|", " | ".join(cells), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--effort", type=int, default=1)
    parser.add_argument("--qualities", type=float, nargs="+", default=[40.0, 70.0])
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--shift", type=float, default=0.04)
    parser.add_argument("--sizes", type=int, nargs="+")
    arguments = parser.parse_args()
    encoded(np.zeros((64, 64, 3), np.uint8), steps=2)  # compiles
    if arguments.sizes:
        print_sizes(arguments.pictures, arguments.side, arguments.effort, arguments.sizes)
        return
    found: list[Row] = []
    for path in arguments.pictures:
        pixels = pixels_of(path, arguments.side)
        for row in rows(pixels, arguments.effort, arguments.qualities, arguments.shift):
            found.append(row)
            print(path.name, row, flush=True)
    print("| target | hit | of | least distance | largest | time, mean | time, most | bytes |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind, scale, unit in (("size", 100, " %"), ("psnr", 1, " dB")):
        own = [row for row in found if row.kind == kind]
        ends = [f"{scale * end(row.distance for row in own):.2f}{unit}" for end in (min, max)]
        times = [row.time_ratio for row in own]
        cells = [kind, str(sum(row.hit for row in own)), str(len(own)), *ends]
        cells += [f"{statistics.mean(times):.2f}", f"{max(times):.2f}"]
        cells += [f"{100 * statistics.mean(row.more for row in own):+.1f} %"]
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()

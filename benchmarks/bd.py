"""Rows of kodak.py as BD-rates against other codecs on the same pictures.

    python benchmarks/bd.py kodak.jsonl FOLDER [--anchors AVIF WebP JPEG]

For each effort, over the pictures that have all of its qualities: mean bits per pixel (whole files)
and mean PSNR over the pictures for each quality, and the BD-rate of that curve against each
anchor's, made the same way on a ladder of the anchor's qualities (package bjontegaard, pchip on the
logarithm of the rate, over the range of PSNR that both curves share, which is printed). Negative is
fewer bits. FOLDER holds the pictures as PNG files.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import bjontegaard
import numpy as np
from other_codecs import code
from PIL import Image

from imcodec.metrics import psnr

LADDER = (10, 20, 30, 40, 50, 60, 70, 80, 90, 96)
#: mean bits per pixel, and mean PSNR, by rising rate
Curve = tuple[list[float], list[float]]


def curves(path: Path) -> dict[int, tuple[list[str], Curve]]:
    """For each effort its pictures, and its curve."""
    found: dict[int, dict[float, dict[str, tuple[float, float]]]] = defaultdict(dict)
    for line in path.read_text().splitlines():
        row = json.loads(line)
        of_quality = found[row["effort"]].setdefault(row["quality"], {})
        of_quality[row["picture"]] = (row["bpp"], row["psnr"])
    result = {}
    for effort, by_quality in sorted(found.items()):
        pictures = sorted(set.intersection(*(set(rows) for rows in by_quality.values())))
        means = [np.mean([rows[name] for name in pictures], axis=0) for rows in by_quality.values()]
        result[effort] = (pictures, rising(means))
    return result


def rising(means: list[np.ndarray]) -> Curve:
    """Pairs (bpp, PSNR) as a curve."""
    ordered = sorted(map(tuple, means))
    return [float(bpp) for bpp, _ in ordered], [float(quality) for _, quality in ordered]


def anchor(codec: str, pictures: list[np.ndarray]) -> Curve:
    """Another codec's curve over some pictures."""
    means = []
    for quality in LADDER:
        pairs = []
        for pixels in pictures:
            coded = code(codec, pixels, quality)
            bpp = 8 * len(coded.data) / (pixels.shape[0] * pixels.shape[1])
            pairs.append((bpp, psnr(pixels, coded.pixels)))
        means.append(np.mean(pairs, axis=0))
    return rising(means)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--anchors", nargs="+", default=["AVIF", "WebP", "JPEG"])
    arguments = parser.parse_args()
    print("| effort | pictures | mean bpp | mean PSNR | anchor | shared dB | BD-rate |")
    print("| ---: | ---: | --- | --- | --- | --- | ---: |")
    for effort, (names, (rates, qualities)) in curves(arguments.rows).items():
        pictures = []
        for name in names:
            with Image.open(arguments.folder / f"{name}.png") as opened:
                pictures.append(np.asarray(opened.convert("RGB")))
        for codec in arguments.anchors:
            bits, decibels = anchor(codec, pictures)
            shared = max(min(decibels), min(qualities)), min(max(decibels), max(qualities))
            rate = bjontegaard.bd_rate(
                *(bits, decibels, rates, qualities),
                method="pchip",
                require_matching_points=False,
                min_overlap=0,
            )
            cells = (
                *(effort, len(names)),
                *(" ".join(f"{value:.3f}" for value in rates),),
                *(" ".join(f"{value:.2f}" for value in qualities),),
                *(codec, f"{shared[0]:.1f} to {shared[1]:.1f}", f"{rate:+.1f} %"),
            )
            print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    main()

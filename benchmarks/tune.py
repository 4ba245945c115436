"""What each --tune does to PSNR, MS-SSIM and SSIMULACRA2.

    pip install -e ".[bench]"
    python benchmarks/tune.py PICTURE... [--effort 2] [--qualities 30 50 70] [--side 256]

Every picture, reduced to --side pixels, is encoded with each tune at each quality. Prints, for each
tune and quality, the bytes as a ratio to those of --tune psnr (geometric mean), the three measures
at those bytes, less what --tune psnr gives at the same bytes (by a parabola through its qualities,
in log bytes), and the time as a ratio.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imcodec import PyramidSettings, decode, encode_picture
from imcodec.bench.ssimulacra2 import ssimulacra2
from imcodec.metrics import ms_ssim, psnr
from imcodec.pyramid.settings import TUNES


@dataclass(frozen=True)
class Point:
    """One encoding."""

    log_bytes: float
    #: PSNR in dB, MS-SSIM as 100 times it, SSIMULACRA2
    measures: tuple[float, float, float]
    seconds: float


def point(pixels: np.ndarray, tune: str, quality: float, effort: int) -> Point:
    """Encode, decode, measure."""
    start = time.process_time()
    data = encode_picture(pixels, PyramidSettings(tune=tune, quality=quality, effort=effort)).data
    seconds = time.process_time() - start
    shown = decode(data)
    similarity, score = ms_ssim(pixels, shown), ssimulacra2(pixels, shown)
    if similarity is None or score is None:
        raise ValueError("MS-SSIM needs pictures of 161 pixels or more")
    found = (psnr(pixels, shown), 100 * similarity, score)
    return Point(float(np.log(len(data))), found, seconds)


def gains(own: Point, base: list[Point]) -> list[float]:
    """Measures of a point, less those of the base at the same bytes."""
    places = [other.log_bytes for other in base]
    degree = min(2, len(base) - 1)
    curves = [
        np.polyfit(places, values, degree)
        for values in zip(*[o.measures for o in base], strict=True)
    ]
    pairs = zip(own.measures, curves, strict=True)
    return [value - float(np.polyval(curve, own.log_bytes)) for value, curve in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--effort", type=int, default=2)
    parser.add_argument("--qualities", type=float, nargs="+", default=[30.0, 50.0, 70.0])
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--tunes", nargs="+", choices=TUNES, default=list(TUNES))
    arguments = parser.parse_args()
    rows: dict[tuple[str, float], list[list[float]]] = {}
    for path in arguments.pictures:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((arguments.side, arguments.side), Image.Resampling.LANCZOS)
        pixels = np.asarray(picture)
        base = [point(pixels, "psnr", q, arguments.effort) for q in arguments.qualities]
        for tune in arguments.tunes:
            for quality, plain in zip(arguments.qualities, base, strict=True):
                own = plain
                if tune != "psnr":
                    own = point(pixels, tune, quality, arguments.effort)
                size, slower = own.log_bytes - plain.log_bytes, own.seconds / plain.seconds
                row = [size, slower, *own.measures, *gains(own, base)]
                rows.setdefault((tune, quality), []).append(row)
                print(path.name, tune, quality, *(f"{value:.3f}" for value in row), flush=True)
    print("| tune | quality | bytes | time | PSNR | MS-SSIM | SSIMULACRA2 | at equal bytes |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for (tune, quality), found in rows.items():
        size, slower, a, b, c, da, db, dc = np.mean(found, 0)
        more = "" if tune == "psnr" else f"{da:+.2f} dB, {db / 100:+.4f}, {dc:+.1f}"
        cells = [f"{np.exp(size):.2f}", f"{slower:.1f}", f"{a:.2f}", f"{b / 100:.4f}", f"{c:.1f}"]
        print("|", " | ".join([tune, f"{quality:g}", *cells, more]), "|")


if __name__ == "__main__":
    main()

"""Pictures encoded with the pyramid model, beside JPEG, WebP and AVIF at the same quality.

    python benchmarks/kodak.py FOLDER/kodim15.png FOLDER/kodim23.png --qualities 25 50 75 --effort 5

For every picture and quality: bytes of graph, weights, payload and header, ideal code length and
real one, PSNR from a bare onnxruntime, seconds for encoding and decoding; and how many bytes each
other codec takes at the same PSNR (interpolated on a ladder of its qualities, log bytes over dB).
Rows go to OUT as they are made; what OUT already holds is not made again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from other_codecs import CODECS, code
from PIL import Image

from imcodec import PyramidSettings, decode, encode_picture
from imcodec.container import open_container
from imcodec.metrics import psnr
from imcodec.pyramid.context import Context
from imcodec.pyramid.decode import latents
from imcodec.pyramid.file import PyramidFile
from imcodec.pyramid.table import Table
from imcodec.pyramid.walk import encode_latents

LADDER = range(4, 97, 4)


def bare(data: bytes, height: int, width: int) -> tuple[np.ndarray, float]:
    """Pixels from onnxruntime with nothing set but one thread, and seconds of session and run."""
    x, y = (2 * np.arange(width) + 1) / width - 1, (2 * np.arange(height) + 1) / height - 1
    grid = np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    start = time.perf_counter()
    pixels = ort.InferenceSession(data, options).run(None, {"grid": grid})[0][0]
    return pixels, time.perf_counter() - start


def ideal_bytes(data: bytes) -> float:
    """Code length of the latents under the file's own tables, without lanes."""
    contents = open_container(data).contents
    assert isinstance(contents, PyramidFile)
    planes = [plane.astype(np.int64) for plane in latents(data)]
    context = Context(contents.stored.context)
    payload, _ = encode_latents(context, contents.header.geometry, Table(), planes)
    return payload.ideal_bits / 8


def others_at(pixels: np.ndarray, quality: float) -> dict[str, float]:
    """Bytes that each other codec takes for this PSNR."""
    found = {}
    for name in CODECS:
        points = []
        for setting in LADDER:
            coded = code(name, pixels, setting)
            points.append((psnr(pixels, coded.pixels), np.log(len(coded.data))))
        points.sort()
        db, size = zip(*points, strict=True)
        inside = db[0] <= quality <= db[-1]
        found[name] = float(np.exp(np.interp(quality, db, size))) if inside else float("nan")
    return found


def row(path: Path, quality: float, effort: int, keep: Path | None) -> dict[str, Any]:
    """One picture at one quality."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    encoding = encode_picture(pixels, PyramidSettings(quality=quality, effort=effort))
    start = time.perf_counter()
    decoded = decode(encoding.data, threads=1)
    decoding = time.perf_counter() - start
    shown, run = bare(encoding.data, *pixels.shape[:2])
    count = encoding.info.bytes
    if keep:
        (keep / f"{path.stem}-q{quality:g}-e{effort}.onnx").write_bytes(encoding.data)
    real = psnr(pixels, shown)
    return {
        "picture": path.stem,
        "quality": quality,
        "effort": effort,
        "bytes": count.total,
        "graph": count.graph,
        "weights": count.weights,
        "payload": count.payload,
        "header": count.header,
        "ideal": round(ideal_bytes(encoding.data)),
        "bpp": round(encoding.info.bpp, 4),
        "psnr": round(real, 3),
        "largest difference": int(np.abs(shown.astype(int) - decoded).max()),
        "encode s": round(encoding.seconds, 1),
        "decode s": round(decoding, 3),
        "bare session + run s": round(run, 3),
        **{name: round(size) for name, size in others_at(pixels, real).items() if size == size},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--qualities", type=float, nargs="+", default=[25, 50, 75])
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("kodak.jsonl"))
    parser.add_argument("--keep", type=Path, help="folder for the files")
    arguments = parser.parse_args()
    done = set()
    if arguments.out.exists():
        rows = map(json.loads, arguments.out.read_text().splitlines())
        done = {(r["picture"], r["quality"], r["effort"]) for r in rows}
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    for path in arguments.pictures:
        for quality in arguments.qualities:
            if (path.stem, quality, arguments.effort) not in done:
                found = row(path, quality, arguments.effort, arguments.keep)
                with arguments.out.open("a") as out:
                    print(json.dumps(found), file=out)
                print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

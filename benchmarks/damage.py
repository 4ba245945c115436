"""How many damaged files open silently, as a different picture?

    python benchmarks/damage.py [--flips 600] [--truncations 200] [--seed 1] [--rows FILE]

One photo (scikit-image's cat, 300x200) as PNG, JPEG, WebP, AVIF, JPEG XL (if pillow-jxl-plugin is
installed) and as files of ours. Of each, copies with one bit flipped, and copies cut off somewhere.
A copy is `refused` if opening it raises an error, `same` if it shows what the whole file shows, and
`different` if it shows anything else without a word. The bare runtime gets our files, too, each in
a process of its own, which may also crash, or take longer than ten seconds (`crash`).

Prints a row for each format, one JSON object a line; results/damage.jsonl are those of --rows, with
the machine that made them, and tables.py makes the tables in the documents of it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import json
import multiprocessing
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import PIL
import skimage.data
from numpy.typing import NDArray
from PIL import Image, features
from probe import pixel_grid

import imcodec
from imcodec.bench.machine import this_machine
from imcodec.bench.ours import version
from imcodec.bench.plan import digest

Open = Callable[[bytes], NDArray[np.uint8]]
SIZE = (300, 200)
SECONDS = 10
#: what takes long to import
IMPORTED = ["onnxruntime", "skimage.data", "imcodec.bench.plan", "imcodec.pyramid.decode"]
#: what may become of a copy
OUTCOMES = ("different", "same", "refused", "crash")
#: the name Pillow has for it, keywords of Image.save that people use, and the library behind it
FORMATS: dict[str, tuple[str, dict[str, int], str]] = {
    "PNG": ("PNG", {}, "zlib"),
    "JPEG": ("JPEG", {"quality": 85}, "libjpeg_turbo"),
    "WebP": ("WEBP", {"quality": 85}, "webp"),
    "AVIF": ("AVIF", {"quality": 75}, "avif"),
    "JPEG XL": ("JXL", {"quality": 85}, "pillow-jxl-plugin"),
}


@dataclass(frozen=True)
class Whole:
    """A whole file, the program that wrote it, and what opens it."""

    data: bytes
    version: str
    show: Open


def opened(data: bytes) -> NDArray[np.uint8]:
    """By Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def bare(data: bytes) -> NDArray[np.uint8]:
    """By onnxruntime alone, with its default options."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it cannot raise
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    pixels: NDArray[np.uint8] = session.run(None, {"grid": pixel_grid(*SIZE)})[0][0]
    return pixels


def outcome(damaged: bytes, whole: NDArray[np.uint8], show: Open) -> str:
    """What becomes of a damaged copy."""
    try:
        pixels = show(damaged)
    except Exception:
        return "refused"
    return "same" if np.array_equal(pixels, whole) else "different"


def outcome_elsewhere(damaged: bytes, whole: NDArray[np.uint8], show: Open) -> str:
    """The same in a process of its own."""
    # forked from a process without threads: a copy of one with threads may wait for a lock for ever
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    queue = context.SimpleQueue()
    child = context.Process(target=_put_outcome, args=(queue, damaged, whole, show))
    child.start()
    child.join(SECONDS)
    if child.exitcode == 0:
        return str(queue.get())
    child.kill()
    child.join()
    return "crash"


def _put_outcome(
    queue: SimpleQueue[str], damaged: bytes, whole: NDArray[np.uint8], show: Open
) -> None:
    queue.put(outcome(damaged, whole, show))


def damaged(data: bytes, flips: int, truncations: int, seed: int) -> list[tuple[str, bytes]]:
    """Copies with one bit flipped, and copies cut off."""
    rng = random.Random(seed)
    copies = []
    for _ in range(flips):
        copy = bytearray(data)
        copy[rng.randrange(len(copy))] ^= 1 << rng.randrange(8)
        copies.append(("flipped", bytes(copy)))
    for _ in range(truncations):
        copies.append(("cut", data[: rng.randrange(len(data))]))
    return copies


def files(photo: Image.Image) -> dict[str, Whole]:
    """The photo in every form."""
    found: dict[str, Whole] = {}
    for name, (format, settings, library) in FORMATS.items():
        stream = io.BytesIO()
        try:
            photo.save(stream, format, **settings)
        except (KeyError, OSError):
            print(f"{name} left out: this Pillow cannot write it", file=sys.stderr)
            continue
        number = features.version(library) or importlib.metadata.version(library)
        written_by = f"Pillow {PIL.__version__}, {library} {number}"
        found[name] = Whole(stream.getvalue(), written_by, opened)
    pyramid = imcodec.encode(photo, effort=1)
    mlp = imcodec.encode(photo, model="mlp", epochs=40, finetune=10)
    ours, ours_mlp = version(), version(is_mlp=True)
    found["imcodec"] = Whole(pyramid, ours, imcodec.decode)
    found["imcodec, `--model mlp`"] = Whole(mlp, ours_mlp, imcodec.decode)
    found["imcodec's file in a bare onnxruntime"] = Whole(pyramid, ours, bare)
    found["the same, `--model mlp`"] = Whole(mlp, ours_mlp, bare)
    return found


def row(name: str, file: Whole, flips: int, truncations: int, seed: int) -> dict[str, Any]:
    """What becomes of the damaged copies of one file."""
    whole = file.show(file.data)
    judge = outcome_elsewhere if file.show is bare else outcome
    counts = Counter(
        (how, judge(copy, whole, file.show))
        for how, copy in damaged(file.data, flips, truncations, seed)
    )
    return {
        "format": name,
        "version": file.version,
        "bytes": len(file.data),
        "seed": seed,
        "flipped": {end: counts["flipped", end] for end in OUTCOMES},
        "cut": {end: counts["cut", end] for end in OUTCOMES},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=600)
    parser.add_argument("--truncations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with contextlib.suppress(ImportError):
        import pillow_jxl  # noqa: F401 - registers itself
    photo = Image.fromarray(skimage.data.chelsea()).resize(SIZE, Image.Resampling.LANCZOS)
    machine = this_machine()
    made = {"picture": digest(np.asarray(photo)), "machine": machine["id"]}
    lines = [json.dumps({"machine": machine})]
    for name, file in files(photo).items():
        found = row(name, file, arguments.flips, arguments.truncations, arguments.seed)
        lines.append(json.dumps(found | made))
        print(lines[-1], flush=True)
    if arguments.rows:
        arguments.rows.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

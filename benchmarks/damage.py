"""How many damaged files open silently, as a different picture?

    python benchmarks/damage.py [--flips 600] [--truncations 200] [--seed 1]

One photo (scikit-image's cat, 300x200) as PNG, JPEG, WebP, AVIF, JPEG XL (if pillow-jxl-plugin is
installed) and as files of ours. Of each, copies with one bit flipped, and copies cut off somewhere.
A copy is `refused` if opening it raises an error, `same` if it shows what the whole file shows, and
`different` if it shows anything else without a word. The bare runtime gets our files, too, each in
a process of its own, which may also crash, or take longer than ten seconds (`crash`).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import random
import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from probe import pixel_grid

import imcodec

Open = Callable[[bytes], NDArray[np.uint8]]
SIZE = (300, 200)
SECONDS = 10
#: keywords of Image.save: what people use
FORMATS = {
    "PNG": {},
    "JPEG": {"quality": 85},
    "WebP": {"quality": 85},
    "AVIF": {"quality": 75},
    "JXL": {"quality": 85},
}
NAMES = {"JXL": "JPEG XL"}


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
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put(outcome(damaged, whole, show)))
    child.start()
    child.join(SECONDS)
    if child.exitcode == 0:
        return str(queue.get())
    child.kill()
    child.join()
    return "crash"


def damaged(data: bytes, flips: int, truncations: int, seed: int) -> list[tuple[str, bytes]]:
    """Copies with one bit flipped, and copies cut off."""
    rng = random.Random(seed)
    copies = []
    for _ in range(flips):
        copy = bytearray(data)
        copy[rng.randrange(len(copy))] ^= 1 << rng.randrange(8)
        copies.append(("flip", bytes(copy)))
    for _ in range(truncations):
        copies.append(("cut", data[: rng.randrange(len(data))]))
    return copies


def files(photo: Image.Image) -> dict[str, tuple[bytes, Open]]:
    """The photo in every form, and what opens it."""
    found: dict[str, tuple[bytes, Open]] = {}
    for format, settings in FORMATS.items():
        stream = io.BytesIO()
        try:
            photo.save(stream, format, **settings)
        except (KeyError, OSError):
            print(f"{NAMES.get(format, format)} left out: this Pillow cannot write it")
            continue
        found[NAMES.get(format, format)] = (stream.getvalue(), opened)
    mlp = imcodec.encode(photo, model="mlp", epochs=40, finetune=10)
    pyramid = imcodec.encode(photo, effort=1)
    found["imcodec"] = (pyramid, imcodec.decode)
    found["imcodec, `--model mlp`"] = (mlp, imcodec.decode)
    found["imcodec's file in a bare onnxruntime"] = (pyramid, bare)
    found["the same, `--model mlp`"] = (mlp, bare)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=600)
    parser.add_argument("--truncations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    try:
        import pillow_jxl  # noqa: F401 - registers itself
    except ImportError:
        del FORMATS["JXL"]
    photo = Image.fromarray(skimage.data.chelsea()).resize(SIZE, Image.Resampling.LANCZOS)
    print("| | bytes | flipped: different | same | refused | crash | cut: different | refused |")
    print("| --- |" + " ---: |" * 7)
    for name, (data, show) in files(photo).items():
        whole = show(data)
        judge = outcome_elsewhere if show is bare else outcome
        counts = Counter(
            (kind, judge(copy, whole, show))
            for kind, copy in damaged(data, arguments.flips, arguments.truncations, arguments.seed)
        )
        flips = [counts["flip", kind] for kind in ("different", "same", "refused", "crash")]
        cuts = [counts["cut", "different"] + counts["cut", "same"], counts["cut", "refused"]]
        print(
            f"| {name} | {len(data):,} | " + " | ".join(map(str, flips + cuts)) + " |", flush=True
        )


if __name__ == "__main__":
    main()

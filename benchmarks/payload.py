"""What the files of one picture are made of, how near their payload is to the ideal, and how fast
they open.

    python benchmarks/payload.py PICTURE FILES.onnx...

For each file: its bytes; those of graph, weights, payload and header; the ideal code length of its
latents under the probabilities that its own network says (bytes), and how far the payload is above
it, lanes included and without their states; bits per pixel; PSNR of what a bare onnxruntime shows;
seconds of a bare session and its run on one thread, and of imcodec's decoder in the same process
(medians of five).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from probe import pixel_grid

import imcodec
from imcodec.container import open_container
from imcodec.image import read_picture
from imcodec.metrics import psnr
from imcodec.pyramid.context import Context
from imcodec.pyramid.decode import latents
from imcodec.pyramid.file import TABLE, PyramidFile
from imcodec.pyramid.walk_kernel import encode_latents

RUNS = 5
COLUMNS = (
    "file",
    "bytes",
    "graph",
    "weights",
    "payload",
    "header",
    "ideal",
    "above",
    "without states",
    "bpp",
    "PSNR",
    "session + run",
    "imcodec",
)


def median(work: Callable[[], object]) -> float:
    """Seconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def row(path: Path, pixels: np.ndarray) -> Sequence[str]:
    """A line of the table."""
    data = path.read_bytes()
    contents = open_container(data).contents
    assert isinstance(contents, PyramidFile)
    planes = [plane.astype(np.int64) for plane in latents(data)]
    context, geometry = Context(*contents.stored.context), contents.header.geometry
    coded, _ = encode_latents(context, geometry, TABLE, planes)
    assert np.array_equal(coded.words, contents.stored.words)
    height, width = pixels.shape[:2]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    grid = pixel_grid(width, height)

    def bare() -> np.ndarray:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        shown: np.ndarray = session.run(None, {"grid": grid})[0][0]
        return shown

    found, ideal = imcodec.info(data), coded.ideal_bits / 8
    parts = found.bytes
    return (
        path.name,
        f"{parts.total:,}",
        f"{parts.graph:,}",
        f"{parts.weights:,}",
        f"{parts.payload:,}",
        f"{parts.header:,}",
        f"{ideal:,.0f}",
        f"{100 * (parts.payload / ideal - 1):.2f} %",
        f"{100 * (2 * len(coded.words) / ideal - 1):.2f} %",
        f"{found.bpp:.3f}",
        f"{psnr(pixels, bare()):.2f}",
        f"{median(bare):.2f}",
        f"{median(lambda: imcodec.decode(data)):.2f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    pixels = read_picture(arguments.picture).pixels
    print("| " + " | ".join(COLUMNS) + " |")
    print("| --- |" + " ---: |" * (len(COLUMNS) - 1))
    for path in arguments.files:
        print("| " + " | ".join(row(path, pixels)) + " |", flush=True)


if __name__ == "__main__":
    main()

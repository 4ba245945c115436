"""The scaling study: how time and memory of our codec grow with pixels and with threads."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imcodec.bench.codec import CPU
from imcodec.bench.codecs import codec_named
from imcodec.bench.machine import this_machine
from imcodec.bench.measure import Crew, measure
from imcodec.bench.plan import BenchPicture, Job, coded_path, digest
from imcodec.bench.plots import FORMATS, drawn, scaling_plot
from imcodec.errors import UsageError
from imcodec.files import write_atomic
from imcodec.processors import processors

ROWS = "scaling.jsonl"
CODEC, QUALITY = "imcodec-e1", 50.0
#: size of the picture that threads are counted on
THREADS_AT = 1.0
#: sizes a picture may be brought to, in megapixels
LEAST, MOST = 0.01, 100.0


def study(
    picture: BenchPicture,
    out: Path,
    scratch: Path,
    megapixels: Sequence[float],
    threads: Sequence[int],
    on_row: Callable[[dict[str, Any]], None],
    device: str = CPU,
) -> list[Path]:
    """Measure one picture, brought to each size, at effort 1; the plots that were written.

    On all processors for each of `megapixels`, and at one megapixel for each of `threads` (none: 1,
    2, 4 ... all). Rows go to `out`/scaling.jsonl as they are made; what that holds from the same
    version, picture and machine is not made again. Raises UsageError, RuntimeFailureError.
    """
    every = processors()
    counts = list(threads) or _doubling(len(every))
    if bad := [count for count in counts if not 1 <= count <= len(every)]:
        raise UsageError(f"--threads {bad[0]}: this process may use 1 to {len(every)} processors")
    if wrong := [size for size in megapixels if not LEAST <= size <= MOST]:
        raise UsageError(f"--sizes {wrong[0]:g}: give megapixels from {LEAST:g} to {MOST:g}")
    machine = this_machine(device)
    path = out / ROWS
    codec = codec_named(CODEC)
    base = {
        "picture": picture.sha256,
        "codec": CODEC,
        "setting": QUALITY,
        "version": codec.version(),
        "device": device,
        "machine": machine,
    }
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    same = [row for row in rows if {name: row[name] for name in base} == base]
    wanted = [("size", size, len(every)) for size in megapixels]
    wanted += [("threads", THREADS_AT, count) for count in counts]
    crew = Crew()
    try:
        with crew.hire() as judge:
            for kind, size, count in wanted:
                if any((r["study"], r["asked"], r["threads"]) == (kind, size, count) for r in same):
                    continue
                resized = _resized(picture, size, scratch)
                coded = coded_path(out, resized.name, resized.sha256, codec, QUALITY)
                job = Job(resized, codec, QUALITY, ["psnr"], coded, device)
                row = measure(job, crew, judge, every[:count], scratch, machine["id"])
                found = base | {
                    "study": kind,
                    "asked": size,
                    "threads": count,
                    "megapixels": row.width * row.height / 1e6,
                    "width": row.width,
                    "height": row.height,
                    "bytes": row.bytes,
                    "psnr": row.quality["psnr"],
                    "encode_s": row.encode_s,
                    "decode_s": row.decode_s,
                    "encode_mb": row.encode_mb,
                    "decode_mb": row.decode_mb,
                }
                with path.open("a") as stream:
                    stream.write(json.dumps(found) + "\n")
                same.append(found)
                on_row(found)
    finally:
        crew.dismiss()
    written = []
    for format in FORMATS:
        target = out / f"scaling.{format}"
        write_atomic(target, drawn(scaling_plot(same), format))
        written.append(target)
    return written


def _doubling(most: int) -> list[int]:
    return sorted({min(most, 2**i) for i in range(most.bit_length() + 1)})


def _resized(picture: BenchPicture, megapixels: float, scratch: Path) -> BenchPicture:
    """The picture with this number of pixels and the same shape, by Lanczos."""
    factor = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    width, height = (max(1, round(side * factor)) for side in (picture.width, picture.height))
    image = Image.fromarray(picture.load()).resize((width, height), Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    sha = digest(pixels)
    path = scratch / f"{sha}.npy"
    np.save(path, pixels)
    return BenchPicture(picture.name, sha, width, height, path)

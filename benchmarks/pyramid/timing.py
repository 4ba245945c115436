"""CPU milliseconds (one thread, minimum over interleaved runs) of sessions, decoding and drawing.

python timing.py NAME=FILE ...      files without debug outputs; drawn at 512x768
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from reference import pixel_grid


def measure(files: dict[str, bytes], height: int = 512, width: int = 768, rounds: int = 6) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    small, large = pixel_grid(1, 1), pixel_grid(height, width)
    times: dict[str, list[list[float]]] = {name: [[], [], []] for name in files}
    for _ in range(rounds):
        for name, data in files.items():
            start = time.process_time()
            session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
            made = time.process_time()
            session.run(None, {"grid": small})
            decoded = time.process_time()
            session.run(None, {"grid": large})
            drawn = time.process_time()
            for kept, value in zip(
                times[name], (made - start, decoded - made, drawn - decoded), strict=True
            ):
                kept.append(1e3 * value)
    for name, (made_, decoded_, drawn_) in times.items():
        print(
            f"{name:28s} session {min(made_):4.0f}  latents only {min(decoded_):4.0f}  "
            f"whole run {min(drawn_):4.0f} (median {np.median(drawn_):4.0f}) CPU ms",
            flush=True,
        )


if __name__ == "__main__":
    measure({name: Path(path).read_bytes() for name, path in (a.split("=") for a in sys.argv[1:])})

"""Time and memory of decoding, stage by stage, each run in a fresh process.

    python benchmarks/decoding.py FILE.onnx [--runs 5]

Prints medians for a cold `imcodec decode` on one thread and on all, and the peak of memory for a
24-megapixel result, above the memory of the result itself and of an idle interpreter.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PEAK = """
import resource, sys
import numpy
from imcodec import decode
mega = 1024 * (1 if sys.platform == "linux" else 1 / 1024)
if len(sys.argv) > 2:
    pixels = decode(sys.argv[1], size=(int(sys.argv[2]), int(sys.argv[3])))
    result = pixels.nbytes
else:
    result = 0
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * mega - result) / 1e6)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    for threads in (1, 0):
        rows = [cold_decode(arguments.file, threads) for _ in range(arguments.runs)]
        stages = {stage: statistics.median(row[stage] for row in rows) for stage in rows[0]}
        if threads == 1:
            print(f"| threads | {' | '.join(stages)} | all |")
            print("| --- |" + " ---: |" * (len(stages) + 1))
        cells = " | ".join(f"{1000 * seconds:.0f} ms" for seconds in stages.values())
        total = 1000 * sum(stages.values())
        print(f"| {threads or 'all'} | {cells} | {total:.0f} ms |", flush=True)
    idle = peak(arguments.file)
    large = peak(arguments.file, 6000, 4000)
    print(
        f"\n6000x4000: {large:.0f} MB above the result, {large - idle:.0f} MB above an idle decoder"
    )


def cold_decode(path: Path, threads: int) -> dict[str, float]:
    """Seconds by stage of one decode in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        out = str(Path(scratch) / "out.png")
        command = [sys.executable, "-m", "imcodec_cli", "decode", str(path), out, "--json"]
        command += ["--quiet", "--threads", str(threads)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds: dict[str, float] = json.loads(done.stdout)["seconds"]
    return seconds


def peak(path: Path, *size: int) -> float:
    """Peak MB of a process that decodes at this size, or not at all, without the result."""
    command = [sys.executable, "-c", PEAK, str(path), *map(str, size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()

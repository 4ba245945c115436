"""Does every onnxruntime show the same picture?

    python benchmarks/runtimes.py FILE.onnx... [--versions 1.17.3 1.20.1 1.23.2 newest]

Each version is installed, with nothing else of ours, in a virtual environment of its own under
`--venvs` (kept for the next run), and decodes the bare files with default options. Printed for each
file and version: the largest difference to the picture that imcodec decodes, and the share of
samples that differ at all. Exits with 1 if a difference is larger than 1. Needs a package registry.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from imcodec import decode, info

VERSIONS = ("1.17.3", "1.20.1", "1.23.2", "newest")
#: runs in the other environment: file, width, height, result
PROGRAM = """
import sys
import numpy as np, onnxruntime as ort
path, width, height, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
x = (2 * np.arange(width) + 1) / width - 1
y = (2 * np.arange(height) + 1) / height - 1
grid = np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)
session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
np.save(out, session.run(None, {"grid": grid})[0][0])
print(ort.__version__)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--versions", nargs="+", default=VERSIONS)
    parser.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "imcodec-venvs")
    arguments = parser.parse_args()
    worst = 0
    print("| file | onnxruntime | largest difference | samples that differ |")
    print("| --- | --- | ---: | ---: |")
    for version in arguments.versions:
        python = environment(arguments.venvs, version)
        for path in arguments.files:
            found, largest, share = compare(python, path)
            worst = max(worst, largest)
            print(f"| {path.name} | {found} | {largest} | {100 * share:.4f} % |", flush=True)
    sys.exit(worst > 1)


def environment(directory: Path, version: str) -> Path:
    """The Python of an environment with this version of onnxruntime."""
    home = directory / version
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    wanted = "onnxruntime" if version == "newest" else f"onnxruntime=={version}"
    # wheels before 1.19 were built against the old interface of NumPy
    old = version != "newest" and tuple(map(int, version.split(".")[:2])) < (1, 19)
    numpy = "numpy<2" if old else "numpy"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, wanted, numpy], check=True)
    return python


def compare(python: Path, path: Path) -> tuple[str, int, float]:
    """(version, largest difference, share of samples that differ) of a file there and here."""
    found = info(path)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "pixels.npy"
        command = [str(python), "-c", PROGRAM, str(path), str(found.width), str(found.height), out]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        pixels = np.load(out).astype(int)
    difference = np.abs(pixels - decode(path))
    return done.stdout.strip(), int(difference.max()), float((difference > 0).mean())


if __name__ == "__main__":
    main()

"""Does every onnxruntime show the same picture?

    python benchmarks/runtimes.py FILE.onnx... [--versions 1.17.3 1.20.1 1.23.2 newest]

Each version is installed, with nothing else of ours, in a virtual environment of its own under
`--venvs` (kept for the next run), and decodes the bare files with default options. Printed for each
file and version: the largest difference to the picture that imcodec decodes, and the share of
samples that differ at all; for a pyramid also how many of its latents, and of the numbers in which
its entropy code ends (the states of all lanes, the words read), are not those that imcodec decodes.
Exits with 1 if a pixel differs by more than 1, or one of the other numbers at all. Needs a package
registry.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from probe import counted, pixel_grid, probe

from imcodec import decode

VERSIONS = ("1.17.3", "1.20.1", "1.23.2", "newest")
#: runs in the other environment: model, grid, where all outputs go
PROGRAM = """
import sys
import numpy as np, onnxruntime as ort
model, grid, out = sys.argv[1:]
session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
np.savez(out, *session.run(None, {"grid": np.load(grid)}))
print(ort.__version__)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--versions", nargs="+", default=VERSIONS)
    parser.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "imcodec-venvs")
    arguments = parser.parse_args()
    expected = [(path, decode(path), probe(path)) for path in arguments.files]
    same = True
    print("| file | onnxruntime | largest difference | samples that differ ", end="")
    print("| latents that differ | ends that differ |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for version in arguments.versions:
        python = environment(arguments.venvs, version)
        for path, pixels, probed in expected:
            found, largest, share = compare(python, path, pixels)
            wrong = (0, 0)
            if probed is not None:
                wrong = probed.wrong(run(python, probed.model, probed.grid)[1])
            same = same and largest <= 1 and not any(wrong)
            cells = [path.name, found, largest, f"{100 * share:.4f} %", *counted(probed, wrong)]
            print("|", " | ".join(map(str, cells)), "|", flush=True)
    sys.exit(not same)


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


def compare(python: Path, path: Path, pixels: NDArray[np.uint8]) -> tuple[str, int, float]:
    """(version, largest difference, share of samples that differ) of a file there and here."""
    height, width, _ = pixels.shape
    version, (shown, *_) = run(python, path.read_bytes(), pixel_grid(width, height))
    difference = np.abs(shown[0].astype(int) - pixels)
    return version, int(difference.max()), float((difference > 0).mean())


def run(python: Path, model: bytes, grid: NDArray[np.float32]) -> tuple[str, list[NDArray[Any]]]:
    """The version of onnxruntime of an environment, and all outputs of a model there."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / name for name in ("model.onnx", "grid.npy", "outputs.npz")]
        paths[0].write_bytes(model)
        np.save(paths[1], grid)
        command = [str(python), "-c", PROGRAM, *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{python}: {done.stderr.strip()}")
        with np.load(paths[2]) as outputs:
            return done.stdout.strip(), list(outputs.values())


if __name__ == "__main__":
    main()

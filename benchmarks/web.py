"""Does a browser's runtime show the same picture?

    python benchmarks/web.py FILE.onnx... [--versions 1.17.3 1.23.2 latest] [--install FOLDER]

Runs files of ours in onnxruntime-web's WebAssembly backend under Node (benchmarks/web), over the
picture's own pixels, and compares with a bare onnxruntime here; for a pyramid also all latents, and
the numbers in which its entropy code ends (the states of all lanes, the words read), with those
that imcodec decodes. Each version of the package is installed once, under `--install`. Exits with 1
if a pixel differs by more than 1, or one of the other numbers at all; says so and exits with 0
where there is no Node.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from probe import Probe, counted, pixel_grid, probe

from imcodec import info

HERE = Path(__file__).parent / "web"
PACKAGE = "onnxruntime-web"
PINNED: str = json.loads((HERE / "package.json").read_text())["dependencies"][PACKAGE]

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--versions", nargs="+", default=[PINNED])
    parser.add_argument(
        "--install", type=Path, default=Path(tempfile.gettempdir()) / "imcodec-web-check"
    )
    arguments = parser.parse_args()
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("skipped: Node or npm is missing")
        return
    same = True
    with tempfile.TemporaryDirectory() as scratch:
        cases = [case(path, Path(scratch) / str(i)) for i, path in enumerate(arguments.files)]
        print(f"| file | bytes | {PACKAGE} | largest difference | samples that differ ", end="")
        print("| latents that differ | ends that differ | session ms | run ms |")
        print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for version in arguments.versions:
            found, home = environment(arguments.install, version)
            for path, (folder, probed) in zip(arguments.files, cases, strict=True):
                row, wrong = check(home, folder, probed)
                same = same and row["largest"] <= 1 and not any(wrong)
                cells = [path.name, row["size"], found, row["largest"]]
                cells += [f"{100 * row['share']:.4f} %", *counted(probed, wrong)]
                cells += [f"{row['session']:.0f}", f"{row['run']:.0f}"]
                print("|", " | ".join(map(str, cells)), "|", flush=True)
    sys.exit(not same)


def environment(directory: Path, version: str) -> tuple[str, Path]:
    """The version of the package, and a folder of its own where it is installed."""
    home = directory / version
    installed = home / "node_modules" / PACKAGE / "package.json"
    home.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "check.mjs"):
        shutil.copy(HERE / name, home)
    if not installed.exists():
        install = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run([*install, f"{PACKAGE}@{version}"], cwd=home, check=True)
    return json.loads(installed.read_text())["version"], home


def case(path: Path, folder: Path) -> tuple[Path, Probe | None]:
    """Lay down a file beside what a bare onnxruntime makes of it, and what tells its latents."""
    folder.mkdir()
    seen = info(path)
    grid = pixel_grid(seen.width, seen.height)
    rgb = ort.InferenceSession(path).run(None, {"grid": grid})[0]
    lay_down(folder / "pixels", path.read_bytes(), grid)
    (folder / "pixels.rgb").write_bytes(np.asarray(rgb).tobytes())
    probed = probe(path)
    if probed is not None:
        lay_down(folder / "latents", probed.model, probed.grid)
    return folder, probed


def lay_down(base: Path, model: bytes, grid: NDArray[np.float32]) -> None:
    base.with_suffix(".onnx").write_bytes(model)
    base.with_suffix(".grid").write_bytes(grid.astype("<f4").tobytes())
    base.with_suffix(".json").write_text(json.dumps(grid.shape))


def check(home: Path, folder: Path, probed: Probe | None) -> tuple[Row, tuple[int, int]]:
    """The row of a file's pixels; latents and ends that differ, (0, 0) where there are none."""
    program = ["node", str(home / "check.mjs"), str(folder)]
    done = subprocess.run(program, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(program)}\n{done.stderr.strip()}")
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    if probed is None:
        return rows["pixels"], (0, 0)
    kinds = ("u1", "<f4", "<i8", "<i8")
    found = [np.fromfile(folder / f"latents.{i}", kind) for i, kind in enumerate(kinds)]
    return rows["pixels"], probed.wrong(found)


if __name__ == "__main__":
    main()

"""Does a browser's runtime show the same picture?

    python benchmarks/web.py FILE.onnx... [--install FOLDER]

Runs files of ours in onnxruntime-web's WebAssembly backend under Node (benchmarks/web), over the
picture's own pixels, and compares with a bare onnxruntime here. A latent that decoded otherwise
would show in the pixels: the rest of the entropy code hangs on each of them. The package is
installed once, into `--install`. Exits with 1 if a difference is larger than 1; says so and exits
with 0 where there is no Node.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime as ort

from imcodec import info

HERE = Path(__file__).parent / "web"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument(
        "--install", type=Path, default=Path(tempfile.gettempdir()) / "imcodec-web-check"
    )
    arguments = parser.parse_args()
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        print("skipped: Node or npm is missing")
        return
    arguments.install.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "check.mjs"):
        shutil.copy(HERE / name, arguments.install)
    if not (arguments.install / "node_modules").exists():
        subprocess.run([npm, "install", "--silent"], cwd=arguments.install, check=True)
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.files:
            expect(path, Path(folder))
        program = [node, arguments.install / "check.mjs", folder]
        found = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    print("| file | largest difference | samples that differ | session ms | run ms |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for row in map(json.loads, found.splitlines()):
        worst = max(worst, row["largest"])
        print(
            f"| {row['file']} | {row['largest']} | {100 * row['share']:.4f} % "
            f"| {row['session']:.0f} | {row['run']:.0f} |"
        )
    sys.exit(worst > 1)


def expect(path: Path, folder: Path) -> None:
    """Lay down a file beside what a bare onnxruntime makes of it."""
    seen = info(path)
    x = (2 * np.arange(seen.width) + 1) / seen.width - 1
    y = (2 * np.arange(seen.height) + 1) / seen.height - 1
    grid = np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)
    rgb = ort.InferenceSession(path).run(None, {"grid": grid})[0]
    shutil.copy(path, folder / path.name)
    (folder / f"{path.stem}.rgb").write_bytes(np.asarray(rgb).tobytes())
    size = {"width": seen.width, "height": seen.height}
    (folder / f"{path.stem}.json").write_text(json.dumps(size))


if __name__ == "__main__":
    main()

"""Do the golden files decode to their pixels on every onnxruntime that is supported?

    python benchmarks/golden.py [--versions 1.17.3 newest] [--folder tests/golden]

For each version an environment of its own is made (as runtimes.py makes them, in the same place),
with what decoding needs and nothing else, and imcodec from this repository decodes every file
there, with one thread and with two. Printed for each version: how many files give exactly the
pixels of their PNG and, for pyramids, exactly the latents of latents.json; the largest difference;
how many samples differ. Exits with 1 if a sample differs by more than 1, a latent at all, or the
pixels of one and two threads. Needs a package registry.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from runtimes import environment

ROOT = Path(__file__).parents[1]
#: what the versions of the runtime have in common: see dependencies in pyproject.toml
PACKAGES = ("onnx>=1.21", "pillow>=11.3")
#: runs in the other environment; one line of JSON for each file
PROGRAM = """
import hashlib, json, sys
import numpy as np, onnxruntime as ort
from pathlib import Path
from imcodec import decode, read_picture
from imcodec.pyramid.decode import latents
hashes = json.loads((Path(sys.argv[1]) / "latents.json").read_text())
for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
    pixels = decode(path, threads=1)
    expected = read_picture(path.with_suffix(".png")).pixels
    difference = np.abs(pixels.astype(int) - expected)
    found = None
    if path.stem in hashes:
        joined = b"".join(plane.tobytes() for plane in latents(path))
        found = hashlib.sha256(joined).hexdigest() == hashes[path.stem]
    print(json.dumps({
        "runtime": ort.__version__, "name": path.stem, "largest": int(difference.max()),
        "differ": int((difference > 0).sum()), "samples": difference.size, "latents": found,
        "threads": bool((decode(path, threads=2) == pixels).all()),
    }))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--versions", nargs="+", default=["1.17.3", "newest"])
    parser.add_argument("--folder", type=Path, default=ROOT / "tests" / "golden")
    parser.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "imcodec-venvs")
    arguments = parser.parse_args()
    print("| onnxruntime | files | exact pixels | largest difference ", end="")
    print("| samples that differ | exact latents |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    good = True
    for version in arguments.versions:
        rows = decoded(environment(arguments.venvs, version), arguments.folder)
        coded = [row["latents"] for row in rows if row["latents"] is not None]
        largest = max(row["largest"] for row in rows)
        exact = sum(row["largest"] == 0 for row in rows)
        differ, samples = (sum(row[key] for row in rows) for key in ("differ", "samples"))
        same = all(row["threads"] for row in rows)
        good = good and largest <= 1 and all(coded) and same
        cells = [rows[0]["runtime"], len(rows), exact, largest]
        cells += [f"{differ} of {samples:,}", f"{sum(coded)} of {len(coded)}"]
        print("|", " | ".join(map(str, cells)), "|", flush=True)
    sys.exit(not good)


def decoded(python: Path, folder: Path) -> list[dict[str, Any]]:
    """What the imcodec of this repository decodes in an environment, a row for each file."""
    ask = [str(python), "-c", "from importlib.metadata import version; print(version('numpy'))"]
    numpy = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *PACKAGES, f"numpy=={numpy}"], check=True)
    paths = os.environ | {"PYTHONPATH": str(ROOT / "codec")}
    command = [str(python), "-c", PROGRAM, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=paths)
    if done.returncode:
        sys.exit(f"{python}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    main()

"""Small photos for quick benchmarks, from the pictures that scikit-image ships.

python benchmarks/pictures.py FOLDER [--side 256]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=256, help="pixels of the longer side")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        image = Image.fromarray(np.asarray(getattr(skimage.data, name)()))
        image.thumbnail((arguments.side, arguments.side), Image.Resampling.LANCZOS)
        image.save(arguments.folder / f"{name}.png")


if __name__ == "__main__":
    main()

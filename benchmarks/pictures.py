"""Photos for benchmarks that need no download, from the pictures that scikit-image ships.

    python benchmarks/pictures.py FOLDER [--side 256] [--eight]

Four of them, or eight: all its photos in colour. None was looked at while settings were chosen, but
for the steering towards targets: astronaut, chelsea, coffee and retina (targets.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

FOUR = ("astronaut", "chelsea", "coffee", "rocket")
OTHERS = ("hubble_deep_field", "immunohistochemistry", "retina", "stereo_motorcycle")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=256, help="pixels of the longer side")
    parser.add_argument("--eight", action="store_true", help="all photos in colour")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in (*FOUR, *(OTHERS if arguments.eight else ())):
        found = getattr(skimage.data, name)()
        image = Image.fromarray(np.asarray(found[0] if isinstance(found, tuple) else found))
        image.thumbnail((arguments.side, arguments.side), Image.Resampling.LANCZOS)
        image.save(arguments.folder / f"{name}.png")


if __name__ == "__main__":
    main()

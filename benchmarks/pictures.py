"""Photos for benchmarks that need no download, from the pictures that scikit-image ships.

    python benchmarks/pictures.py FOLDER [--side 256] [--eight]
    python benchmarks/pictures.py FOLDER --mosaic PHOTOS

Four of them, or eight: all its photos in colour. None was looked at while settings were chosen, but
for the steering towards targets: astronaut, chelsea, coffee and retina (targets.md). Or 48 photos
of a folder of one's own, the first by name, as one picture of 4096x3072, mosaic.png (scaling.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageOps

FOUR = ("astronaut", "chelsea", "coffee", "rocket")
OTHERS = ("hubble_deep_field", "immunohistochemistry", "retina", "stereo_motorcycle")
#: photos in a row and rows of a mosaic, and the pixels of a photo's side there
ACROSS, DOWN, TILE = 8, 6, 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=256, help="pixels of the longer side")
    parser.add_argument("--eight", action="store_true", help="all photos in colour")
    parser.add_argument("--mosaic", type=Path, metavar="PHOTOS", help="a folder of PNG files")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.mosaic:
        mosaic(arguments.mosaic).save(arguments.folder / "mosaic.png")
        return
    for name in (*FOUR, *(OTHERS if arguments.eight else ())):
        found = getattr(skimage.data, name)()
        image = Image.fromarray(np.asarray(found[0] if isinstance(found, tuple) else found))
        image.thumbnail((arguments.side, arguments.side), Image.Resampling.LANCZOS)
        image.save(arguments.folder / f"{name}.png")


def mosaic(photos: Path) -> Image.Image:
    """The first photos of a folder by name, each cut to a square, as one picture."""
    files = sorted(photos.glob("*.png"))[: ACROSS * DOWN]
    if len(files) < ACROSS * DOWN:
        raise SystemExit(f"{photos}: {len(files)} PNG files, and a mosaic takes {ACROSS * DOWN}")
    picture = Image.new("RGB", (ACROSS * TILE, DOWN * TILE))
    for number, file in enumerate(files):
        with Image.open(file) as photo:
            square = ImageOps.fit(photo.convert("RGB"), (TILE, TILE), Image.Resampling.LANCZOS)
        picture.paste(square, (number % ACROSS * TILE, number // ACROSS * TILE))
    return picture


if __name__ == "__main__":
    main()

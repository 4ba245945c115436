"""Makes the files in tests/golden that are missing. Delete one only before it was released.

    python tests/make_golden.py

For each case an .onnx file and the .png that it decodes to, and in latents.json the SHA-256 of the
latents of each pyramid.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imcodec import decode, encode, write_picture
from imcodec.pyramid.decode import latents
from pictures import scene
from profiles import swapped_rgb_profile

GOLDEN = Path(__file__).parent / "golden"

CASES = {
    "scene": ({"width": 12, "frequencies": 16, "epochs": 60}, (48, 36, 3)),
    "grey": ({"recipe": "article-2", "epochs": 3, "batch": 64}, (31, 17, 1)),
    "alpha": ({"features": "normalised", "width": 10, "epochs": 30, "bits": 7}, (20, 33, 4)),
    "grey-alpha": ({"activation": ("gelu", "tanh"), "width": 8, "epochs": 30}, (9, 40, 2)),
    "pixel": ({"layers": 0, "features": "normalised", "epochs": 200, "lr": 0.01}, (1, 1, 3)),
    "pyramid": ({"steps": 40, "quality": 60}, (48, 36, 3)),
    "pyramid-grey": ({"steps": 20, "network": "large"}, (31, 17, 1)),
    "pyramid-grey-alpha": ({"steps": 20, "network": "medium"}, (9, 40, 2)),
    "pyramid-alpha": ({"steps": 20}, (20, 33, 4)),
    "pyramid-pixel": ({"steps": 20}, (1, 1, 3)),
    "pyramid-odd": ({"steps": 30, "network": "tiny"}, (37, 53, 3)),
    "pyramid-profile": ({"steps": 20}, (40, 24, 3)),
    "pyramid-low": ({"steps": 20}, (300, 7, 3)),
    "pyramid-sketch": ({"steps": 30, "quality": 0}, (160, 96, 3)),
    "clipped": ({"recipe": "article-3", "width": 9, "epochs": 4, "bits": 2.5}, (37, 53, 3)),
    "profile": ({"width": 9, "frequencies": 8, "epochs": 30}, (40, 24, 3)),
}
PYRAMIDS = [name for name in CASES if name.startswith("pyramid")]
#: those whose picture has a colour profile, which is applied on the way in
PROFILED = {"profile", "pyramid-profile"}
LATENTS = GOLDEN / "latents.json"


def main() -> None:
    """Make what is missing."""
    GOLDEN.mkdir(exist_ok=True)
    hashes = json.loads(LATENTS.read_text()) if LATENTS.exists() else {}
    for name, (settings, (width, height, channels)) in CASES.items():
        path = GOLDEN / f"{name}.onnx"
        if not path.exists():  # a file that was released is never made again
            pixels = scene(width, height, channels)
            data = encode(profiled(pixels) if name in PROFILED else pixels, **settings)
            path.write_bytes(data)
            write_picture(decode(data), GOLDEN / f"{name}.png")
            hashes.pop(name, None)
        if name in PYRAMIDS and name not in hashes:
            hashes[name] = latents_hash(path)
    LATENTS.write_text(json.dumps(hashes, indent=2, sort_keys=True) + "\n")


def profiled(pixels: NDArray[np.uint8]) -> io.BytesIO:
    """A PNG of RGB pixels with a profile whose red is the green of sRGB, and so on."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", icc_profile=swapped_rgb_profile())
    stream.seek(0)
    return stream


def latents_hash(path: Path) -> str:
    """SHA-256 of all latents of a pyramid, coarse to fine, row by row."""
    return hashlib.sha256(b"".join(plane.tobytes() for plane in latents(path))).hexdigest()


if __name__ == "__main__":
    main()

"""Makes the files in tests/golden that are missing. Delete one only before it was released.

python tests/make_golden.py
"""

from __future__ import annotations

from pathlib import Path

from imcodec import decode, encode, write_picture
from pictures import scene

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
    "pyramid-low": ({"steps": 20}, (300, 7, 3)),
    "pyramid-sketch": ({"steps": 30, "quality": 0}, (160, 96, 3)),
    "clipped": ({"recipe": "article-3", "width": 9, "epochs": 4, "bits": 2.5}, (37, 53, 3)),
}


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, (settings, (width, height, channels)) in CASES.items():
        if (GOLDEN / f"{name}.onnx").exists():
            continue  # a file that was released is never made again
        data = encode(scene(width, height, channels), **settings)
        (GOLDEN / f"{name}.onnx").write_bytes(data)
        write_picture(decode(data), GOLDEN / f"{name}.png")


if __name__ == "__main__":
    main()

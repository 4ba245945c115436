"""Makes the files in tests/golden. Run it for a new format version, never to silence a test.

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
    "clipped": ({"recipe": "article-3", "width": 9, "epochs": 4, "bits": 2.5}, (37, 53, 3)),
}


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, (settings, (width, height, channels)) in CASES.items():
        data = encode(scene(width, height, channels), **settings)
        (GOLDEN / f"{name}.onnx").write_bytes(data)
        write_picture(decode(data), GOLDEN / f"{name}.png")


if __name__ == "__main__":
    main()

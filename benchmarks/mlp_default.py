"""How the default of --model mlp was found: candidates at about the same bytes and the same steps.

    python benchmarks/mlp_default.py [--pictures ../shared/data/train] [--only N...]

Needs the training photos (or any directory with 512x512 PNGs of the two names below), which are not
part of the repository. One candidate and picture takes half a minute to a minute. The results that
were kept are in mlp_default.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from imcodec import encode_picture, settings_from

NAMES = ("1001682.png", "pexels-photo-635405.png")
#: 23 epochs of 512x512 in batches of 8192 are 736 steps; as many again with rounded weights
COMMON: dict[str, Any] = {"epochs": 23, "finetune": 23, "threads": 1}
SINE: dict[str, Any] = {"features": "fourier", "activation": "sine"}
GELU: dict[str, Any] = {"features": "fourier", "activation": "gelu", "lr": 1e-2}
PLAIN: dict[str, Any] = {"features": "normalised", "layers": 4, "width": 49}
CANDIDATES: tuple[dict[str, Any], ...] = (
    PLAIN | {"lr": 1e-3, "bits": 6},
    PLAIN | {"lr": 2e-3, "bits": 6},
    PLAIN | {"lr": 1e-3, "bits": 8, "width": 46},
    GELU | {"layers": 3, "width": 48, "frequencies": 32, "bits": 6},
    GELU | {"layers": 2, "width": 40, "frequencies": 64, "bits": 6},
    SINE | {"layers": 3, "width": 52, "frequencies": 16, "bits": 6, "lr": 1e-3},
    SINE | {"layers": 3, "width": 48, "frequencies": 32, "bits": 6, "lr": 1e-3},
    SINE | {"layers": 3, "width": 48, "frequencies": 32, "bits": 6, "lr": 2e-3},
    SINE | {"layers": 3, "width": 48, "frequencies": 32, "bits": 6, "lr": 3e-3},
    SINE | {"layers": 3, "width": 56, "frequencies": 32, "bits": 5, "lr": 1e-3},
    SINE | {"layers": 2, "width": 40, "frequencies": 64, "bits": 6, "lr": 1e-3},
    SINE | {"layers": 2, "width": 48, "frequencies": 48, "bits": 6, "lr": 1e-3},
    SINE | {"layers": 2, "width": 48, "frequencies": 64, "bits": 5, "lr": 1.5e-3},
    SINE | {"layers": 2, "width": 58, "frequencies": 64, "bits": 4, "lr": 1.5e-3},
    SINE | {"layers": 3, "width": 40, "frequencies": 64, "bits": 5, "lr": 1.5e-3},
    SINE | {"layers": 2, "width": 44, "frequencies": 96, "bits": 5, "lr": 1.5e-3},
    SINE | {"layers": 2, "width": 36, "frequencies": 128, "bits": 5, "lr": 1.5e-3},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--only", type=int, nargs="*", default=range(len(CANDIDATES)))
    arguments = parser.parse_args()
    if not arguments.pictures.is_dir():
        sys.exit(f"{arguments.pictures}: no such directory; name one with --pictures")
    for number in arguments.only:
        for name in NAMES:
            settings = settings_from(**COMMON, **CANDIDATES[number])
            made = encode_picture(arguments.pictures / name, settings)
            print(
                f"{number:2} {name[:12]:12} {len(made.data):6,} bytes {made.psnr:6.2f} dB "
                f"(before rounding {made.psnr_before_rounding:6.2f}) {CANDIDATES[number]}",
                flush=True,
            )


if __name__ == "__main__":
    main()

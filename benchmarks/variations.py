"""One change at a time to the article's third network: layers, epochs, activations, inputs, losses.

    python benchmarks/variations.py PICTURE OUT_DIR [--threads N]

The picture is halved in size first, and the base has 30 epochs, so that all of it takes minutes,
not hours. Writes a line of variations.jsonl for each network (what is there is left out, so it can
be interrupted), the decoded pictures, and variations.jpg, which shows all of them with their PSNR.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imcodec import encode_picture, read_picture, settings_from, write_picture
from imcodec.metrics import ssim

BASE: dict[str, Any] = {"recipe": "article-3", "epochs": 30}
VARIATIONS: dict[str, dict[str, Any]] = {
    "article-3, 30 epochs": {},
    "2 hidden layers": {"activation": ("tanh", "relu")},
    "8 hidden layers": {"activation": ("tanh",) + ("relu",) * 7, "width": 100},
    "10 epochs": {"epochs": 10},
    "100 epochs": {"epochs": 100},
    "all sigmoid": {"activation": "sigmoid"},
    "all tanh": {"activation": "tanh"},
    "all relu": {"activation": "relu"},
    "all gelu": {"activation": "gelu"},
    "all sine": {"activation": "sine", "features": "normalised"},
    "normalised inputs": {"features": "normalised"},
    "64 plane waves": {"features": "fourier"},
    "l1 loss": {"loss": "l1"},
    "huber loss": {"loss": "huber"},
    "ssim loss": {"loss": "ssim", "batch": 1024},
}
COLUMNS, CAPTION = 4, 18


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = arguments.out / "variations.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    whole = Image.fromarray(read_picture(arguments.picture).pixels)
    pixels = np.asarray(whole.reduce(2))
    for name, changes in VARIATIONS.items():
        if any(row["name"] == name for row in rows):
            continue
        row = measure(name, changes, pixels, arguments.out, arguments.threads)
        rows.append(row)
        with log.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        print(name, f"{row['psnr']:.2f} dB", flush=True)
    print(table(rows))
    contact_sheet(rows, pixels, arguments.out).save(arguments.out / "variations.jpg", quality=85)


def measure(
    name: str, changes: dict[str, Any], pixels: NDArray[np.uint8], out: Path, threads: int
) -> dict[str, Any]:
    """Encode with one change and tell what came of it."""
    settings = BASE | changes
    if isinstance(settings.get("activation"), str):
        settings |= {"layers": 5}
    made = encode_picture(pixels, settings_from(**settings, threads=threads))
    write_picture(_decoded(made.data), out / f"{_slug(name)}.png")
    return {
        "name": name,
        "parameters": made.info.parameters,
        "bytes": len(made.data),
        "psnr": made.psnr,
        "ssim": ssim(pixels, _decoded(made.data)),
        "seconds": made.seconds,
    }


def _decoded(data: bytes) -> NDArray[np.uint8]:
    from imcodec import decode

    return decode(data)


def _slug(name: str) -> str:
    return name.replace(",", "").replace(" ", "-")


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| network | parameters | bytes | PSNR | SSIM |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        lines.append(
            f"| {row['name']} | {row['parameters']:,} | {row['bytes']:,} | "
            f"{row['psnr']:.2f} dB | {row['ssim']:.3f} |"
        )
    return "\n".join(lines)


def contact_sheet(rows: list[dict[str, Any]], pixels: NDArray[np.uint8], out: Path) -> Image.Image:
    """The original and all decoded pictures with captions."""
    pictures = [("original", Image.fromarray(pixels))]
    for row in rows:
        picture = Image.open(out / f"{_slug(row['name'])}.png")
        pictures.append((f"{row['name']}: {row['psnr']:.2f} dB", picture))
    width, height = pictures[0][1].size
    lines = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (width + 6) - 6, lines * (height + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (caption, picture) in enumerate(pictures):
        line, column = divmod(number, COLUMNS)
        left, top = column * (width + 6), line * (height + CAPTION)
        draw.text((left + 2, top + 2), caption, fill="black", font=ImageFont.load_default(12))
        sheet.paste(picture, (left, top + CAPTION))
    return sheet


if __name__ == "__main__":
    main()

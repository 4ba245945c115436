"""The article's three networks and the default one on a picture: bytes, quality, time.

    python benchmarks/recipes.py PICTURE OUT_DIR [--names article-1 ... default] [--threads N]

Writes NAME.onnx, NAME.png (the decoded picture), NAME-curve.png and a line of results.jsonl for
each recipe into OUT_DIR, and leaves out what is there already, so that it can be interrupted; at
the end pictures.jpg and curves.png, which show all of them.
Quality is measured on what a bare onnxruntime session decodes from the file on disk.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from imcodec import encode_picture, read_picture, settings_from, write_picture
from imcodec.files import write_atomic
from imcodec.metrics import psnr, ssim
from imcodec.plot import side_by_side, training_curve

NAMES = ("article-1", "article-2", "article-3", "default")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--names", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = arguments.out / "results.jsonl"
    rows: list[dict[str, Any]] = []
    if log.exists():
        rows = [json.loads(line) for line in log.read_text().splitlines()]
    picture = read_picture(arguments.picture)
    for name in arguments.names:
        if any(row["name"] == name for row in rows):
            continue
        row = measure(name, picture.pixels, arguments.out, arguments.threads)
        row["picture"] = arguments.picture.name
        rows.append(row)
        with log.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
    rows.sort(key=lambda row: NAMES.index(row["name"]))
    print(table(rows))
    pictures_sheet(rows, picture.pixels, arguments.out).save(
        arguments.out / "pictures.jpg", quality=88
    )
    curves_sheet(rows, arguments.out).save(arguments.out / "curves.png", optimize=True)


def pictures_sheet(rows: list[dict[str, Any]], pixels: NDArray[np.uint8], out: Path) -> Image.Image:
    """The original and what each network remembers, two in a row."""
    shown = [("original", pixels)]
    for row in rows:
        caption = f"{row['name']}: {row['bytes']:,} bytes, {row['psnr']:.2f} dB"
        shown.append((caption, read_picture(out / f"{row['name']}.png").pixels))
    if len(shown) % 2:
        shown.append(("", np.full_like(pixels, 255)))
    pairs = [shown[i : i + 2] for i in range(0, len(shown), 2)]
    strips = [side_by_side([p for _, p in pair], [label for label, _ in pair]) for pair in pairs]
    return Image.fromarray(np.concatenate(strips))


def curves_sheet(rows: list[dict[str, Any]], out: Path) -> Image.Image:
    """The training curves, two in a row."""
    curves = [Image.open(out / f"{row['name']}-curve.png").convert("RGB") for row in rows]
    width, height = curves[0].size
    sheet = Image.new("RGB", (2 * width, -(-len(curves) // 2) * height), "white")
    for number, curve in enumerate(curves):
        sheet.paste(curve, (number % 2 * width, number // 2 * height))
    return sheet.quantize(64)


def measure(name: str, pixels: NDArray[np.uint8], out: Path, threads: int) -> dict[str, Any]:
    """Encode with one recipe and tell what came of it."""
    recipe = None if name == "default" else name
    encoding = encode_picture(pixels, settings_from(recipe=recipe, threads=threads))
    path = out / f"{name}.onnx"
    write_atomic(path, encoding.data)
    height, width, _ = pixels.shape
    decoded = bare_decode(path, width, height)
    write_picture(decoded, out / f"{name}.png")
    write_atomic(out / f"{name}-curve.png", training_curve(encoding.history, name))
    size = path.stat().st_size
    similarity = ssim(pixels, decoded)
    return {
        "name": name,
        "parameters": encoding.info.parameters,
        "bytes": size,
        "bpp": 8 * size / (width * height),
        "psnr": psnr(pixels, decoded),
        "ssim": similarity if similarity is not None else float("nan"),
        "psnr_before_rounding": encoding.psnr_before_rounding,
        "seconds": encoding.seconds,
        "device": encoding.device,
    }


def bare_decode(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """The picture as anybody sees it who has onnxruntime and NumPy, and nothing of ours."""
    x = (2 * np.arange(width) + 1) / width - 1
    y = (2 * np.arange(height) + 1) / height - 1
    grid = np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pixels: NDArray[np.uint8] = session.run(None, {"grid": grid})[0][0]
    return pixels


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| network | parameters | bytes | bpp | PSNR | SSIM | rounding cost | time |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cost = row["psnr_before_rounding"] - row["psnr"]
        lines.append(
            f"| {row['name']} | {row['parameters']:,} | {row['bytes']:,} | {row['bpp']:.3f} | "
            f"{row['psnr']:.2f} dB | {row['ssim']:.3f} | {cost:.2f} dB | {row['seconds']:.0f} s |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""Pixels to a file: fit, encode the integers, build the graph, decode it, compare everything.

python encode_picture.py IN.png OUT.onnx --lmbda 1e-3 --steps 300 --size 256
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from context import Context
from context_int import encode_latents
from fit_pyramid import Fit, Fitted, Report, Settings
from geometry import Geometry, choose_geometry
from graph_pyramid import Picture, build
from numpy.typing import NDArray
from PIL import Image
from rans import START
from reference import lattice_grid, pixel_grid
from tables import CodingError, Ints, Table


@dataclass(frozen=True)
class Encoded:
    """A file that has been decoded and compared."""

    data: bytes
    pixels: NDArray[np.uint8]  # [height, width, channels], from onnxruntime
    psnr: float
    cost: float  # mse (0 .. 1) + lambda * bpp of the payload's ideal bits
    bpp: float  # ideal bits per pixel, without lanes, networks and graph
    graph_bytes: int
    weight_bytes: int
    payload_bytes: int
    clamped: list[int]  # latents per level that the table could not code as fitted
    shrunk: float  # 1, or by how much widths had to be drawn together


def session(data: bytes) -> ort.InferenceSession:
    """One thread, nothing else set."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def shrink(context: Context, factor: float) -> Context:
    """The same network with its widths drawn towards a constant, so that they stay in range."""
    last = context.weights[-1].copy()
    for row in last[:, 1, :, 0, 0]:  # [hidden]; unit 0 is the constant
        free = np.rint(row[1:] * factor)
        bias = -2.0 * float(row.astype(int).sum())
        bias = 12.0 + (bias - 12.0) * factor
        row[0] = np.clip(np.rint(-bias / 2 - free.sum()), -63, 63)
        row[1:] = free
    return replace(context, weights=(*context.weights[:-1], last))


def verify(picture: Picture, debug: bytes, planes: list[Ints]) -> None:
    """Every latent of every level, all states and the read position, by onnxruntime."""
    grid, parts = lattice_grid(picture.geometry)
    _, features, states, _ = session(debug).run(None, {"grid": grid})
    for level, (plane, part) in enumerate(zip(planes, parts, strict=True)):
        seen = np.asarray(features)[level].reshape(-1)[part] / -picture.table.step
        if not np.array_equal(np.rint(seen).reshape(plane.shape), plane):
            raise CodingError(f"level {level + 1} decodes to other latents")
    if not (np.asarray(states) == START).all():
        raise CodingError("the lanes do not end in the start state")


def encode_fitted(
    pixels: NDArray[np.uint8], geometry: Geometry, fitted: Fitted, lmbda: float
) -> Encoded:
    """The file of a finished fit; raises `CodingError` if it does not decode to the fit."""
    table, height, width = Table(), geometry.height, geometry.width
    for factor in np.linspace(1, 0, 21):
        context = fitted.context if factor == 1 else shrink(fitted.context, float(factor))
        try:
            payload, planes = encode_latents(context, geometry, table, fitted.planes)
            break
        except CodingError:
            if factor == 0:
                raise
    picture = Picture(geometry, context, table, fitted.synthesis)
    data = build(picture, payload)
    verify(picture, build(picture, payload, debug=True), planes)
    (shown,) = session(data).run(["rgb"], {"grid": pixel_grid(height, width)})
    shown = np.asarray(shown, np.uint8)[0]
    mse = float(np.square(shown.astype(float) - pixels).mean()) / 255**2
    bpp = payload.ideal_bits / (height * width)
    weights = context.size + fitted.synthesis.size
    return Encoded(
        data,
        shown,
        -10 * float(np.log10(max(mse, 1e-10))),
        mse + lmbda * bpp,
        bpp,
        len(data) - weights - payload.size,
        weights,
        payload.size,
        [int((a != b).sum()) for a, b in zip(planes, fitted.planes, strict=True)],
        float(factor),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--lmbda", type=float, default=1e-3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--size", type=int, default=0, help="side of a crop at (100, 100); 0: all")
    parser.add_argument("--hidden", type=int, default=14)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--lr", type=float, default=Settings.lr)
    parser.add_argument("--lr-networks", type=float, default=Settings.lr_networks)
    parser.add_argument("--quantise-at", type=float, default=Settings.quantise_at)
    parser.add_argument("--clip", type=float, default=Settings.clip)
    parser.add_argument("--prior", default=Settings.prior, help="'' to start untrained")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pixels = np.asarray(Image.open(arguments.source).convert("RGB"))
    if arguments.size:
        pixels = pixels[100 : 100 + arguments.size, 100 : 100 + arguments.size]
    names = ("lmbda", "steps", "hidden", "layers", "lr", "lr_networks", "quantise_at", "clip")
    settings = Settings(**{name: getattr(arguments, name) for name in (*names, "seed", "prior")})
    geometry = choose_geometry(*pixels.shape[:2])
    start = time.monotonic()

    def show(report: Report) -> None:
        if report.step % max(1, report.steps // 8) == 0:
            print(
                f"{report.step:5} {report.seconds:6.1f} s  J {1e3 * report.cost:.4f}"
                f"  mse {1e3 * report.mse:.4f}  bpp {report.bpp:.4f}",
                flush=True,
            )

    fitted = Fit(pixels, geometry, settings).run(show)
    seconds = time.monotonic() - start
    encoded = encode_fitted(pixels, geometry, fitted, settings.lmbda)
    arguments.target.write_bytes(encoded.data)
    total = 8 * len(encoded.data) / (geometry.height * geometry.width)
    print(f"{geometry}\nfit J {1e3 * fitted.cost:.4f}, outside {fitted.outside}, {seconds:.1f} s")
    print(
        f"J {1e3 * encoded.cost:.4f} e-3 ({encoded.bpp:.4f} bpp), {encoded.psnr:.2f} dB, clamped "
        f"{encoded.clamped}, widths x {encoded.shrunk:.2f}; bytes: graph {encoded.graph_bytes} + "
        f"weights {encoded.weight_bytes} + payload {encoded.payload_bytes} = {len(encoded.data)} "
        f"({total:.4f} bpp)"
    )


if __name__ == "__main__":
    main()

"""The commands `info` and `verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imcodec_cli.paths import STREAM, read_stdin
from imcodec_cli.report import Report

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from imcodec.contents import Info, LayerInfo

#: layers with more weights than this are not printed
SMALL_LAYER = 64


def run_info(report: Report, paths: list[str], *, weights: bool) -> None:
    """Show what is in each file."""

    def work(path: str) -> None:
        found = _verified(path)
        if report.json:
            report.result({"file": path} | found.to_dict(weights=weights))
        else:
            _print_info(path, found, weights=weights)

    report.each(paths, str, work)


def run_verify(report: Report, paths: list[str]) -> None:
    """Check each file."""

    def work(path: str) -> None:
        found = _verified(path)
        report.say(
            f"{path}: ok, {found.width}x{found.height}x{found.channels}, {found.model}, "
            f"{found.bytes.total:,} bytes"
        )
        report.result({"file": path, "ok": True, "bytes": found.bytes.total})

    report.each(paths, str, work)


def _verified(path: str) -> Info:
    from imcodec.container import MAX_BYTES, verify

    return verify(read_stdin(MAX_BYTES) if path == STREAM else path)


def _print_info(path: str, found: Info, *, weights: bool) -> None:
    from rich.console import Console
    from rich.markup import escape

    from imcodec.files import display_name

    console = Console(highlight=False)
    channels = {1: "grey", 2: "grey and alpha", 3: "RGB", 4: "RGB and alpha"}[found.channels]
    console.print(f"[bold]{escape(display_name(path))}[/]")
    rows = (
        ("picture", f"{found.width} x {found.height}, {channels}"),
        ("model", f"{found.model}, {found.parameters:,} parameters, {found.bits:.3g} bits each"),
        ("inputs", found.features),
        ("quality", f"{found.psnr:.2f} dB PSNR, as recorded by the encoder"),
        ("size", f"{found.bytes.total:,} bytes, {found.bpp:.4f} bits per pixel"),
        ("format", f"version {found.version}"),
    )
    for name, value in rows:
        console.print(f"  {name:9}{value}")
    console.print(_layer_table(found))
    console.print(_byte_table(found))
    if weights:
        for layer in found.layers:
            _print_weights(console, layer)


def _layer_table(found: Info) -> Table:
    from rich.table import Table

    table = Table("layer", "shape", "activation", title="Layers", title_justify="left")
    table.add_column("parameters", justify="right")
    for layer in found.layers:
        shape = f"{layer.inputs} -> {layer.outputs}"
        table.add_row(layer.name, shape, layer.activation, f"{layer.parameters:,}")
    return table


def _byte_table(found: Info) -> Table:
    from rich.table import Table

    table = Table("part", title="Bytes", title_justify="left")
    table.add_column("bytes", justify="right")
    table.add_column("share", justify="right")
    count = found.bytes
    for name in ("graph", "weights", "payload", "header", "total"):
        value = getattr(count, name)
        table.add_row(name, f"{value:,}", f"{100 * value / count.total:.1f} %")
    return table


def _print_weights(console: Console, layer: LayerInfo) -> None:
    if layer.parameters > SMALL_LAYER:
        console.print(f"{layer.name}: {layer.parameters:,} parameters, too many to print")
        return
    console.print(f"{layer.name}: weights, a row for each input, then biases")
    for row in (*layer.weight, layer.bias):
        console.print("  " + " ".join(f"{value:12.6g}" for value in row))

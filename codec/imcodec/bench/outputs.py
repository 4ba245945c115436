"""What a bench leaves behind: report.html, and plots as PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from imcodec.bench.codecs import PLAIN
from imcodec.bench.plan import BenchPicture
from imcodec.bench.plots import FORMATS, cost_plot, drawn, networks_plot, rate_plot
from imcodec.bench.quality import METRICS
from imcodec.bench.report import report
from imcodec.bench.rows import Rows
from imcodec.bench.shown import sheets
from imcodec.errors import MissingExtraError
from imcodec.files import write_atomic

ROWS = "rows.jsonl"
REPORT = "report.html"


def require_packages() -> None:
    """Raise MissingExtraError where report or plots cannot be made: better before a bench."""
    for name in ("bjontegaard", "matplotlib"):
        if find_spec(name) is None:
            raise MissingExtraError(f'a bench needs {name}; pip install "imcodec[bench]"')


def write_outputs(
    rows: Rows,
    pictures: Sequence[BenchPicture],
    out: Path,
    *,
    anchor: str,
    title: str,
    shown: int,
) -> list[Path]:
    """Write the report and the plots for all rows; the files written.

    The slider shows the first `shown` of the pictures. Raises UsageError without rows, OutputError.
    """
    current = rows.current()
    page = report(rows, sheets(pictures, current, out, shown), anchor=anchor, title=title)
    write_atomic(out / REPORT, page.encode())
    written = [out / REPORT]
    figures = {
        f"rate-{metric.name}": rate_plot(current, metric)
        for metric in METRICS.values()
        if any(row.quality.get(metric.name) is not None for row in current)
    }
    codecs = {row.codec for row in current}
    if "rate-psnr" in figures and not codecs.isdisjoint(PLAIN):
        figures["networks"] = networks_plot(current, METRICS["psnr"])
    if anchor in codecs and "rate-psnr" in figures:
        figures["cost"] = cost_plot(rows, METRICS["psnr"], anchor)
    for name, figure in figures.items():
        for format in FORMATS:
            path = out / f"{name}.{format}"
            write_atomic(path, drawn(figure, format))
            written.append(path)
    return written

"""The plots in the documents, made of the rows in results/.

    python benchmarks/figures.py [--report DIRECTORY]

Writes docs/images/kodak-rate.png, kodak-time.png (of the pictures that the default effort was run
on, and the efforts that have all of its rows, over the times of time.jsonl), kodak-long.png (the
same of those that the longest effort was run on, at the qualities that all efforts have there),
kodak-networks.png (once there are rows of the plain networks) and scaling.png. With --report,
instead, the Kodak report and all its plots go to a directory; its slider needs the pictures, so
only `make bench-kodak` makes that.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from imcodec.bench.codecs import PLAIN, codec_named
from imcodec.bench.outputs import write_outputs
from imcodec.bench.plots import (
    DEFAULT_EFFORT,
    cost_plot,
    drawn,
    networks_plot,
    rate_plot,
    scaling_plot,
)
from imcodec.bench.quality import METRICS
from imcodec.bench.rows import Row, Rows, read_rows
from imcodec.files import write_atomic

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"
LONGEST = "imcodec-e9"

#: hash of a picture, and a codec's setting
Point = tuple[str, float]


def beside(codec: str, rows: Sequence[Row]) -> tuple[list[Row], dict[str, set[Point]]]:
    """Rows of a codec's pictures, but of the plain networks; and the points that ours have."""
    pictures = {row.sha256 for row in rows if row.codec == codec}
    near = [row for row in rows if row.sha256 in pictures and row.codec not in PLAIN]
    points: dict[str, set[Point]] = defaultdict(set)
    for row in near:
        if codec_named(row.codec).is_ours:
            points[row.codec].add((row.sha256, row.setting))
    return near, points


def beside_default(rows: Sequence[Row]) -> list[Row]:
    """Rows of the default effort's pictures that may share a plot with it.

    An effort has all of its pictures and qualities or is left out: with fewer qualities its BD-rate
    is over another range, and it would look better or worse than it is.
    """
    near, points = beside(DEFAULT_EFFORT, rows)
    all_of_them = points[DEFAULT_EFFORT]
    return [row for row in near if all_of_them <= points.get(row.codec, all_of_them)]


def beside_longest(rows: Sequence[Row]) -> list[Row]:
    """Rows of the longest effort's pictures, ours at the qualities that all efforts have there."""
    near, points = beside(LONGEST, rows)
    shared = set.intersection(*points.values())
    return [row for row in near if row.codec not in points or (row.sha256, row.setting) in shared]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, metavar="DIRECTORY")
    arguments = parser.parse_args()
    kodak = read_rows(RESULTS / "kodak.jsonl")
    if arguments.report:
        arguments.report.mkdir(parents=True, exist_ok=True)
        title = "The Kodak pictures"
        write_outputs(kodak, [], arguments.report, anchor="avif-444", title=title, shown=0)
        return
    rows = kodak.current()
    figures = {"kodak-rate": rate_plot(rows, METRICS["psnr"])}
    times = read_rows(RESULTS / "time.jsonl")
    for name, choose in {"kodak-time": beside_default, "kodak-long": beside_longest}.items():
        chosen = Rows(choose(rows), kodak.machines)
        figures[name] = cost_plot(chosen, METRICS["psnr"], "avif-444", times)
    if any(row.codec in PLAIN for row in rows):
        figures["kodak-networks"] = networks_plot(rows, METRICS["psnr"])
    lines = (RESULTS / "scaling.jsonl").read_text().splitlines()
    figures["scaling"] = scaling_plot([json.loads(line) for line in lines])
    for name, figure in figures.items():
        write_atomic(IMAGES / f"{name}.png", drawn(figure, "png"))


if __name__ == "__main__":
    main()

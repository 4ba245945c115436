"""The plots in the documents, made of the rows in results/.

    python benchmarks/figures.py [--report DIRECTORY]

Writes docs/images/kodak-rate.png, kodak-time.png (of the pictures that the default effort was run
on, over the times of time.jsonl), kodak-networks.png (once there are rows of the plain networks)
and scaling.png. With --report, instead, the Kodak report and all its plots go to a directory; its
slider needs the pictures, so only `make bench-kodak` makes that.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from imcodec.bench.codecs import PLAIN
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
from imcodec.bench.rows import Rows, read_rows
from imcodec.files import write_atomic

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"


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
    shared = {row.sha256 for row in rows if row.codec == DEFAULT_EFFORT}
    near = [row for row in rows if row.sha256 in shared and row.codec not in PLAIN]
    times = read_rows(RESULTS / "time.jsonl")
    figures["kodak-time"] = cost_plot(
        Rows(near, kodak.machines), METRICS["psnr"], "avif-444", times
    )
    if any(row.codec in PLAIN for row in rows):
        figures["kodak-networks"] = networks_plot(rows, METRICS["psnr"])
    lines = (RESULTS / "scaling.jsonl").read_text().splitlines()
    figures["scaling"] = scaling_plot([json.loads(line) for line in lines])
    for name, figure in figures.items():
        write_atomic(IMAGES / f"{name}.png", drawn(figure, "png"))


if __name__ == "__main__":
    main()

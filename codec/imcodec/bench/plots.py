"""Plots of rows for documents: rate-distortion curves, BD-rate over time, scaling; PNG or SVG."""

from __future__ import annotations

import io
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from imcodec.bench.bd import compare
from imcodec.bench.codecs import codec_named, colour_numbers
from imcodec.bench.curves import mean_curve, picture_sets
from imcodec.bench.published import is_kodak, published
from imcodec.bench.quality import Metric
from imcodec.bench.rows import Row
from imcodec.errors import MissingExtraError

FORMATS = ("png", "svg")
_OURS = ("#d6246e", "#8f1fb5", "#e8590c", "#b08900", "#9c6b4e", "#7a4a63")
_OTHERS = ("#868e96", "#2f9e44", "#4dabf7", "#1864ab", "#0ca678", "#66a80f", "#495057", "#845ef7")


def colours(codecs: Sequence[str]) -> dict[str, str]:
    """A colour for each codec, ours apart from the others, in the report's order."""
    numbers = colour_numbers(codecs)
    return {
        name: (_OURS if codec_named(name).is_ours else _OTHERS)[numbers[name]] for name in codecs
    }


def rate_plot(rows: Sequence[Row], metric: Metric) -> Any:
    """A matplotlib figure: means over the largest set of pictures; published curves for Kodak.

    Codecs that were run on fewer pictures are not in it.
    """
    by_codec = _by_codec(rows)
    chosen = picture_sets(rows)[0]
    figure, axes = _figure((7.5, 5))
    for name, colour in colours(list(by_codec)).items():
        if name not in chosen.codecs:
            continue
        curve = mean_curve(by_codec[name], chosen.pictures, metric)
        codec = codec_named(name)
        axes.plot(
            curve.rates,
            curve.qualities,
            "o-",
            color=colour,
            label=codec.label,
            linewidth=2.5 if codec.is_ours else 1.4,
            markersize=5 if codec.is_ours else 3,
            zorder=3 if codec.is_ours else 2,
        )
    rates = [rate for line in axes.lines for rate in line.get_xdata()]
    low, high = min(rates, default=0.1) / 1.2, max(rates, default=1.0) * 1.2
    bottom, top = axes.get_ylim()
    if is_kodak(chosen.pictures):
        for entry in published():
            if entry.metric == metric.name:
                _published(axes, entry.curve.rates, entry.curve.qualities, entry.label)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(bottom, top)
    axes.set_xticks(
        [at for at in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if low <= at <= high]
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlabel("bits per pixel (whole files)")
    axes.set_ylabel(metric.label + (" [dB]" if metric.name == "psnr" else ""))
    axes.legend(fontsize=8, loc="lower right")
    count = len(chosen.pictures)
    axes.set_title(f"mean over {count} picture{'s' if count > 1 else ''}", fontsize=10)
    return figure


def cost_plot(rows: Sequence[Row], metric: Metric, anchor: str) -> Any:
    """A matplotlib figure: BD-rate against `anchor` over the median seconds of an encoding."""
    by_codec = _by_codec(rows)
    chosen = picture_sets(rows)[0]
    figure, axes = _figure((7.5, 4))
    members = set(chosen.pictures)
    for name, colour in colours(list(by_codec)).items():
        own = [row for row in by_codec[name] if row.sha256 in members]
        seconds = [row.encode_s for row in own if row.encode_s is not None]
        if name not in chosen.codecs or anchor not in chosen.codecs or not seconds:
            continue
        percent = 0.0
        if name != anchor:
            found = compare(by_codec[anchor], own, chosen.pictures, metric).over_set
            if found is None:
                continue
            percent = found.percent
        x = statistics.median(seconds)
        axes.scatter([x], [percent], color=colour, s=60 if codec_named(name).is_ours else 30)
        axes.annotate(
            codec_named(name).label, (x, percent), (7, 0), textcoords="offset points", fontsize=8,
            va="center",
        )  # fmt: skip
    axes.axhline(0, color="0.6", linewidth=1, zorder=1)
    axes.set_xscale("log")
    axes.margins(0.15)
    axes.set_xlabel("seconds to encode a picture (median)")
    axes.set_ylabel(f"bits for the same {metric.label} [%]")
    axes.set_title(f"against {codec_named(anchor).label}", fontsize=10)
    return figure


def scaling_plot(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A matplotlib figure of the rows of a scaling study (imcodec.bench.scaling)."""
    figure, panels = _figure((9, 6.5), 2, 2)
    sizes = [row for row in rows if row["study"] == "size"]
    threads = [row for row in rows if row["study"] == "threads"]
    first = threads[0] if threads else {}

    def over_pixels(axes: Any, suffix: str, label: str, *, for_each: bool = False) -> None:
        found = {
            name: [
                (row["megapixels"], row[name + suffix] / (row["megapixels"] if for_each else 1))
                for row in sizes
                if row[name + suffix] is not None
            ]
            for name in ("encode", "decode")
        }
        _two_lines(axes, found, "megapixels", label)
        if not any(found.values()):  # a system that does not tell peak memory
            return
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(lambda value, place: "")

    over_pixels(panels[0][0], "_s", "seconds")
    over_pixels(panels[0][1], "_mb", "peak memory [MB]")
    over_pixels(panels[1][0], "_s", "seconds for each megapixel", for_each=True)
    axes = panels[1][1]
    gains = {
        name: [(row["threads"], first[f"{name}_s"] / row[f"{name}_s"]) for row in threads]
        for name in ("encode", "decode")
    }
    _two_lines(axes, gains, "threads", "times as fast as one thread")
    numbers = sorted({row["threads"] for row in threads})
    axes.plot(numbers, numbers, "--", color="0.7", linewidth=1)
    axes.set_xticks(numbers)
    axes.set_ylim(bottom=0)
    return figure


def _two_lines(
    axes: Any, lines: Mapping[str, Sequence[tuple[float, float]]], across: str, up: str
) -> None:
    for (name, points), colour in zip(lines.items(), (_OURS[0], _OTHERS[3]), strict=True):
        places = [[point[i] for point in points] for i in (0, 1)]
        axes.plot(*places, "o-", color=colour, label=name)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.legend(fontsize=8)


def drawn(figure: Any, format: str) -> bytes:
    """The figure as a "png" or "svg" file; an svg has the same bytes every time."""
    import matplotlib

    stream = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "imcodec", "svg.fonttype": "none"}):
        metadata = {"Date": None} if format == "svg" else {}
        figure.savefig(stream, format=format, dpi=130, metadata=metadata)
    return stream.getvalue()


def _figure(size: tuple[float, float], rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError('plots need matplotlib; pip install "imcodec[bench]"') from error
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns)
    for one in figure.axes:
        one.grid(color="0.92")
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _published(axes: Any, rates: Sequence[float], qualities: Sequence[float], label: str) -> None:
    axes.plot(rates, qualities, "--", color="0.65", linewidth=1, zorder=1)
    low, high = axes.get_ylim()
    inside = [(x, y) for x, y in zip(rates, qualities, strict=True) if low < y < high - 1]
    if inside:
        axes.annotate(
            f"{label} (published)", inside[-1], (4, -3), textcoords="offset points", fontsize=7,
            color="0.45", clip_on=True,
        )  # fmt: skip


def _by_codec(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.codec].append(row)
    return found

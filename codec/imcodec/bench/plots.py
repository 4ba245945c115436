"""Plots of rows for documents: rate-distortion curves, BD-rate over time, scaling; PNG or SVG."""

from __future__ import annotations

import io
import re
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from imcodec.bench.bd import compare
from imcodec.bench.codecs import CODECS, LANDMARKS, PLAIN, codec_named, colour_key, in_order
from imcodec.bench.curves import PictureSet, mean_curve, picture_sets
from imcodec.bench.published import all_from_kodak, is_kodak, published
from imcodec.bench.quality import Metric
from imcodec.bench.rows import Row, Rows
from imcodec.errors import MissingExtraError
from imcodec.pyramid.settings import PyramidSettings

FORMATS = ("png", "svg")
DEFAULT_EFFORT = f"imcodec-e{PyramidSettings.effort}"
#: colours and dashes of published curves
_PUBLISHED = [
    (colour, dashes)
    for dashes in ((4, 1.5), (1.2, 1.2))
    for colour in ("#6b7a90", "#96825f", "#84689a", "#5f8a72")
]


@cache
def _colours() -> dict[str, str]:
    """The report's colours on white, by name."""
    style = files("imcodec.bench").joinpath("report.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--([\w-]+): (#\w+);", style.partition("@media")[0]))


def colour(codec: str) -> str:
    """The colour of a codec, as in the report."""
    return _colours()[colour_key(codec)]


def rate_plot(rows: Sequence[Row], metric: Metric) -> Any:
    """A matplotlib figure: means over the largest set of pictures; published curves for Kodak.

    Codecs that were run on fewer pictures are not in it, nor our plain networks, which lie far
    away (networks_plot), unless there is nothing else.
    """
    later = [row for row in rows if row.codec not in PLAIN] or rows
    return _rates(later, picture_sets(later)[0], metric)


def networks_plot(rows: Sequence[Row], metric: Metric) -> Any:
    """A matplotlib figure: networks that are one picture, from the article's to our default.

    Two other codecs, and for Kodak pictures what others published, tell where that is. The set of
    pictures is the one with most codecs.
    """
    codecs = {row.codec for row in rows}
    efforts = {name for name in codecs if name not in CODECS}
    if DEFAULT_EFFORT in efforts:
        efforts = {DEFAULT_EFFORT}
    near = [row for row in rows if row.codec in efforts.union(PLAIN, LANDMARKS)]
    chosen = max(picture_sets(near), key=lambda each: (len(each.codecs), len(each.pictures)))
    return _rates(near, chosen, metric)


def _rates(rows: Sequence[Row], chosen: PictureSet, metric: Metric) -> Any:
    by_codec = _by_codec(rows)
    figure, axes = _figure((7.5, 5))
    for name in in_order(chosen.codecs):
        curve = mean_curve(by_codec[name], chosen.pictures, metric)
        codec = codec_named(name)
        axes.plot(
            curve.rates,
            curve.qualities,
            "o-",
            color=colour(name),
            label=codec.label,
            linewidth=2.5 if codec.is_ours else 1.4,
            markersize=5 if codec.is_ours else 3,
            zorder=3 if codec.is_ours else 2,
        )
        if len(curve.rates) == 1:
            at_left = curve.rates[0] > 0.3
            axes.annotate(
                codec.label, (curve.rates[0], curve.qualities[0]), (-7 if at_left else 7, 0),
                textcoords="offset points", fontsize=8, va="center",
                ha="right" if at_left else "left",
            )  # fmt: skip
    rates = [rate for line in axes.lines for rate in line.get_xdata()]
    low, high = min(rates, default=0.1) / 1.2, max(rates, default=1.0) * 1.2
    bottom, top = axes.get_ylim()
    axes.add_artist(axes.legend(fontsize=8, loc="lower right"))
    count = len(chosen.pictures)
    kodak = "Kodak " if all_from_kodak(chosen.pictures) else ""
    axes.set_title(f"mean over {count} {kodak}picture{'s' if count > 1 else ''}", fontsize=10)
    if kodak:
        title = "published by others" + ("" if is_kodak(chosen.pictures) else ", over all 24")
        _published(axes, metric, title)
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
    return figure


def cost_plot(rows: Rows, metric: Metric, anchor: str, times: Rows | None = None) -> Any:
    """A matplotlib figure: BD-rate against `anchor` over the median seconds of an encoding.

    With `times`, rows of codecs that were timed one after another, over a ratio of medians instead:
    to the anchor's of the same pictures, in `times` for codecs that are there, in `rows` for the
    others.
    """
    current = rows.current()
    chosen = picture_sets(current)[0]
    by_codec = _by_codec([row for row in current if row.sha256 in chosen.pictures])
    timed = _by_codec(times.current()) if times else {}
    figure, axes = _figure((7.5, 4))
    found = []
    for name, all_rows in by_codec.items():
        own = [row for row in all_rows if row.encode_s is not None]
        if not {name, anchor} <= set(chosen.codecs) or not own:
            continue
        percent = 0.0
        if name != anchor:
            rate = compare(by_codec[anchor], own, chosen.pictures, metric).over_set
            if rate is None:
                continue
            percent = rate.percent
        measured = timed.get(name, own)
        seconds = _seconds(measured)
        if times:
            same = timed if name in timed else by_codec
            pictures = {row.sha256 for row in measured}
            seconds /= _seconds([row for row in same[anchor] if row.sha256 in pictures])
        found.append((name, seconds, percent, [] if times else rows.made_on(own)))
    usual = statistics.mode(", ".join(places) for *_, places in found) if found else ""
    note = ""
    for name, seconds, percent, places in found:
        label, ours = codec_named(name).label, codec_named(name).is_ours
        if (where := ", ".join(places)) != usual:
            mixed = usual in places
            label += "*" if mixed else f"\n{where}"
            note = "\n* some of them elsewhere" if mixed else note
        axes.scatter([seconds], [percent], color=colour(name), zorder=3, s=60 if ours else 30)
        # efforts lie near each other, one behind the other: slanted labels do not meet
        axes.annotate(
            label, (seconds, percent), (4, 4) if ours else (7, 0), textcoords="offset points",
            fontsize=8, va="bottom" if ours else "center", rotation=35 if ours else 0,
            rotation_mode="anchor",
        )  # fmt: skip
    axes.axhline(0, color="0.6", linewidth=1, zorder=1)
    axes.set_xscale("log")
    axes.margins(0.18, 0.2)
    axes.xaxis.set_major_formatter("{x:g}")
    unit = f"({codec_named(anchor).label}: 1; medians)" if times else "[s] (median)"
    axes.set_xlabel(f"time to encode a picture {unit}" + (f", {usual}" if usual else "") + note)
    axes.set_ylabel(f"bits for the same {metric.label} [%]")
    axes.set_title(f"against {codec_named(anchor).label}", fontsize=10)
    return figure


def _seconds(rows: Sequence[Row]) -> float:
    return statistics.median(row.encode_s or 0 for row in rows)


def scaling_plot(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A matplotlib figure of the rows of a scaling study (imcodec.bench.scaling)."""
    figure, panels = _figure((9, 6.5), 2, 2)
    from matplotlib.ticker import LogLocator

    ordered = sorted(rows, key=lambda row: (row["megapixels"], row["threads"]))
    sizes, threads = (
        [row for row in ordered if row["study"] == study] for study in ("size", "threads")
    )
    first = threads[0] if threads else {}
    places = dict.fromkeys(row["machine"]["processor"] for row in rows)
    most = max((row["threads"] for row in sizes), default=1)
    figure.suptitle(
        f"sizes on {most} core{'s' if most > 1 else ''}, threads at 1 megapixel; "
        + ", ".join(places),
        fontsize=10,
    )

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
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
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
    for (name, points), like in zip(lines.items(), ("imcodec-e4", "avif-444"), strict=True):
        places = [[point[i] for point in points] for i in (0, 1)]
        axes.plot(*places, "o-", color=colour(like), label=name)
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
        one.set_axisbelow(True)
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _published(axes: Any, metric: Metric, title: str) -> None:
    curves = [entry for entry in published() if entry.metric == metric.name]
    lines = [
        axes.plot(
            entry.curve.rates,
            entry.curve.qualities,
            color=colour,
            dashes=dashes,
            label=entry.label,
            linewidth=1.4,
            zorder=1,
        )[0]
        for entry, (colour, dashes) in zip(curves, _PUBLISHED, strict=False)
    ]
    if lines:
        axes.legend(
            handles=lines, title=title, fontsize=7, title_fontsize=7, loc="upper left",
            handlelength=3,
        )  # fmt: skip


def _by_codec(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.codec].append(row)
    return found

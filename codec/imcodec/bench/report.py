"""The report: everything that rows say, in one HTML file that needs no network."""

from __future__ import annotations

import json
import re
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from importlib.resources import files
from typing import Any

from imcodec.bench.bd import LEAST_OVERLAP, Comparison, compare
from imcodec.bench.codecs import codec_named, colour_key, in_order
from imcodec.bench.curves import PictureSet, mean_points, picture_sets
from imcodec.bench.published import all_from_kodak, is_kodak, published
from imcodec.bench.published import comparison as published_comparison
from imcodec.bench.quality import METRICS, Metric
from imcodec.bench.rows import Row, Rows
from imcodec.bench.shown import Sheet
from imcodec.errors import UsageError


def report(rows: Rows, shown: Sequence[Sheet], *, anchor: str, title: str) -> str:
    """The page for rows, with a slider for the pictures that are `shown`.

    `anchor` is the codec that the page compares with first; a reader may choose another. Raises
    UsageError if there are no rows, MissingExtraError without bjontegaard.
    """
    data = report_data(rows, shown, anchor)
    text = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("</", "<\\/")
    parts = {
        "title": escape(title),
        "style": _asset("report.css"),
        "script": _asset("report.js"),
        "data": text,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("report.html"))


def _asset(name: str) -> str:
    return files("imcodec.bench").joinpath(name).read_text(encoding="utf-8")


def report_data(rows: Rows, shown: Sequence[Sheet], anchor: str) -> dict[str, Any]:
    """What the page shows, as plain values."""
    current = rows.current()
    if not current:
        raise UsageError("there are no rows to report on")
    by_codec: dict[str, list[Row]] = {}
    for name in in_order({row.codec for row in current}):
        by_codec[name] = [row for row in current if row.codec == name]
    pictures = {row.sha256: row for row in current}
    metrics = [m for m in METRICS.values() if any(m.name in row.quality for row in current)]
    sets = picture_sets(current)
    everything = tuple(pictures)
    return {
        "anchor": anchor if anchor in by_codec else next(iter(by_codec)),
        "leastOverlap": LEAST_OVERLAP,
        "codecs": [_codec(name, own[-1].version) for name, own in by_codec.items()],
        "pictures": [
            {"id": sha, "name": row.picture, "width": row.width, "height": row.height}
            for sha, row in pictures.items()
        ],
        "metrics": [
            {
                "name": m.name,
                "label": m.label,
                "described": m.described,
                "digits": m.digits,
                "similarity": m.is_similarity,
            }
            for m in metrics
        ],
        "rows": {name: [_row(row, metrics) for row in own] for name, own in by_codec.items()},
        "sets": [_set(s, by_codec, metrics, pictures, rows) for s in sets],
        "published": [
            {
                "label": curve.label,
                "source": curve.source,
                "note": curve.note,
                "metric": curve.metric,
                "points": [
                    [_short(rate), _short(value)]
                    for rate, value in zip(curve.curve.rates, curve.curve.qualities, strict=True)
                ],
            }
            for curve in (published() if all_from_kodak(everything) else [])
        ],
        "isKodak": is_kodak(everything),
        "shown": [asdict(sheet) for sheet in shown],
        "machines": [
            machine
            for name, machine in rows.machines.items()
            if any(row.machine == name for row in current)
        ],
        "notes": sorted({row.note for row in current if row.note}),
    }


def _codec(name: str, version: str) -> dict[str, Any]:
    codec = codec_named(name)
    return {
        "name": name,
        "label": codec.label,
        "colour": colour_key(name),
        "described": codec.described,
        "version": version,
        "ours": codec.is_ours,
    }


def _row(row: Row, metrics: Sequence[Metric]) -> list[Any]:
    """[picture, setting, bytes, bits per pixel, [values], encode s, decode s]."""
    values = [_short(row.quality.get(metric.name)) for metric in metrics]
    return [
        *(row.sha256, row.setting, row.bytes, _short(row.bpp), values),
        *(_short(row.encode_s), _short(row.decode_s)),
    ]


def _set(
    chosen: PictureSet,
    by_codec: dict[str, list[Row]],
    metrics: Sequence[Metric],
    pictures: dict[str, Row],
    rows: Rows,
) -> dict[str, Any]:
    members = set(chosen.pictures)
    own = {
        name: [row for row in all_rows if row.sha256 in members]
        for name, all_rows in by_codec.items()
        if name in chosen.codecs
    }
    count = len(chosen.pictures)
    label = "1 picture" if count == 1 else f"{count} pictures"
    if is_kodak(chosen.pictures):
        label = "Kodak, 24 pictures"
    return {
        "label": label,
        "pictures": list(chosen.pictures),
        "names": sorted(pictures[sha].picture for sha in chosen.pictures),
        "codecs": list(own),
        "curves": {
            metric.name: {
                name: [
                    [setting, _short(rate), _short(value)]
                    for setting, (rate, value) in mean_points(
                        found, chosen.pictures, metric
                    ).items()
                ]
                for name, found in own.items()
            }
            for metric in metrics
        },
        "bd": {
            metric.name: {
                anchor: {
                    name: _comparison(compare(own[anchor], found, chosen.pictures, metric))
                    for name, found in own.items()
                    if name != anchor
                }
                for anchor in own
            }
            for metric in metrics
        },
        "publishedBd": {
            anchor: {
                label: _comparison(found)
                for label, found in published_comparison(own[anchor], chosen.pictures).items()
            }
            for anchor in own
        }
        if is_kodak(chosen.pictures)
        else {},
        "cost": {
            name: _cost(found) | {"made_on": rows.made_on(row for row in found if row.encode_s)}
            for name, found in own.items()
        },
        "parts": {
            name: _parts(found) for name, found in own.items() if any(row.parts for row in found)
        },
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    over = found.over_set
    return {
        "percent": over and _short(over.percent),
        "low": over and _short(over.low),
        "high": over and _short(over.high),
        "perPicture": _short(found.per_picture),
        "each": {
            picture: [_short(rate.percent), _short(rate.low), _short(rate.high)]
            for picture, rate in found.each.items()
        },
        "pictures": found.pictures,
        "reason": found.reason,
    }


def _cost(rows: Sequence[Row]) -> dict[str, float | None]:
    """Medians over all rows."""

    def median(name: str) -> float | None:
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        return _short(statistics.median(values)) if values else None

    return {name: median(name) for name in ("encode_s", "decode_s", "encode_mb", "decode_mb")}


def _parts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Mean bytes of each part for each setting."""
    by_setting: dict[float, list[dict[str, int]]] = defaultdict(list)
    for row in rows:
        if row.parts:
            by_setting[row.setting].append(row.parts)
    return [
        {"setting": setting}
        | {
            name: round(statistics.fmean(parts[name] for parts in found))
            for name in ("graph", "weights", "payload", "header")
        }
        for setting, found in sorted(by_setting.items())
    ]


def _short(value: float | None) -> float | None:
    """Five digits are enough for a page."""
    return None if value is None else float(f"{value:.5g}")

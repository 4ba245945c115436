"""Curves that others published for the Kodak pictures: references, not measurements of ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from imcodec.bench.bd import BdRate, Comparison, NoOverlapError, bd_rate
from imcodec.bench.curves import Curve, mean_curve
from imcodec.bench.quality import METRICS
from imcodec.bench.rows import Row

DATA = Path(__file__).with_name("published.json")


@dataclass(frozen=True)
class Published:
    """A curve over all 24 Kodak pictures, with where it was published."""

    name: str
    label: str
    source: str
    note: str
    metric: str
    curve: Curve


@cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def published() -> list[Published]:
    """All of them."""
    return [
        Published(
            entry["name"],
            entry["label"],
            entry["source"],
            entry["note"],
            entry["metric"],
            Curve.of(zip(entry["bpp"], entry["quality"], strict=True)),
        )
        for entry in _data()["curves"]
    ]


def is_kodak(pictures: Iterable[str]) -> bool:
    """Whether these digests are the 24 Kodak pictures, all of them and no others."""
    return set(pictures) == set(_data()["pictures"])


def all_from_kodak(pictures: Iterable[str]) -> bool:
    """Whether every one of these digests is a Kodak picture."""
    return set(pictures) <= set(_data()["pictures"])


def comparison(anchor: Iterable[Row], pictures: Sequence[str]) -> dict[str, Comparison]:
    """Every published curve, by its label, against the rows of a codec over all Kodak pictures."""
    rows = list(anchor)
    found = {}
    for entry in published():
        metric = METRICS[entry.metric]
        rate: BdRate | None = None
        reason = ""
        try:
            rate = bd_rate(mean_curve(rows, pictures, metric), entry.curve, metric)
        except NoOverlapError as error:
            reason = str(error)
        found[entry.label] = Comparison(rate, None, {}, len(pictures), reason)
    return found

"""Rows as rate-distortion curves: of one picture, or means over a set of pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from imcodec.bench.quality import Metric
from imcodec.bench.rows import Row


@dataclass(frozen=True)
class Curve:
    """Points by rising rate, none of them worse than one with fewer bits."""

    #: bits per pixel
    rates: tuple[float, ...]
    #: values of a metric
    qualities: tuple[float, ...]
    #: points left out because a smaller file was as good
    dropped: int = 0

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> Curve:
        """The curve through points (rate, quality)."""
        kept: list[tuple[float, float]] = []
        ordered = sorted(set(points), key=lambda point: (point[0], -point[1]))
        for rate, quality in ordered:
            if not kept or quality > kept[-1][1]:
                kept.append((rate, quality))
        rates, qualities = zip(*kept, strict=True) if kept else ((), ())
        return cls(tuple(rates), tuple(qualities), len(ordered) - len(kept))

    def rate_at(self, quality: float) -> float | None:
        """The rate that reaches a quality, its logarithm interpolated; None outside the curve."""
        if not self.rates or not self.qualities[0] <= quality <= self.qualities[-1]:
            return None
        return float(np.exp(np.interp(quality, self.qualities, np.log(self.rates))))


def picture_curve(rows: Iterable[Row], metric: Metric) -> Curve:
    """The curve of one picture and codec."""
    return Curve.of(
        (row.bpp, value) for row in rows if (value := row.quality.get(metric.name)) is not None
    )


def mean_points(
    rows: Iterable[Row], pictures: Sequence[str], metric: Metric
) -> dict[float, tuple[float, float]]:
    """For each setting that all pictures (digests) have: mean bits per pixel, mean quality.

    Similarities are averaged as they are, PSNR in dB, which is how published curves are made.
    """
    by_setting: dict[float, dict[str, tuple[float, float]]] = defaultdict(dict)
    for row in rows:
        value = row.quality.get(metric.name)
        if value is not None:
            by_setting[row.setting][row.sha256] = (row.bpp, value)
    found = {}
    for setting, points in sorted(by_setting.items()):
        if all(picture in points for picture in pictures):
            chosen = [points[picture] for picture in pictures]
            found[setting] = (
                sum(rate for rate, _ in chosen) / len(chosen),
                sum(value for _, value in chosen) / len(chosen),
            )
    return found


def mean_curve(rows: Iterable[Row], pictures: Sequence[str], metric: Metric) -> Curve:
    """The curve of one codec over a set of pictures."""
    return Curve.of(mean_points(rows, pictures, metric).values())


@dataclass(frozen=True)
class PictureSet:
    """Pictures over which curves are compared, and the codecs that were run on all of them."""

    pictures: tuple[str, ...]
    codecs: tuple[str, ...]


def picture_sets(rows: Sequence[Row]) -> list[PictureSet]:
    """The sets worth comparing over, those with most pictures times codecs first.

    All pictures with the codecs that cover them; and, where a slow codec was run on fewer, those
    pictures with all the codecs that cover them. One codec alone makes a set if there is no other.
    """
    covered: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        covered[row.codec][row.sha256] = None
    found = []
    for pictures in dict.fromkeys(tuple(sorted(seen)) for seen in covered.values()):
        codecs = tuple(name for name, seen in covered.items() if set(pictures) <= seen.keys())
        found.append(PictureSet(pictures, codecs))
    found.sort(key=lambda each: len(each.pictures) * len(each.codecs), reverse=True)
    return [each for each in found if len(each.codecs) > 1] or found[:1]
